import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Front } from './front.ts';
import { makeVector } from './expand.ts';
import type { Json } from './json.ts';

const DIM = 16;
const BATCH = 256;
let front: Front;

beforeAll(async () => {
  front = await Front.start();
});

afterAll(async () => {
  await front.stop();
});

function points(from: number, count: number): Json {
  return Array.from({ length: count }, (_, i) => ({
    id: from + i,
    vector: makeVector(DIM, from + i),
    payload: { n: from + i, section: `1.${(from + i) % 7}` },
  }));
}

async function countOf(name: string): Promise<number> {
  return (await front.result<{ count: number }>('POST', `/collections/${name}/points/count`, {})).count;
}

async function create(name: string): Promise<void> {
  await front.result('PUT', `/collections/${name}`, { vectors: { size: DIM, distance: 'Cosine' } });
}

describe('a front killed straight after an acknowledged write', () => {
  test.each(['true', 'false'])('has all of it again, with wait=%s', async (wait) => {
    const name = `kept-wait-${wait}`;
    await create(name);
    for (let batch = 0; batch < 8; batch += 1) {
      await front.result('PUT', `/collections/${name}/points?wait=${wait}`, { points: points(batch * BATCH, BATCH) });
    }
    await front.kill();
    await front.launch();
    expect(await countOf(name)).toBe(8 * BATCH);
  });

  test('has changes, deletions, indexes, aliases and settings again', async () => {
    await create('changed');
    const base = '/collections/changed';
    await front.result('PUT', `${base}/points?wait=true`, { points: points(0, 100) });
    await front.result('PUT', `${base}/index?wait=true`, { field_name: 'section', field_schema: 'keyword' });
    await front.result('POST', `${base}/points/delete?wait=true`, { points: [1, 2, 3] });
    await front.result('POST', `${base}/points/payload?wait=true`, { payload: { seen: true }, points: [7] });
    await front.result('PATCH', base, { metadata: { owner: 'books' } });
    await front.result('POST', '/collections/aliases', {
      actions: [{ create_alias: { collection_name: 'changed', alias_name: 'live' } }],
    });
    await front.kill();
    await front.launch();

    expect(await countOf('live')).toBe(97);
    const [seven] = await front.result<Json[]>('POST', `${base}/points`, { ids: [7], with_payload: true });
    expect(seven).toEqual({ id: 7, payload: { n: 7, section: '1.0', seen: true } });
    expect(await front.result('GET', '/collections/live')).toMatchObject({
      config: { metadata: { owner: 'books' } },
      // How many points the index counts is the engine's estimate: after a kill it may lag behind deletions.
      payload_schema: { section: { data_type: 'keyword', points: expect.any(Number) } },
    });
  });

  test('takes writes again at once, and keeps them over a second kill', async () => {
    await create('twice');
    await front.result('PUT', '/collections/twice/points?wait=true', { points: points(0, 10) });
    await front.kill();
    await front.launch();
    await front.result('PUT', '/collections/twice/points?wait=true', { points: points(5, 10) });
    await front.kill();
    await front.launch();
    expect(await countOf('twice')).toBe(15);
  });

  test('does not bring back a deleted collection', async () => {
    await create('gone');
    await front.result('DELETE', '/collections/gone');
    await front.kill();
    await front.launch();
    expect(await front.result('GET', '/collections/gone/exists')).toEqual({ exists: false });
  });
});
