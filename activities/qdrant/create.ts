import { createHash } from 'node:crypto';
import { type CollectionRequests, requestsOf } from '../../domain/collection-request.ts';
import type { RecoverySet } from '../../domain/recovery-set.ts';
import type { ShapeDifference } from '../../domain/shape.ts';
import type { Work } from '../progress.ts';
import { pathOf } from './address.ts';
import type { QdrantConnection } from './client.ts';
import { stringifyExact } from './exact-json.ts';
import { QdrantFailure } from './failure.ts';
import { canonical } from './fingerprint.ts';
import { ENVIRONMENT, OWN_METADATA, readMetadata, writeMetadata } from './identity.ts';
import { createIndex } from './indexes.ts';
import { claim, dropMade, type Made, MADE_BY, standingOf, unclaim } from './ownership.ts';
import { compareToShape } from './shape.ts';
import type { Tools } from './tools.ts';

type Shape = RecoverySet['qdrant']['shape'];

/** Metadata of a collection that is made to its end: the fingerprint of the shape that was asked for. */
const MADE_AS = 'dr_made_as';

/**
 * Makes a collection as its shape says, empty, with its payload indexes. One that an earlier attempt made to its end is adopted,
 * with whatever is in it by now; a half-made one is dropped first. Strict mode is left to `finishCollection` where it
 * would get in the way of filling.
 * @returns what could not be made equal
 */
export async function createCollection(
  tools: Tools,
  { collection, shape, owner }: Made & { readonly shape: Shape },
  { signal, report }: Work,
): Promise<ShapeDifference[]> {
  const { connection } = tools;
  const made = { collection, owner };
  const requests = requestsOf(shape);
  const fingerprint = fingerprintOf(shape);
  const standing = await standingOf(connection, made, signal);
  const adopted = standing === 'mine' && (await readMetadata(connection, collection))[MADE_AS] === fingerprint;
  if (!adopted) {
    if (standing !== 'absent') await dropMade(connection, made, signal);
    report({ phase: `create ${collection}`, done: 0, total: requests.indexes.length });
    await make(tools, made, requests, signal);
    await writeMetadata(connection, collection, { [MADE_AS]: fingerprint });
  }
  return compareToShape(connection, collection, requests.strict?.hinders ? withoutStrictMode(shape) : shape);
}

/** What had to wait until the collection was full: strict mode. Compares everything with what was asked. */
export async function finishCollection(
  { connection }: Tools,
  { collection, shape }: { collection: string; shape: Shape },
  { signal }: Work,
): Promise<ShapeDifference[]> {
  await putOnStrictMode(connection, collection, requestsOf(shape), signal);
  await unclaim(connection, collection, signal);
  return compareToShape(connection, collection, shape);
}

async function make(tools: Tools, made: Made, requests: CollectionRequests, signal: AbortSignal): Promise<void> {
  const { connection } = tools;
  const { collection } = made;
  await put(connection, made, requests.create, signal);
  await claim(connection, made, signal);
  if (requests.patch) await change(connection, collection, requests.patch, signal);
  for (const key of requests.shardKeys) {
    const [what, path] = [`create a shard key of ${collection}`, pathOf(collection, '/shards')];
    await connection.exchange({ what, method: 'PUT', path, body: JSON.stringify(key), idempotent: false, signal });
  }
  for (const request of requests.indexes) await createIndex(tools, collection, request, signal);
  if (!requests.strict?.hinders) await putOnStrictMode(connection, collection, requests, signal);
}

async function put(
  connection: QdrantConnection,
  { collection, owner }: Made,
  create: CollectionRequests['create'],
  signal: AbortSignal,
): Promise<void> {
  const metadata = { ...inherited(create['metadata']), [MADE_BY]: owner };
  try {
    await connection.exchange({
      what: `create ${collection}`,
      method: 'PUT',
      path: pathOf(collection),
      body: stringifyExact({ ...create, metadata }),
      signal,
    });
  } catch (error) {
    // The answer of a creation was lost, and the repeated request met what the first one made.
    if (!(error instanceof QdrantFailure && error.status === 409)) throw error;
    await standingOf(connection, { collection, owner }, signal);
  }
}

/** People's own metadata and the environment's name; our other marks spoke of the collection that was. */
function inherited(metadata: unknown): Record<string, unknown> {
  const entries = Object.entries((metadata ?? {}) as Record<string, unknown>);
  return Object.fromEntries(entries.filter(([key]) => key === ENVIRONMENT || !key.startsWith(OWN_METADATA)));
}

async function putOnStrictMode(
  connection: QdrantConnection,
  collection: string,
  { strict }: CollectionRequests,
  signal: AbortSignal,
): Promise<void> {
  if (strict) await change(connection, collection, { strict_mode_config: strict.config }, signal);
}

async function change(
  connection: QdrantConnection,
  collection: string,
  body: CollectionRequests['create'],
  signal: AbortSignal,
): Promise<void> {
  const what = `change the settings of ${collection}`;
  await connection.exchange({ what, method: 'PATCH', path: pathOf(collection), body: JSON.stringify(body), signal });
}

function withoutStrictMode({ config, payloadSchema }: Shape): Shape {
  const { strict_mode_config: _, ...rest } = config;
  return { config: rest, payloadSchema };
}

function fingerprintOf(shape: Shape): string {
  return createHash('sha256')
    .update(stringifyExact(canonical(shape)))
    .digest('hex');
}
