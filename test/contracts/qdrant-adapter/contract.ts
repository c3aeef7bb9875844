import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { fingerprint } from '../../../activities/fingerprint.ts';
import { createVectorStore } from '../../../activities/qdrant/vector-store.ts';
import type { QdrantConfig } from '../../../config/schema.ts';
import type { IndexEntry } from '../../../domain/index-entry.ts';
import type { PointWrite, VectorStore } from '../../../domain/vector-store.ts';

export interface ServerUnderTest {
  config(overrides?: object): QdrantConfig;
  call(method: string, path: string, body?: unknown): Promise<unknown>;
  stop(): Promise<void>;
}

const BIG = '9007199254740993';
const UUID = '0b5ecf3a-8f5e-4f4c-9a57-0a3e0f5f1c11';
const COLLECTION = 'dr-contract';

/** What the rest of the product relies on, whichever server is behind the adapter. Makes one collection and removes it. */
export function vectorStoreContract(name: string, start: () => Promise<ServerUnderTest>): void {
  describe.each([
    ['one unnamed vector', undefined],
    ['a named vector', 'text'],
  ])(`${name} as a vector store, with %s`, (_kind, vectorName) => {
    let server: ServerUnderTest;
    let store: VectorStore;
    beforeAll(async () => {
      server = await start();
      const embedding = {
        model: 'contract',
        dimensions: 4,
        distance: 'Cosine' as const,
        ...(vectorName && { vectorName }),
      };
      store = createVectorStore({ config: server.config(), embedding });
      await server.call('DELETE', `/collections/${COLLECTION}`);
      const vector = { size: 4, distance: 'Cosine' };
      await server.call('PUT', `/collections/${COLLECTION}`, {
        vectors: vectorName ? { [vectorName]: vector } : vector,
      });
    });
    afterAll(async () => {
      await server.call('DELETE', `/collections/${COLLECTION}`);
      await server.stop();
    });

    const write = (id: string, text: string, vector: number[], live = ''): PointWrite => ({
      id,
      vector,
      payload: { text, source: `s-${text}`, exact: 18446744073709551615n },
      text: fingerprint(text),
      live,
    });
    const entries = async (): Promise<IndexEntry[]> => {
      const all: IndexEntry[] = [];
      for await (const batch of store.readIndex(COLLECTION, 'content')) all.push(...batch);
      return all;
    };

    test('writes points and reads them back, with ids and integers exact', async () => {
      const points = [write('1', 'a', [1, 0, 0, 0]), write(BIG, 'b', [0, 1, 0, 0]), write(UUID, 'c', [0, 0, 1, 0])];
      expect(await store.writePoints(COLLECTION, points)).toEqual({ written: 3, newer: 0 });
      expect(await store.count(COLLECTION)).toBe(3);
      const found = await store.retrieve(COLLECTION, [UUID, '77', '1', BIG]);
      expect(new Map(found.map(({ id, payload }) => [id, payload]))).toEqual(
        new Map(points.map(({ id, payload }) => [id, payload])),
      );
      expect(found.find(({ id }) => id === BIG)?.entry).toMatchObject({ text: fingerprint('b'), section: 's-b' });
    });

    test('lists the index in order, the same every time', async () => {
      const once = await entries();
      expect(once.map(({ id }) => id)).toEqual(['1', BIG, UUID]);
      expect(once.every(({ fault }) => fault === undefined)).toBe(true);
      expect(await entries()).toEqual(once);
    });

    test('finds the nearest points, best first', async () => {
      const hits = await store.query(COLLECTION, [0.1, 0.9, 0.2, 0], 2);
      expect(hits.map(({ id, section }) => [id, section])).toEqual([
        [BIG, 's-b'],
        [UUID, 's-c'],
      ]);
      expect(hits[0]?.score).toBeCloseTo(0.9 / Math.hypot(0.1, 0.9, 0.2), 5);
    });

    test('replaces a point only while it is what was assessed, and knows its own work again', async () => {
      const before = await entries();
      const live = before[0]?.body ?? '';
      expect(await store.writePoints(COLLECTION, [write('1', 'new', [1, 1, 0, 0], live)])).toEqual({
        written: 1,
        newer: 0,
      });
      expect(await store.writePoints(COLLECTION, [write('1', 'new', [1, 1, 0, 0], live)])).toEqual({
        written: 1,
        newer: 0,
      });
      const after = await entries();
      expect(after[0]?.body).not.toBe(live);
      expect(await store.writePoints(COLLECTION, [write('1', 'late', [0, 0, 0, 1], live)])).toEqual({
        written: 0,
        newer: 1,
      });
      expect(await entries()).toEqual(after);
    });

    test('inserts only where there is nothing, and replaces only where there is something', async () => {
      const before = await entries();
      const wrong = [write('1', 'other', [0, 0, 0, 1]), write('88', 'gone', [0, 0, 0, 1], '0123456789abcdef')];
      expect(await store.writePoints(COLLECTION, wrong)).toEqual({ written: 0, newer: 2 });
      expect(await entries()).toEqual(before);
    });

    test('carries the name of its environment', async () => {
      expect(await store.readEnvironmentMark(COLLECTION)).toBeUndefined();
      await store.writeEnvironmentMark(COLLECTION, 'test');
      expect(await store.readEnvironmentMark(COLLECTION)).toBe('test');
      expect(await store.resolveCollection(COLLECTION)).toBe(COLLECTION);
    });
  });
}
