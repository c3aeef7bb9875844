import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Problem } from './problem.mjs';

const USAGE = 'usage: node sandbox/launch.mjs <jest | check | file.ts> [arguments]';
/** These talk to a stack that runs already: the sandbox's servers are not theirs to start. */
const TALKERS = ['client/main.ts', 'workers/main.ts'];
/** Looks at somebody's stack, which must not be mixed with a sandbox that happens to run. */
const LOOKERS = ['workers/discover.ts'];

/**
 * What a target asks for.
 * @returns {{kind: 'check'} | {kind: 'script', script: string, needsPython: boolean, readsSandbox: boolean}}
 * @throws Problem when there is no such target
 */
export function resolveTarget(name, folder) {
  if (name === undefined) throw new Problem(USAGE);
  if (name === 'check') return { kind: 'check' };
  if (name === 'jest') {
    const script = join(folder, 'node_modules', 'jest', 'bin', 'jest.js');
    return { kind: 'script', script, needsPython: true, readsSandbox: false };
  }
  const script = join(folder, name);
  if (!name.endsWith('.ts') || !existsSync(script)) throw new Problem(`There is no target ${name}; ${USAGE}`);
  const talks = TALKERS.includes(name);
  return { kind: 'script', script, needsPython: !talks && !LOOKERS.includes(name), readsSandbox: talks };
}
