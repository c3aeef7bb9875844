import { z } from 'zod';
import { RecoveryError } from '../domain/failures.ts';
import { Secret } from './secret.ts';

const secret = z
  .string()
  .min(1)
  .transform((value) => new Secret(value));
const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' });

/**
 * What people may set of the sandbox, by environment variable. Each part is looked for in this order: what is set here,
 * PATH, what the launcher provided. A part that is given as a URL or an address is used as it is: never started, never
 * stopped, never killed.
 */
export const sandboxOptionsSchema = z.object({
  SANDBOX_QDRANT_URL: httpUrl.optional(),
  SANDBOX_QDRANT_API_KEY: secret.optional(),
  SANDBOX_QDRANT_READ_ONLY_API_KEY: secret.optional(),
  SANDBOX_POSTGRES_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must be a postgresql:// URL')
    .transform((value) => new Secret(value))
    .optional(),
  SANDBOX_TEMPORAL_ADDRESS: z
    .string()
    .regex(/^[^\s:]+:\d+$/, 'must be host:port')
    .optional(),
  SANDBOX_TEMPORAL_UI_URL: httpUrl.optional(),
  SANDBOX_EMBEDDINGS_URL: httpUrl.optional(),
  /** Programs, and the folder of Postgres's programs. */
  SANDBOX_QDRANT: z.string().min(1).optional(),
  SANDBOX_TEMPORAL: z.string().min(1).optional(),
  SANDBOX_CADDY: z.string().min(1).optional(),
  SANDBOX_PG_BIN: z.string().min(1).optional(),
  /** Process number of the launcher, set by the launcher itself. */
  SANDBOX_LAUNCHER: z.coerce.number().int().positive().optional(),
});

/** Variables of the person's environment that the sandbox's servers may see: nothing of another stack leaks into them. */
const HANDED_DOWN = ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'NO_COLOR', 'FORCE_COLOR'];

export interface SandboxOptions {
  readonly qdrant: { url?: string; apiKey?: Secret; readOnlyApiKey?: Secret; program?: string };
  readonly postgres: { url?: Secret; binDir?: string };
  readonly temporal: { address?: string; uiUrl?: string; program?: string };
  readonly caddy: { program?: string };
  readonly embeddings: { url?: string };
  readonly launcher?: number;
  /** The variables that every part starts with. */
  readonly handedDown: Readonly<Record<string, string>>;
}

/** @throws RecoveryError INVALID_CONFIGURATION naming each variable that is wrong */
export function loadSandboxOptions(environment: Record<string, string | undefined> = process.env): SandboxOptions {
  // An empty variable is one that is not set: shells and CI files make no difference.
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = sandboxOptionsSchema.safeParse(given);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`);
    throw new RecoveryError('INVALID_CONFIGURATION', problems.join('; '));
  }
  const read = parsed.data;
  return {
    qdrant: present({
      url: read.SANDBOX_QDRANT_URL,
      apiKey: read.SANDBOX_QDRANT_API_KEY,
      readOnlyApiKey: read.SANDBOX_QDRANT_READ_ONLY_API_KEY,
      program: read.SANDBOX_QDRANT,
    }),
    postgres: present({ url: read.SANDBOX_POSTGRES_URL, binDir: read.SANDBOX_PG_BIN }),
    temporal: present({
      address: read.SANDBOX_TEMPORAL_ADDRESS,
      uiUrl: read.SANDBOX_TEMPORAL_UI_URL,
      program: read.SANDBOX_TEMPORAL,
    }),
    caddy: present({ program: read.SANDBOX_CADDY }),
    embeddings: present({ url: read.SANDBOX_EMBEDDINGS_URL }),
    ...present({ launcher: read.SANDBOX_LAUNCHER }),
    handedDown: Object.fromEntries(HANDED_DOWN.flatMap((name) => (given[name] ? [[name, given[name]]] : []))),
  };
}

/** What the sandbox's chatbot is deployed with. */
const appEnvironmentSchema = z.object({
  QDRANT_URL: z.string().min(1),
  QDRANT_API_KEY: z.string().optional(),
  QDRANT_COLLECTION_NAME: z.string().min(1),
  DATABASE_URL: z.string().min(1),
  EMBEDDINGS_URL: z.string().min(1),
  EMBEDDINGS_MODEL: z.string().min(1),
});
export type AppEnvironment = z.infer<typeof appEnvironmentSchema>;

/** @throws z.ZodError naming the variables that are missing */
export function appEnvironment(environment: Record<string, string | undefined> = process.env): AppEnvironment {
  return appEnvironmentSchema.parse(environment);
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** The same object without the fields that have no value. */
function present<T extends Record<string, unknown>>(fields: T): Present<T> & Record<never, never> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Present<T>;
}
