import { loadClientConnectConfig } from '@temporalio/envconfig';
import { RecoveryError } from '../domain/failures.ts';

const DEFAULT_ADDRESS = '127.0.0.1:7233';
const DEFAULT_NAMESPACE = 'default';

/** What `Connection.connect` and `NativeConnection.connect` both take. */
export interface TemporalConnectOptions {
  readonly address: string;
  readonly apiKey?: string;
  readonly tls?: NonNullable<ReturnType<typeof loadClientConnectConfig>['connectionOptions']['tls']>;
  readonly metadata?: Record<string, string>;
}

export interface TemporalConnection {
  /** `host:port`, for messages. */
  readonly address: string;
  /** Must be handed on explicitly: a connection does not carry it. */
  readonly namespace: string;
  /** Options with the key and the certificates. A function, so that printing this object shows none of them. */
  readonly options: () => TemporalConnectOptions;
}

/**
 * How to reach Temporal, read as its own command line reads it: `TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`,
 * `TEMPORAL_API_KEY`, `TEMPORAL_TLS*`, over the profile of `temporal.toml`.
 * @throws RecoveryError INVALID_CONFIGURATION when a variable, the profile or a certificate file is not usable
 */
export function loadTemporalConnection(env: NodeJS.ProcessEnv = process.env): TemporalConnection {
  const { connectionOptions, namespace = DEFAULT_NAMESPACE } = load(env);
  const { address = DEFAULT_ADDRESS, apiKey, tls, metadata } = connectionOptions;
  const options: TemporalConnectOptions = {
    address,
    ...(typeof apiKey === 'string' ? { apiKey } : {}),
    ...(tls === undefined || tls === null ? {} : { tls }),
    ...(metadata === undefined ? {} : { metadata: metadata as Record<string, string> }),
  };
  return { address, namespace, options: () => options };
}

function load(env: NodeJS.ProcessEnv): ReturnType<typeof loadClientConnectConfig> {
  const set = Object.entries(env).filter((entry): entry is [string, string] => (entry[1] ?? '') !== '');
  try {
    return loadClientConnectConfig({ overrideEnvVars: Object.fromEntries(set) });
  } catch (error) {
    // The first line alone: after it, the TOML reader quotes the file, which may hold a key.
    const [what = 'cannot be read'] = (error instanceof Error ? error.message : String(error)).split('\n');
    throw new RecoveryError(
      'INVALID_CONFIGURATION',
      `the connection to Temporal: ${what}. Correct the TEMPORAL_* variables or the profile in temporal.toml.`,
    );
  }
}
