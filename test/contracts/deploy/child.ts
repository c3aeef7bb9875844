import { text } from 'node:stream/consumers';
import { createDeployer, type DeployParts } from '../../../activities/deploy/index.ts';
import { deployConfigSchema } from '../../../config/deploy.ts';
import type { Deployer } from '../../../domain/deployment.ts';

/** A worker that deploys once, and says when it comes to each of its phases: somebody kills it there. */
interface Order {
  readonly settings: object;
  readonly parts: DeployParts;
  readonly input: Parameters<Deployer['deploy']>[0];
}

const { settings, parts, input } = JSON.parse(await text(process.stdin)) as Order;
await createDeployer(deployConfigSchema.parse(settings), parts).deploy(input, {
  signal: new AbortController().signal,
  report: ({ phase }) => process.stdout.write(`${phase}\n`),
  output: () => undefined,
});
process.exit(0);
