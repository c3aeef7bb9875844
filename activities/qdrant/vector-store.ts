import type { QdrantConfig } from '../../config/schema.ts';
import type { EmbeddingIdentity } from '../../domain/recovery-set.ts';
import type { Hit, PointWrite, VectorStore } from '../../domain/vector-store.ts';
import { pointIdJson } from '../../domain/point-id.ts';
import { pathOf } from './address.ts';
import { QdrantConnection } from './client.ts';
import { countPoints } from './collections.ts';
import { stringifyExact } from './exact-json.ts';
import { entryOf, type Mapping, payloadOf, sectionOf } from './fingerprint.ts';
import { readEnvironmentMark, resolveCollection, writeEnvironmentMark } from './identity.ts';
import { member, pointsOf } from './json-bytes.ts';
import { EVERYTHING, readPoints, upsertBytes } from './points.ts';
import { readIndex } from './scan.ts';
import { mustKnowUpdateModes } from './version.ts';

/** Qdrant as the rest of the product sees it. */
export function createVectorStore({
  config,
  embedding,
}: {
  config: QdrantConfig;
  embedding: EmbeddingIdentity;
}): VectorStore {
  const connection = new QdrantConnection(config);
  const mapping: Mapping = { fields: config.fields, embedding };
  return {
    readIndex: (collection, depth, signal) => readIndex(connection, mapping, collection, depth, signal),
    retrieve: async (collection, ids, signal) => {
      const points = await readPoints(connection, collection, ids, EVERYTHING, signal);
      return [...points.values()].map((point) => ({
        id: point.id,
        payload: payloadOf(point),
        entry: entryOf(point, mapping),
      }));
    },
    writePoints: (collection, points, signal) => writePoints(connection, mapping, collection, points, signal),
    query: (collection, vector, limit, signal) => query(connection, mapping, collection, vector, limit, signal),
    count: (collection, signal) => countPoints(connection, collection, signal),
    resolveCollection: (name) => resolveCollection(connection, name),
    readEnvironmentMark: (collection) => readEnvironmentMark(connection, collection),
    writeEnvironmentMark: (collection, environment) => writeEnvironmentMark(connection, collection, environment),
  };
}

async function writePoints(
  connection: QdrantConnection,
  mapping: Mapping,
  collection: string,
  points: readonly PointWrite[],
  signal?: AbortSignal,
): Promise<{ written: number; newer: number }> {
  await mustKnowUpdateModes(connection);
  const now = await readPoints(
    connection,
    collection,
    points.map(({ id }) => id),
    EVERYTHING,
    signal,
  );
  const ways = Map.groupBy(points, (point) => {
    const found = now.get(point.id);
    if (!found) return point.live === '' ? 'insert' : 'newer';
    const { body, text, fault } = entryOf(found, mapping);
    if (body === point.live) return 'replace';
    return text === point.text && fault === undefined ? 'done' : 'newer';
  });
  const bytesOf = (way: 'insert' | 'replace'): Buffer[] =>
    (ways.get(way) ?? []).map((point) => pointJson(point, mapping));
  await upsertBytes(connection, collection, bytesOf('insert'), 'insert_only', signal);
  await upsertBytes(connection, collection, bytesOf('replace'), 'update_only', signal);
  const newer = ways.get('newer')?.length ?? 0;
  return { written: points.length - newer, newer };
}

function pointJson({ id, vector, payload }: PointWrite, { embedding: { vectorName } }: Mapping): Buffer {
  const vectors = vectorName === undefined ? vector : { [vectorName]: vector };
  return Buffer.from(
    `{"id":${pointIdJson(id)},"vector":${JSON.stringify(vectors)},"payload":${stringifyExact(payload)}}`,
  );
}

async function query(
  connection: QdrantConnection,
  { fields, embedding: { vectorName } }: Mapping,
  collection: string,
  vector: readonly number[],
  limit: number,
  signal?: AbortSignal,
): Promise<Hit[]> {
  const answer = await connection.exchange({
    what: `search ${collection}`,
    method: 'POST',
    path: pathOf(collection, '/points/query'),
    body: JSON.stringify({
      query: vector,
      ...(vectorName === undefined ? {} : { using: vectorName }),
      limit,
      params: { exact: true },
      with_payload: true,
      with_vector: false,
    }),
    signal,
  });
  return pointsOf(answer).map((point) => ({
    id: point.id,
    score: Number(member(point.json, 'score')?.toString('latin1')),
    section: sectionOf(payloadOf(point), fields.source),
  }));
}
