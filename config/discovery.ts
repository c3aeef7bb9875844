import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import type { z } from 'zod';
import { RecoveryError } from '../domain/failures.ts';
import { describeIssues } from '../domain/run-input.ts';
import { type QdrantConfig, qdrantConfigSchema } from './schema.ts';
import type { Secret } from './secret.ts';
import { httpUrlSchema, postgresUrlSchema } from './values.ts';
import { variableOf } from './variables.ts';

/** Where a stack that has no configuration yet can be looked at. */
export interface DiscoverySettings {
  readonly qdrant?: QdrantConfig | undefined;
  /** The collection or alias, where it is named. */
  readonly collection?: string | undefined;
  readonly postgresUrl?: Secret | undefined;
  readonly appUrl?: string | undefined;
  readonly embeddingModel?: string | undefined;
}

/**
 * The variables that the worker would read, by all their names, from the environment, or from a file such as the app's own
 * `.env` alone.
 * @throws RecoveryError INVALID_CONFIGURATION naming what is wrong, without any value
 */
export function loadDiscoverySettings(
  envFile?: string,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): DiscoverySettings {
  // Of two stacks that are mixed nothing could be told.
  const env = envFile === undefined ? environment : readEnvFile(envFile);
  const of = (setting: string): string | undefined =>
    variableOf(setting)
      ?.names.map((name) => env[name])
      .find((value) => value !== undefined && value !== '');
  const [url, apiKey, postgres, app] = ['qdrant.url', 'qdrant.apiKey', 'postgres.url', 'app.baseUrl'].map(of);
  return {
    ...(url === undefined
      ? {}
      : { qdrant: parsed('qdrant', qdrantConfigSchema, { url, ...(apiKey ? { apiKey } : {}) }) }),
    collection: of('qdrant.collection'),
    ...(postgres === undefined ? {} : { postgresUrl: parsed('postgres.url', postgresUrlSchema, postgres) }),
    ...(app === undefined ? {} : { appUrl: parsed('app.baseUrl', httpUrlSchema, app) }),
    embeddingModel: of('embeddings.identity.model'),
  };
}

function readEnvFile(file: string): Record<string, string | undefined> {
  try {
    return parseEnv(readFileSync(file, 'utf8'));
  } catch {
    throw new RecoveryError('INVALID_CONFIGURATION', `--dotenv: ${file} cannot be read`);
  }
}

function parsed<T>(setting: string, schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new RecoveryError('INVALID_CONFIGURATION', `${setting}: ${describeIssues(result.error)}`);
}
