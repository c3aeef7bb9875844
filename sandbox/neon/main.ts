import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { startNeon } from './index.ts';
import { neonSettingsSchema } from './settings.ts';

/**
 * `node sandbox/neon/main.ts --config FILE [--die-with-parent]`: Neon's control plane over real clusters. The file has
 * the settings as JSON.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { config: { type: 'string' }, 'die-with-parent': { type: 'boolean' } } });
  const file = z.string({ error: 'name the settings with --config FILE' }).parse(values.config);
  const neon = await startNeon(neonSettingsSchema.parse(JSON.parse(readFileSync(file, 'utf8'))));
  console.log(`neon on ${neon.apiUrl} project ${neon.projectId} branch ${neon.branchId}`);
  if (neon.faultsUrl !== null) console.log(`neon faults on ${neon.faultsUrl}/faults`);
  const stop = async (): Promise<void> => {
    await neon.close();
    process.exit(0);
  };
  // The input ends when the parent does, in whatever way.
  if (values['die-with-parent']) process.stdin.resume().once('end', () => void stop());
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop());
}

await main();
