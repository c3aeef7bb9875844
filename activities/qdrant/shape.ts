import type { RecoverySet } from '../../domain/recovery-set.ts';
import { compareShapes, type ShapeDifference } from '../../domain/shape.ts';
import { z } from 'zod';
import { pathOf } from './address.ts';
import type { QdrantConnection } from './client.ts';
import { countPoints } from './collections.ts';
import { OWN_METADATA } from './identity.ts';
import { isClaim } from './ownership.ts';
import { readShardKeys } from './shard-keys.ts';
import { serverVersion } from './version.ts';

type Shape = RecoverySet['qdrant']['shape'];

const infoSchema = z.object({
  result: z.object({
    config: z.record(z.string(), z.unknown()),
    payload_schema: z.record(z.string(), z.record(z.string(), z.unknown())),
  }),
});

/** A collection's configuration as the server tells it, raw: the vendor's types lag behind servers. */
export async function readShape(connection: QdrantConnection, collection: string): Promise<Shape> {
  const what = `read the configuration of ${collection}`;
  const answer = await connection.exchange({ what, method: 'GET', path: pathOf(collection) });
  const { config, payload_schema } = infoSchema.parse(JSON.parse(answer.toString('utf8'))).result;
  const indexes = Object.entries(payload_schema).map(([field, { points: _, ...index }]) => [field, index]);
  const keys = await readShardKeys(connection, collection, config);
  return {
    config: keys ? { ...config, shard_keys: keys } : config,
    payloadSchema: Object.fromEntries(indexes) as Record<string, unknown>,
  };
}

export async function describeCollection(
  connection: QdrantConnection,
  collection: string,
): Promise<Pick<RecoverySet['qdrant'], 'serverVersion' | 'peer' | 'points' | 'shape' | 'aliases'>> {
  const { aliases } = await connection.call(`list the aliases of ${collection}`, (client) =>
    client.getCollectionAliases(collection),
  );
  const peer = await peerOf(connection);
  return {
    ...(peer ? { peer } : {}),
    serverVersion: await serverVersion(connection),
    points: await countPoints(connection, collection),
    shape: await readShape(connection, collection),
    aliases: aliases
      .filter(({ alias_name }) => !isClaim(alias_name))
      .map(({ alias_name, collection_name }) => ({ alias: alias_name, collection: collection_name })),
  };
}

/** The node's id in its cluster, digit by digit since it has 64 bits; absent where clustering is off. */
export async function peerOf(connection: QdrantConnection): Promise<string | undefined> {
  const answer = await connection.exchange({ what: 'read the cluster’s state', method: 'GET', path: '/cluster' });
  return /"peer_id":\s*(\d+)/.exec(answer.toString('utf8'))?.[1];
}

/** What differs between the collection and what the set recorded of it. */
export async function compareShape(
  connection: QdrantConnection,
  collection: string,
  set: RecoverySet,
): Promise<ShapeDifference[]> {
  return compareToShape(connection, collection, set.qdrant.shape);
}

/** What differs between the collection and a shape. */
export async function compareToShape(
  connection: QdrantConnection,
  collection: string,
  shape: Shape,
): Promise<ShapeDifference[]> {
  return compareShapes(comparable(shape), comparable(await readShape(connection, collection)));
}

/** Our own marks are left out: a collection may have been marked after the set was taken. */
function comparable({ config, payloadSchema }: Shape): Record<string, unknown> {
  const metadata = Object.entries(config['metadata'] ?? {}).filter(([key]) => !key.startsWith(OWN_METADATA));
  return {
    ...config,
    metadata: metadata.length > 0 ? Object.fromEntries(metadata) : undefined,
    payload_schema: payloadSchema,
  };
}
