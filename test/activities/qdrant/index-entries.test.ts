import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { hash } from 'node:crypto';
import { createVectorStore } from '../../../activities/qdrant/vector-store.ts';
import type { IndexEntry } from '../../../domain/index-entry.ts';
import { BIG, EMBEDDING, fill, point, put, setStage, type Stage, UUID } from './stage.ts';

describe('reading a collection into an id index', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await setStage();
  });
  afterAll(() => stage.close());

  const entriesOf = async (collection: string, config: object = {}, depth: 'ids' | 'content' = 'content') => {
    const store = createVectorStore({ config: stage.qdrant.config(config), embedding: EMBEDDING });
    const entries: IndexEntry[] = [];
    for await (const batch of store.readIndex(collection, depth)) entries.push(...batch);
    return entries;
  };
  const raw = (id: string, vector: unknown, payload: object = { text: 't', source: 's' }): string =>
    `{"id":${id},"vector":${JSON.stringify(vector)},"payload":${JSON.stringify(payload)}}`;

  test('goes in the order of the server, over pages, with every id exact', async () => {
    const ids = [...Array.from({ length: 10_050 }, (_, i) => String(3 * i)), BIG, '18446744073709551615', UUID];
    await fill(stage, 'many', []);
    for (let at = 0; at < ids.length; at += 2_000) {
      await put(
        stage,
        'many',
        ids
          .slice(at, at + 2_000)
          .reverse()
          .map((id, i) => point(id, at + i)),
      );
    }
    expect((await entriesOf('many', {}, 'ids')).map(({ id }) => id)).toEqual(ids);
    expect((await entriesOf('many')).map(({ id }) => id)).toEqual(ids);
    expect((await entriesOf('many', {}, 'ids'))[0]).toEqual({ id: '0', text: '', body: '', vector: '' });
  });

  test('finds vectors that are zero or not finite, and texts that are gone', async () => {
    await fill(stage, 'faults', []);
    const one = [1, 0, 0, 0, 0, 0, 0, 0];
    await put(stage, 'faults', [
      raw('1', one),
      raw(
        '2',
        one.map(() => 0),
      ),
      raw('4', one, {}),
    ]);
    await stage.qdrant.call(
      'PUT',
      '/collections/faults/points?wait=true',
      `{"points":[{"id":3,"vector":[1e39,0,0,0,0,0,0,0],"payload":{"text":"t","source":"s"}}]}`,
    );
    const entries = await entriesOf('faults');
    expect(entries.map(({ fault }) => fault)).toEqual([undefined, 'zero', 'not-finite', undefined]);
    expect(entries.map(({ section }) => section)).toEqual(['s', 's', 's', undefined]);
    const text = hash('sha256', 't', 'hex').slice(0, 16);
    expect(entries.map((entry) => entry.text)).toEqual([text, text, text, hash('sha256', '', 'hex').slice(0, 16)]);
    expect(new Set(entries.map(({ body }) => body)).size).toBe(4);
    expect(entries.every(({ body }) => /^[0-9a-f]{16}$/.test(body))).toBe(true);
  });

  test('a vector of another size than configured is malformed', async () => {
    await stage.qdrant.call('PUT', '/collections/short', { vectors: { size: 4, distance: 'Cosine' } });
    await put(stage, 'short', [raw('1', [1, 0, 0, 0])]);
    expect((await entriesOf('short'))[0]?.fault).toBe('size');
  });

  test('the body changes with each mapped field and the vector, and with nothing else', async () => {
    const fields = { text: 'doc.text', source: 'doc.source', chunkId: 'cid', contentHash: 'sum' };
    const base = { doc: { text: 't', source: 's', other: 1 }, cid: 9, sum: { b: 1, a: 2 } };
    const vector = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8];
    await fill(stage, 'bodies', []);
    await put(stage, 'bodies', [
      raw('1', vector, base),
      raw('2', vector, { ...base, more: 'of this', doc: { source: 's', text: 't', other: 2 }, sum: { a: 2, b: 1 } }),
      raw('3', vector, { ...base, doc: { ...base.doc, text: 'u' } }),
      raw('4', vector, { ...base, doc: { ...base.doc, source: 'r' } }),
      raw('5', vector, { ...base, cid: 10 }),
      raw('6', vector, { ...base, sum: { a: 2, b: 2 } }),
      raw('7', [...vector.slice(0, 7), 0.80001], base),
    ]);
    const entries = await entriesOf('bodies', { fields });
    const bodies = entries.map(({ body }) => body);
    expect(bodies[1]).toBe(bodies[0]);
    expect(new Set(bodies).size).toBe(6);
    const vectors = entries.map((entry) => entry.vector);
    expect(new Set(vectors.slice(0, 6)).size).toBe(1);
    expect(vectors[6]).not.toBe(vectors[0]);
  });

  test('fingerprints are of bytes that anybody can make again', async () => {
    await stage.qdrant.call('PUT', '/collections/bytes', { vectors: { size: 8, distance: 'Dot' } });
    const vector = [0.1, -2, 3.5, 0, 5, 6, 7, 8e-9];
    await put(stage, 'bytes', [raw('1', vector)]);
    const floats = Buffer.alloc(32);
    vector.forEach((value, at) => floats.writeFloatLE(value, 4 * at));
    const of = (content: string | Buffer): string => hash('sha256', content, 'hex').slice(0, 16);
    const fields = Buffer.from('["t","s",null,null,null]\0');
    expect(await entriesOf('bytes')).toEqual([
      { id: '1', text: of('t'), section: 's', vector: of(floats), body: of(Buffer.concat([fields, floats])) },
    ]);
  });

  test('an integer beyond 2^53 in a mapped field is told from its neighbour', async () => {
    await fill(stage, 'exact', []);
    const of = (id: number, chunk: string): string =>
      `{"id":${id},"vector":[1,0,0,0,0,0,0,0],"payload":{"text":"t","source":"s","cid":${chunk}}}`;
    await put(stage, 'exact', [of(1, '9007199254740992'), of(2, '9007199254740993')]);
    const [one, two] = await entriesOf('exact', { fields: { chunkId: 'cid' } });
    expect(one?.body).not.toBe(two?.body);
  });

  test.each([
    ['uuid', '7', BIG],
    ['int', '8', UUID],
  ])('an id that is not %s is refused by name when only that kind is expected', async (idStrategy, name, odd) => {
    const collection = `ids-${name}`;
    await fill(stage, collection, [point(odd, 1)]);
    await expect(entriesOf(collection, { idStrategy }, 'ids')).rejects.toMatchObject({
      code: 'UNKNOWN_ID_TYPE',
      message: expect.stringContaining(odd),
    });
  });

  test('strict limits on pages and batches slow it down, and nothing else', async () => {
    await stage.qdrant.call('PUT', '/collections/strict', {
      vectors: { size: 8, distance: 'Cosine' },
      strict_mode_config: { enabled: true, max_query_limit: 7, upsert_max_batchsize: 5 },
    });
    const writes = Array.from({ length: 23 }, (_, i) => ({
      id: String(i),
      vector: [1, i, 0, 0, 0, 0, 0, 0],
      payload: { text: `t${i}` },
      text: '',
      live: '',
    }));
    expect(await stage.vectors.writePoints('strict', writes)).toEqual({ written: 23, newer: 0 });
    expect((await entriesOf('strict')).map(({ id }) => id)).toEqual(writes.map(({ id }) => id));
  });

  test('the same points read from two collections have the same entries', async () => {
    await fill(stage, 'here', [point('1', 1), point(BIG, 2)]);
    await fill(stage, 'there', [point(BIG, 2), point('1', 1)]);
    expect(await entriesOf('here')).toEqual(await entriesOf('there'));
  });
});
