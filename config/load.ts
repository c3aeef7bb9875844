import { resolve } from 'node:path';
import { type Config, configSchema } from './schema.ts';
import { type ConfigSources, readSettings } from './sources.ts';

export type { ConfigSources } from './sources.ts';

/**
 * The whole configuration: environment variables (`config/variables.ts`) over an optional `recovery.config.{json,mjs,js,ts}`.
 * Paths come back absolute: relative ones are meant from the file they stand in, or from `cwd` for variables.
 * @throws RecoveryError INVALID_CONFIGURATION that names every problem at once, and no value
 */
export async function loadConfig(sources: ConfigSources = {}): Promise<Config> {
  const config = await readSettings(configSchema, sources);
  const directory = resolve(sources.cwd ?? process.cwd(), config.store.directory);
  return { ...config, store: { ...config.store, directory } };
}
