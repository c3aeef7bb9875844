import { dirname } from 'node:path';
import type { z } from 'zod';
import { overlayEnvironment, withAbsolutePaths } from './environment.ts';
import { readConfigFile } from './file.ts';
import { knownSettings } from './keys.ts';
import { describeProblems, invalidConfiguration } from './problems.ts';
import { settingAt, type Tree, withSetting } from './tree.ts';
import { CONFIG_FILE_VARIABLE, PATH_SETTINGS, VARIABLES } from './variables.ts';

/** Where settings are read from. The default is this process. */
export interface ConfigSources {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Path of the configuration file, when it was named on the command line. */
  readonly file?: string | undefined;
}

/** Settings that nobody has to give; they are not in the schema because recovery sets must not have defaults. */
const DEFAULTS = { 'embeddings.identity.dimensions': 768, 'embeddings.identity.distance': 'Cosine' } as const;

/**
 * Reads the file, puts the environment over it, and checks the whole.
 * @param only when given, the top-level settings that matter here
 * @param others top-level settings that are known and not looked at
 * @throws RecoveryError INVALID_CONFIGURATION that names every problem at once
 */
export async function readSettings<S extends z.ZodObject>(
  schema: S,
  { env = process.env, cwd = process.cwd(), file }: ConfigSources,
  only?: readonly string[],
  others?: readonly string[],
): Promise<z.output<S>> {
  const read = await readConfigFile(cwd, file ?? (env[CONFIG_FILE_VARIABLE] || undefined));
  const absolute = withAbsolutePaths(read.settings, PATH_SETTINGS, read.path === undefined ? cwd : dirname(read.path));
  const matters = (setting: string): boolean => only === undefined || only.includes(setting.split('.')[0] ?? '');
  const variables = VARIABLES.filter(({ setting }) => matters(setting));
  const over = overlayEnvironment(withDefaults(absolute), { env, cwd, variables });
  // What is left out is of no concern here, but a name that nobody knows is a slip of the pen everywhere.
  const settings = Object.fromEntries(
    Object.entries(over.settings).filter(([key]) => matters(key) || (others !== undefined && !others.includes(key))),
  );
  const parsed = schema.safeParse(settings);
  const from = { settings, origins: over.origins, file: read.path, env, known: knownSettings(schema) };
  // A file that cannot be read gives nothing: what it leaves missing would only hide the cause.
  const wrong = parsed.success || read.problems.length > 0 ? [] : describeProblems(parsed.error, from);
  const problems = [...read.problems, ...over.problems, ...wrong];
  if (problems.length > 0 || !parsed.success) throw invalidConfiguration(problems);
  return parsed.data;
}

function withDefaults(settings: Tree): Tree {
  return Object.entries(DEFAULTS).reduce(
    (tree, [path, value]) => (settingAt(tree, path) === undefined ? withSetting(tree, path, value) : tree),
    settings,
  );
}
