import { relative, resolve, sep } from 'node:path';
import { invalidConfiguration } from './problems.ts';
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
  refuseKeysInStore(config, directory);
  return { ...config, store: { ...config.store, directory } };
}

/** Whoever loses the folder of the store loses the keys that lie in it: they open nothing that is left. */
function refuseKeysInStore({ store, configuration }: Config, directory: string): void {
  if (store.s3) return;
  const keys = {
    'store.encryption.identityFile': store.encryption?.identityFile,
    'configuration.identityFile': configuration?.identityFile,
  };
  const inside = Object.entries(keys).filter(([, path]) => path !== undefined && isInside(path, directory));
  if (inside.length === 0) return;
  throw invalidConfiguration(
    inside.map(([setting]) => `${setting}: lies in the folder of the store, beside what it opens. Keep it elsewhere.`),
  );
}

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== '..' && !way.startsWith(`..${sep}`);
}
