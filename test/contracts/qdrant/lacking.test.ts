import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Front } from './front.ts';
import type { Json } from './json.ts';

let front: Front;

beforeAll(async () => {
  front = await Front.start();
  await front.result('PUT', '/collections/plain', { vectors: { size: 2, distance: 'Dot' } });
});

afterAll(async () => {
  await front.stop();
});

const query = (asked: Json): Json => ({ query: asked });
const declined: [what: string, method: string, path: string, body?: Json][] = [
  ['a full snapshot', 'POST', '/snapshots'],
  ['two shards', 'PUT', '/collections/two', { vectors: { size: 2, distance: 'Dot' }, shard_number: 2 }],
  ['snapshots of one shard', 'GET', '/collections/plain/shards/0/snapshots'],
  ['recommendations', 'POST', '/collections/plain/points/recommend', { positive: [1] }],
  ['a query that recommends', 'POST', '/collections/plain/points/query', query({ recommend: { positive: [1] } })],
  ['a query by formula', 'POST', '/collections/plain/points/query', query({ formula: 1 })],
  ['a query by text', 'POST', '/collections/plain/points/query', query({ text: 'limits', model: 'any' })],
  ['a distance matrix', 'POST', '/collections/plain/points/search/matrix/pairs', { sample: 2 }],
  ['one more named vector', 'PUT', '/collections/plain/vectors/extra', { size: 2, distance: 'Dot' }],
];

describe('what the front does not do', () => {
  for (const [what, method, path, body] of declined) {
    test(`${what}: 501, with a reason`, async () => {
      const { status, data } = await front.call(method, path, body);
      expect(status).toBe(501);
      expect(data.toString()).toContain('does not have');
    });
  }

  test('leaves nothing behind', async () => {
    expect(await front.result('GET', '/collections')).toEqual({ collections: [{ name: 'plain' }] });
  });

  test('is named when it starts', () => {
    for (const what of ['clustering', 'full storage snapshots', 'HNSW', 'quantized search']) {
      expect(front.banner).toContain(what);
    }
  });

  test('a second server over the same folder does not start, and the first goes on', async () => {
    expect(await front.launchBeside()).toContain('in use by another server');
    expect(await front.result('GET', '/collections')).toEqual({ collections: [{ name: 'plain' }] });
  });
});
