import { z } from 'zod';
import { pathOf } from './address.ts';
import type { QdrantConnection } from './client.ts';
import { property } from './failure.ts';

const shardsSchema = z.array(
  z.object({ shard_id: z.number(), shard_key: z.union([z.string(), z.number()]).nullish() }),
);
const clusterSchema = z.object({ result: z.object({ local_shards: shardsSchema, remote_shards: shardsSchema }) });

/** A key that shards were made for, and how many there are of it, replicas not counted. */
interface ShardKey {
  readonly shard_key: string | number;
  readonly shards_number: number;
}

/**
 * The keys of a collection that is sharded by keys; `undefined` for every other one. Its configuration does not tell them, and
 * without them a restored snapshot comes up empty.
 */
export async function readShardKeys(
  connection: QdrantConnection,
  collection: string,
  config: Readonly<Record<string, unknown>>,
): Promise<ShardKey[] | undefined> {
  if (property(config['params'], 'sharding_method') !== 'custom') return undefined;
  const what = `read the shard keys of ${collection}`;
  const answer = await connection.exchange({ what, method: 'GET', path: pathOf(collection, '/cluster') });
  const { local_shards, remote_shards } = clusterSchema.parse(JSON.parse(answer.toString('utf8'))).result;
  const shards = new Map([...local_shards, ...remote_shards].map((shard) => [shard.shard_id, shard.shard_key]));
  const byKey = Map.groupBy([...shards.values()].filter(isKey), (key) => key);
  return [...byKey]
    .map(([shard_key, { length }]) => ({ shard_key, shards_number: length }))
    .sort((a, b) => (String(a.shard_key) < String(b.shard_key) ? -1 : 1));
}

function isKey(key: string | number | null | undefined): key is string | number {
  return key !== null && key !== undefined;
}
