import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import type { CloudOptions } from './options.ts';
import { startQdrantCloud } from './server.ts';

/**
 * `node sandbox/qdrant-cloud/main.ts --config FILE [--die-with-parent]`: a stand-in of Qdrant Cloud's management API. With
 * the flag it ends when its input does, which is when whoever started it is gone.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { config: { type: 'string' }, 'die-with-parent': { type: 'boolean' } } });
  const file = z.string({ error: 'name the configuration with --config FILE' }).parse(values.config);
  // Its settings are checked at the start, whoever gives them.
  const cloud = await startQdrantCloud(JSON.parse(await readFile(file, 'utf8')) as CloudOptions, console.error);
  const stop = (): void => {
    process.stdin.pause();
    void cloud.close();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, stop);
  if (values['die-with-parent']) process.stdin.resume().once('end', stop);
  // Last: whoever reads this may end it at once.
  console.log(`qdrant-cloud on ${cloud.url}, fault switches on ${cloud.faultsUrl}`);
}

await main();
