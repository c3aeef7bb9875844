import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startServer, type TestServer } from '../../support/http.ts';
import { type CollectionStage, OWNER, setCollectionStage } from './collection-stage.ts';
import { activityEnvironment } from './stage.ts';

/** What a cluster tells of a collection that is sharded by keys: replicas, and shards on other nodes. */
const CLUSTER = {
  local_shards: [
    { shard_id: 1, shard_key: 'b', points_count: 3, state: 'Active' },
    { shard_id: 2, shard_key: 'a', points_count: 0, state: 'Active' },
  ],
  remote_shards: [
    { shard_id: 1, shard_key: 'b', peer_id: 7, state: 'Active' },
    { shard_id: 3, shard_key: 'b', peer_id: 7, state: 'Active' },
    { shard_id: 4, shard_key: 9, peer_id: 7, state: 'Active' },
  ],
};
const KEYS = [
  { shard_key: 9, shards_number: 1 },
  { shard_key: 'a', shards_number: 1 },
  { shard_key: 'b', shards_number: 2 },
];

let stage: CollectionStage;
let server: TestServer;
beforeAll(async () => {
  [stage, server] = await Promise.all([setCollectionStage(), startServer()]);
});
afterAll(() => Promise.all([stage.close(), server.stop()]));

test('shard keys stand in the shape, and are made before indexes', async () => {
  const params = { vectors: { size: 8, distance: 'Cosine' }, sharding_method: 'custom' };
  const there: Record<string, unknown> = { source: { data_type: 'keyword', points: 3 } };
  let collections: object[] = [{ name: 'book' }];
  server.answer(({ method, path }) => {
    if (path === '/') return { body: { title: 'qdrant', version: '1.19.0' } };
    if (method === 'PUT' && path === '/collections/book') collections = [{ name: 'book' }];
    const info = { config: { params, metadata: { dr_made_by: OWNER } }, payload_schema: there };
    const answers: Record<string, unknown> = {
      '/collections': { collections },
      '/aliases': { aliases: [] },
      '/collections/book/aliases': { aliases: [] },
      '/collections/book': method === 'GET' ? info : true,
      '/collections/book/cluster': CLUSTER,
      '/collections/book/points/count': { count: 3 },
    };
    return { body: { result: answers[path] ?? true, status: 'ok' } };
  });
  const config = { url: server.url };
  const described = await stage.run(() => stage.activities({ config }).describeCollection({ collection: 'book' }));
  expect(described.shape.config['shard_keys']).toEqual(KEYS);

  server.heard.length = 0;
  collections = [];
  const differences = await activityEnvironment().run(() =>
    stage.collections({ config }).createCollection({ collection: 'book', shape: described.shape, owner: OWNER }),
  );
  expect(differences).toEqual([]);
  const put = server.heard.filter(({ method }) => method === 'PUT');
  expect(put.map(({ path, body }) => [path, body])).toEqual([
    ['/collections/book', { ...params, metadata: { dr_made_by: OWNER } }],
    ...KEYS.map((key) => ['/collections/book/shards', key]),
    ['/collections/book/index?wait=true', { field_name: 'source', field_schema: 'keyword' }],
  ]);
});
