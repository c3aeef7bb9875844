import { resolve } from 'node:path';
import { z } from 'zod';
import { RecoveryError } from '../domain/failures.ts';
import { type Config, configSchema, temporalConfigSchema } from './schema.ts';
import { Secret } from './secret.ts';
import { type ConfigSources, readSettings } from './sources.ts';
import { type StoreConfig, storeConfigSchema } from './store.ts';

/** Variables that the sandbox gives to whoever may break it. */
const CONTROL_URL = 'SANDBOX_CONTROL_URL';
const CONTROL_TOKEN = 'SANDBOX_CONTROL_TOKEN';

const clientConfigSchema = z.strictObject({
  environment: configSchema.shape.environment.optional(),
  store: storeConfigSchema.prefault({}),
  temporal: temporalConfigSchema.prefault({}),
  objectives: configSchema.shape.objectives,
  retention: configSchema.shape.retention,
  schedules: configSchema.shape.schedules,
});

/** What the command line may know: no credentials of the stack. */
export interface ClientConfig {
  /** Absent when nobody said which; commands that need it ask for it. */
  readonly environment: string | undefined;
  readonly uiUrl: string;
  /** With an absolute path. */
  readonly store: StoreConfig;
  readonly objectives: Config['objectives'];
  readonly retention: Config['retention'];
  readonly schedules: Config['schedules'];
  readonly sandbox: { readonly controlUrl: string; readonly controlToken: Secret | undefined } | undefined;
}

/** `environment` is the one that was named on the command line; it wins over the settings. */
export type ClientConfigSources = ConfigSources & { readonly environment?: string | undefined };

/**
 * Reads what the command line needs, and looks at nothing else: it works where no credentials of the stack are.
 * @throws RecoveryError INVALID_CONFIGURATION
 */
export async function loadClientConfig(sources: ClientConfigSources = {}): Promise<ClientConfig> {
  const { env = process.env, cwd = process.cwd() } = sources;
  const { environment, store, temporal, ...declared } = await readSettings(
    clientConfigSchema,
    sources,
    Object.keys(clientConfigSchema.shape),
    Object.keys(configSchema.shape),
  );
  return {
    environment: sources.environment === undefined ? environment : named(sources.environment),
    uiUrl: temporal.uiUrl,
    store: { ...store, directory: resolve(cwd, store.directory) },
    ...declared,
    sandbox: sandboxOf(env),
  };
}

function named(environment: string): string {
  const parsed = configSchema.shape.environment.safeParse(environment);
  if (parsed.success) return parsed.data;
  throw new RecoveryError(
    'INVALID_CONFIGURATION',
    `--environment ${parsed.error.issues[0]?.message ?? 'is not a name'}`,
  );
}

function sandboxOf(env: NodeJS.ProcessEnv): ClientConfig['sandbox'] {
  const controlUrl = env[CONTROL_URL] || undefined;
  const token = env[CONTROL_TOKEN] || undefined;
  if (controlUrl === undefined) return undefined;
  if (!z.url({ protocol: /^https?$/ }).safeParse(controlUrl).success) {
    throw new RecoveryError(
      'INVALID_CONFIGURATION',
      `${CONTROL_URL} must be an http:// or https:// URL. \`npm run sandbox\` prints it.`,
    );
  }
  return { controlUrl, controlToken: token === undefined ? undefined : new Secret(token) };
}
