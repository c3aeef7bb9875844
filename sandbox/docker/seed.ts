/** `node sandbox/docker/seed.ts --dir DIR`: fills the containers' stack, which the product's variables name. May be repeated. */
import { parseArgs } from 'node:util';
import { workerEnvironment } from '../../config/search-path.ts';
import { seed } from '../seed.ts';

const { dir = '/data' } = parseArgs({ options: { dir: { type: 'string' } } }).values;
const given = Object.entries(workerEnvironment()).flatMap(([name, value]) => (value ? [[name, value] as const] : []));

const result = await seed(
  { dir, env: Object.fromEntries(given) },
  { onProgress: ({ phase, done, total }) => console.log(`${phase}: ${done} of ${total}`) },
);
console.log(JSON.stringify(result));
