import { setTimeout as sleep } from 'node:timers/promises';
import { applySchema } from './app/database.ts';
import type { Stores } from './seed-context.ts';

const DIMENSIONS = 768;
/** Payload fields that are searched by. */
export const PAYLOAD_INDEXES = { source: 'keyword', chunk_index: 'integer', content_hash: 'keyword' } as const;
const VERSION = '-v1';
const INDEX_LOOKS = 200;
const LOOK_EVERY_MS = 50;

/** Tables, collection, alias, payload indexes and the environment's name in both stores. What is there is left alone. */
export async function prepareStores(stores: Stores): Promise<void> {
  await applySchema(stores.pool);
  await markPostgres(stores);
  const collection = await ensureCollection(stores);
  await markCollection(stores, collection);
  await ensureIndexes(stores, collection);
}

/** @throws Error when the database belongs to another environment: that one must not be seeded */
async function markPostgres({ pool, environment }: Stores): Promise<void> {
  const { rows } = await pool.query<{ name: string }>('SELECT name FROM dr_environment');
  refuseOther('the Postgres database', rows[0]?.name, environment);
  if (rows.length === 0) await pool.query('INSERT INTO dr_environment (name) VALUES ($1)', [environment]);
}

async function markCollection({ qdrant, environment }: Stores, collection: string): Promise<void> {
  const { config } = await qdrant.getCollection(collection);
  const mark = config.metadata?.['dr_environment'];
  refuseOther(`the Qdrant collection ${collection}`, typeof mark === 'string' ? mark : undefined, environment);
  if (mark === undefined) await qdrant.updateCollection(collection, { metadata: { dr_environment: environment } });
}

function refuseOther(what: string, mark: string | undefined, environment: string): void {
  if (mark !== undefined && mark !== environment) {
    throw new Error(`${what} belongs to the environment ${mark} and is not seeded as ${environment}`);
  }
}

/** The collection behind the alias: a recovery may have put another one in place of the first. */
async function ensureCollection({ qdrant, alias, environment }: Stores): Promise<string> {
  const { aliases } = await qdrant.getAliases();
  const known = aliases.find((one) => one.alias_name === alias);
  if (known) return known.collection_name;
  const collection = alias + VERSION;
  const { exists } = await qdrant.collectionExists(collection);
  if (!exists) {
    await qdrant.createCollection(collection, {
      vectors: { size: DIMENSIONS, distance: 'Cosine' },
      metadata: { dr_environment: environment },
    });
  }
  await qdrant.updateCollectionAliases({
    actions: [{ create_alias: { alias_name: alias, collection_name: collection } }],
  });
  return collection;
}

async function ensureIndexes({ qdrant }: Stores, collection: string): Promise<void> {
  const before = (await qdrant.getCollection(collection)).payload_schema;
  for (const [field, type] of Object.entries(PAYLOAD_INDEXES)) {
    if (!(field in before)) {
      await qdrant.createPayloadIndex(collection, { field_name: field, field_schema: type, wait: true });
    }
  }
  for (let look = 0; look < INDEX_LOOKS; look += 1) {
    const { payload_schema: after } = await qdrant.getCollection(collection);
    if (Object.keys(PAYLOAD_INDEXES).every((field) => field in after)) return;
    await sleep(LOOK_EVERY_MS);
  }
  throw new Error(`the payload indexes of ${collection} did not appear`);
}
