import type { AppConfig } from '../../config/schema.ts';
import type { Secret } from '../../config/secret.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { describeServer, type ServerRef } from '../../domain/servers.ts';
import type { RepointActivities } from '../cluster-contract.ts';
import { withProgress } from '../progress.ts';
import { type Environment, runProgram } from '../run-program.ts';
import { callApp } from './http.ts';
import { valueAt } from './template.ts';

/** An app may connect, look and drain before it answers. */
const SWITCH_MS = 60_000;
const ASK_MS = 15_000;
const LAST_WORDS = 300;

/** How a server is reached: what the app must be given. */
export interface ServerAccess {
  readonly url: string;
  readonly apiKey?: Secret | undefined;
}

interface Parts {
  readonly config: AppConfig | undefined;
  readonly accessTo: (server: ServerRef) => Promise<ServerAccess>;
  /** What the command is given besides. */
  readonly variables: Environment;
}

type Vectors = NonNullable<AppConfig['vectors']>;

interface Wanted extends ServerAccess {
  readonly collection: string;
}

/** The app's own way of being told where its vectors are. To be wrapped in `withFailures`. */
export function createRepointActivities({ config, accessTo, variables }: Parts): RepointActivities {
  return {
    repointApp: ({ server, collection }) =>
      withProgress({}, async ({ signal }) => {
        const vectors = config?.vectors;
        if (!config || !vectors) {
          const message = `app.vectors is not configured: point the app to ${describeServer(server)} by hand (QDRANT_URL, QDRANT_API_KEY), then skip this step`;
          throw new RecoveryError('APP_REFUSED', message);
        }
        const wanted = { ...(await accessTo(server)), collection };
        if (vectors.request) return byRequest(config, vectors.request, wanted, signal);
        if (vectors.command) return byCommand(vectors.command, wanted, { variables, signal });
        throw new RecoveryError('INVALID_CONFIGURATION', 'app.vectors: neither a request nor a command');
      }),
  };
}

async function byRequest(
  { baseUrl, authHeader }: AppConfig,
  { method, path, body, header, answer }: NonNullable<Vectors['request']>,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<{ repointed: boolean; said: string }> {
  const known = [authHeader, header].filter((one) => one !== undefined);
  const headers = Object.fromEntries(known.map(({ name, value }) => [name.toLowerCase(), value.reveal()]));
  const call = { baseUrl, path, headers, signal };
  await hidingKey(wanted, () => callApp({ ...call, method, body: filled(body, wanted), deadlineMs: SWITCH_MS }));
  if (answer === undefined) return { repointed: true, said: 'it was told; where it looks now cannot be asked' };
  const now = await hidingKey(wanted, () => callApp({ ...call, method: 'GET', deadlineMs: ASK_MS }));
  const address = valueAt(now, answer);
  if (typeof address === 'string' && isSame(address, wanted.url))
    return { repointed: true, said: `it uses ${address}` };
  const seen = typeof address === 'string' ? address : `nothing at "${answer}"`;
  throw new RecoveryError('APP_REFUSED', `app.vectors: the app was told to use ${wanted.url}, and says ${seen}`);
}

/** An app may quote what it was sent. */
async function hidingKey<T>({ apiKey }: Wanted, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof RecoveryError)) throw error;
    throw new RecoveryError(error.code, redacted(error.message, apiKey));
  }
}

function redacted(text: string, apiKey: Secret | undefined): string {
  return apiKey ? text.replaceAll(apiKey.reveal(), '[redacted]') : text;
}

function isSame(a: string, b: string): boolean {
  return URL.canParse(a) && new URL(a).href.replace(/\/$/, '') === new URL(b).href.replace(/\/$/, '');
}

/** A field that would hold nothing but the key is left out where there is none. */
function filled(body: Readonly<Record<string, unknown>>, wanted: Wanted): Record<string, unknown> {
  const kept = Object.entries(body).filter(([, value]) => value !== '{{apiKey}}' || wanted.apiKey !== undefined);
  return Object.fromEntries(kept.map(([key, value]) => [key, fillIn(value, wanted)]));
}

function fillIn(value: unknown, wanted: Wanted): unknown {
  if (typeof value === 'string')
    return value
      .replaceAll('{{url}}', () => wanted.url)
      .replaceAll('{{apiKey}}', () => wanted.apiKey?.reveal() ?? '')
      .replaceAll('{{collection}}', () => wanted.collection);
  if (Array.isArray(value)) return value.map((inner: unknown) => fillIn(inner, wanted));
  if (typeof value === 'object' && value !== null) return filled(value as Record<string, unknown>, wanted);
  return value;
}

async function byCommand(
  { run: [program = '', ...args], timeoutSeconds }: NonNullable<Vectors['command']>,
  { url, apiKey, collection }: Wanted,
  { variables, signal }: { variables: Environment; signal: AbortSignal },
): Promise<{ repointed: boolean; said: string }> {
  const environment = {
    ...variables,
    QDRANT_URL: url,
    QDRANT_COLLECTION_NAME: collection,
    ...(apiKey ? { QDRANT_API_KEY: apiKey.reveal() } : {}),
  };
  const ended = await runProgram(program, args, { environment, timeoutMs: timeoutSeconds * 1000, signal });
  if ('stdout' in ended) return { repointed: true, said: `${program} has ended well` };
  const words = redacted(ended.stderr.trim(), apiKey).slice(-LAST_WORDS);
  throw new RecoveryError(
    'APP_REFUSED',
    `app.vectors.command: ${program} ${ended.problem}${words === '' ? '' : `: ${words}`}`,
  );
}
