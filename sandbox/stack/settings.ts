import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AppEnvironment } from '../../config/sandbox.ts';
import { foldersOf } from '../app/places.ts';
import { DIMENSIONS, MODEL } from '../embeddings/model.ts';
import { readGoldenQuestions } from '../seed-textbook.ts';
import type { CaddyPlan } from './caddy.ts';
import { appServersOf } from './app-servers.ts';
import { readAgeKeys } from './keys.ts';
import type { EmbeddingsPlan } from './embeddings.ts';
import { writePrivate } from './home.ts';
import type { NeonAccess, NeonPlan } from './neon.ts';
import type { PostgresPlan } from './postgres.ts';
import type { QdrantPlan } from './qdrant.ts';
import type { TemporalPlan } from './temporal.ts';
import type { StackContext } from './types.ts';

export const ENVIRONMENT = 'sandbox';
export const COLLECTION = 'textbook-content';
const composeFile = fileURLToPath(new URL('../../docker-compose.yml', import.meta.url));
const textbook = fileURLToPath(new URL('../textbook', import.meta.url));

export interface BasePlans {
  readonly temporal: TemporalPlan;
  readonly postgres: PostgresPlan | NeonPlan;
  readonly qdrant: QdrantPlan;
  readonly standby?: QdrantPlan | undefined;
  readonly embeddings: EmbeddingsPlan;
  readonly caddy: CaddyPlan;
}

type Always =
  | 'TEMPORAL_ADDRESS'
  | 'TEMPORAL_UI_URL'
  | 'DR_ENVIRONMENT'
  | 'QDRANT_URL'
  | 'QDRANT_COLLECTION_NAME'
  | 'DATABASE_URL'
  | 'PG_BIN_DIR'
  | 'EMBEDDINGS_URL'
  | 'EMBEDDINGS_MODEL'
  | 'APP_URL'
  | 'APP_MAINTENANCE_HEADER'
  | 'APP_VECTORS_HEADER'
  | 'STORE_DIRECTORY'
  | 'RECOVERY_CONFIG';
/** A server that was given by its URL may have no keys, and not every Postgres is Neon's. */
type Sometimes =
  | 'VERIFY_DATABASE_URL'
  | 'QDRANT_API_KEY'
  | 'QDRANT_READ_ONLY_API_KEY'
  | 'QDRANT_STANDBY_URL'
  | 'QDRANT_STANDBY_API_KEY'
  | 'QDRANT_STANDBY_READ_ONLY_API_KEY'
  | 'NEON_API_URL'
  | 'NEON_API_KEY'
  | 'NEON_PROJECT_ID';
export type StackEnvironment = Readonly<Record<Always, string> & Partial<Record<Sometimes, string>>>;

/** Exactly the variables that the product reads, for this sandbox (`config/variables.ts` has the list). */
export function environmentOfStack(context: StackContext, plans: BasePlans): StackEnvironment {
  const { temporal, postgres, qdrant, standby, embeddings, caddy } = plans;
  return {
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_UI_URL: temporal.uiUrl,
    DR_ENVIRONMENT: ENVIRONMENT,
    QDRANT_URL: qdrant.url,
    ...(qdrant.apiKey === undefined ? {} : { QDRANT_API_KEY: qdrant.apiKey }),
    ...(qdrant.readOnlyApiKey === undefined ? {} : { QDRANT_READ_ONLY_API_KEY: qdrant.readOnlyApiKey }),
    ...(standby ? accessToStandby(standby) : {}),
    QDRANT_COLLECTION_NAME: COLLECTION,
    DATABASE_URL: postgres.url,
    ...('adminUrl' in postgres ? { VERIFY_DATABASE_URL: postgres.adminUrl } : {}),
    ...('neon' in postgres ? accessToNeon(postgres.neon) : {}),
    PG_BIN_DIR: postgres.binDir,
    EMBEDDINGS_URL: embeddings.url,
    EMBEDDINGS_MODEL: MODEL,
    APP_URL: caddy.url,
    APP_MAINTENANCE_HEADER: `Bearer ${maintenanceToken(context)}`,
    APP_VECTORS_HEADER: `Bearer ${maintenanceToken(context)}`,
    STORE_DIRECTORY: storeOf(context),
    RECOVERY_CONFIG: join(context.dir, 'recovery.config.json'),
  };
}

/** There from the start: a folder that is not there is no empty store. */
function storeOf({ dir }: StackContext): string {
  const folder = join(dir, 'store');
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Turns the chatbot's switch. Made of a secret that is kept already, so that sandboxes from before it keep theirs. */
export function maintenanceToken({ secrets }: StackContext): string {
  return createHash('sha256').update(`maintenance ${secrets.control}`).digest('hex');
}

function accessToStandby({ url, apiKey, readOnlyApiKey }: QdrantPlan): Partial<Record<Sometimes, string>> {
  return {
    QDRANT_STANDBY_URL: url,
    ...(apiKey === undefined ? {} : { QDRANT_STANDBY_API_KEY: apiKey }),
    ...(readOnlyApiKey === undefined ? {} : { QDRANT_STANDBY_READ_ONLY_API_KEY: readOnlyApiKey }),
  };
}

function accessToNeon({ apiUrl, apiKey, projectId }: NeonAccess): Partial<Record<Sometimes, string>> {
  return { NEON_API_URL: apiUrl, NEON_API_KEY: apiKey, NEON_PROJECT_ID: projectId };
}

/** What the chatbot's points carry (`sandbox/app/vectors.ts`). */
const FIELDS = { text: 'text', source: 'source', chunkIndex: 'chunk_index', contentHash: 'content_hash' };

/** How the chatbot names its chunks (`sandbox/app/chunk-record.ts`). */
const IDS = { scheme: 'uuid5', namespace: '3f0c9a5e-7d1b-4c2e-9a8f-6b5d4e3c2b1a', name: '{{section}}#{{index}}' };

/** Tables and columns of the sandbox's chatbot (`sandbox/app/schema.sql`). */
const TABLES = {
  chunks: {
    table: 'chunks',
    pointId: 'id',
    text: 'text',
    source: 'source',
    index: 'chunk_index',
    hash: 'content_hash',
    payload: { heading: 'heading' },
    canary: { heading: 'Recovery canary' },
  },
  sessions: { table: 'sessions', id: 'id' },
  messages: { table: 'messages', id: 'id', sessionId: 'session_id', role: 'role', content: 'content' },
  trace: { table: 'citations', messageId: 'message_id', chunkIds: 'chunk_id', kind: 'value' },
};

/** The chatbot's switch (`sandbox/app/server.ts`), and something that it must refuse then. */
const MAINTENANCE = {
  method: 'PUT',
  path: '/admin/mode',
  on: { mode: 'read-only' },
  off: { mode: 'normal' },
  header: { name: 'authorization' },
  write: { method: 'POST', path: '/sessions', refused: [503] },
};

/** The textbook's source, as a copy that may be edited; one that is there stays as it is. */
function sourceIn(dir: string): string {
  const copy = join(dir, 'textbook');
  if (!existsSync(copy)) cpSync(textbook, copy, { recursive: true });
  return copy;
}

/** The rest of the product's configuration: what is no secret and no address. */
export async function writeRecoveryConfig(context: StackContext, env: StackEnvironment): Promise<void> {
  const { dir } = context;
  const goldenQuestions = join(dir, 'golden-questions.json');
  writeFileSync(goldenQuestions, `${JSON.stringify(await readGoldenQuestions(), null, 2)}\n`);
  const config = {
    qdrant: { idStrategy: 'uuid', fields: FIELDS },
    postgres: { tables: TABLES },
    embeddings: { identity: { model: MODEL, dimensions: DIMENSIONS, distance: 'Cosine' } },
    content: { directory: sourceIn(dir), glob: '*.md', ids: IDS, headingField: 'heading' },
    app: {
      // The shallow one touches no store.
      health: { path: '/health/deep' },
      maintenance: MAINTENANCE,
      vectors: { request: { path: '/admin/qdrant', header: { name: 'authorization' }, answer: 'url' } },
    },
    appServers: appServersOf(context),
    cluster: { confirm: { rounds: 3, everySeconds: 1 }, watchSeconds: 5 },
    goldenQuestions,
    backup: { canary: true, coldStorage: join(dir, 'qdrant', 'storage') },
    configuration: await configurationOf(dir, env),
    approval: { initiatorMayApprove: true, timeoutMinutes: 60 },
    // Long enough to try `dr rollback`, short enough to wait for.
    commitWindowMinutes: 5,
  };
  writeFileSync(join(dir, 'recovery.config.json'), `${JSON.stringify(config, null, 2)}\n`);
}

/** What a new app server would need: the variables of the chatbot, and how the whole is put together. */
async function configurationOf(dir: string, env: StackEnvironment): Promise<object> {
  const file = join(dir, 'app.env');
  writePrivate(file, linesOf(appVariables(env)));
  const { recipients, escrowFile } = await readAgeKeys(dir);
  return {
    envFiles: [file],
    files: [composeFile],
    recipients,
    identityFile: escrowFile,
    references: [{ name: 'QDRANT_API_KEY', from: 'environment', where: 'QDRANT_API_KEY' }],
    release: { git: foldersOf(dir, 'primary').current },
  };
}

/** The variables that the chatbot is deployed with. */
export function appVariables(env: StackEnvironment): AppEnvironment {
  const { QDRANT_URL, QDRANT_API_KEY, QDRANT_COLLECTION_NAME, DATABASE_URL, EMBEDDINGS_URL, EMBEDDINGS_MODEL } = env;
  return { QDRANT_URL, QDRANT_API_KEY, QDRANT_COLLECTION_NAME, DATABASE_URL, EMBEDDINGS_URL, EMBEDDINGS_MODEL };
}

/** `NAME="value"` lines, which Node's `--env-file`, shells and the launcher all read. Holds secrets. */
export function writeEnvironmentFile(dir: string, env: Readonly<Record<string, string>>): string {
  const file = join(dir, 'environment');
  writePrivate(file, linesOf(env));
  return file;
}

function linesOf(env: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(env).filter(([, value]) => value !== undefined);
  return given.map(([name, value]) => `${name}=${JSON.stringify(value)}\n`).join('');
}
