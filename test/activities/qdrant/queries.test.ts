import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { indexedValues, payloadIndexesOf } from '../../../activities/qdrant/indexed-values.ts';
import { evenly, spreadOf } from '../../../activities/qdrant/spread.ts';
import type { RecoverySet } from '../../../domain/recovery-set.ts';

type Shape = RecoverySet['qdrant']['shape'];
import type { Gate } from '../../../domain/verdict.ts';
import { startServer, type TestServer } from '../../support/http.ts';
import { type CollectionStage, setCollectionStage } from './collection-stage.ts';
import { activityEnvironment, BIG, fill, point, UUID } from './stage.ts';

const INDEXES = {
  source: 'keyword',
  'meta.page': { type: 'integer', lookup: false, range: true },
  number: 'integer',
  key: 'uuid',
  done: 'bool',
  'tags[].name': 'keyword',
  nobody: 'keyword',
  text: 'text',
};

describe('whether a collection answers as one should', () => {
  let stage: CollectionStage;
  let shape: Shape;
  beforeAll(async () => {
    stage = await setCollectionStage();
    const extra = (at: number) => ({
      meta: { page: at % 7 },
      number: at % 5,
      key: UUID,
      ...(at % 4 === 0 ? {} : { done: at % 2 === 0 }),
      tags: [{ name: `t${at % 3}` }, { name: `t${at % 2}` }],
    });
    const points = Array.from({ length: 600 }, (_, at) => point(String(at), at, extra(at)));
    await fill(stage, 'book', [...points, point(BIG, 7_000, extra(1))]);
    for (const [field_name, field_schema] of Object.entries(INDEXES))
      await stage.qdrant.call('PUT', '/collections/book/index?wait=true', { field_name, field_schema });
    shape = await stage.shapeOf('book');
  });
  afterAll(() => stage.close());

  const check = (act = stage.collections(), of = shape): Promise<Gate[]> =>
    activityEnvironment().run(() => act.checkQueries({ collection: 'book', shape: of }));

  test('every index that can be looked up is, and searches agree with exact ones', async () => {
    const gates = await check();
    expect(gates.map(({ name, verdict }) => [name, verdict])).toEqual([
      ...['source', 'meta.page', 'number', 'key', 'done', 'tags[].name', 'nobody'].map((field) => [
        `filtered equals unfiltered: ${field}`,
        'pass',
      ]),
      ['ann recall', 'pass'],
      ['latency', 'pass'],
    ]);
    expect(gates.find(({ name }) => name.endsWith('nobody'))?.observed).toBe('no point has a value');
    expect(gates.find(({ name }) => name === 'ann recall')?.observed).toMatch(/^1\.000 over 20 searches/);
    expect(gates.find(({ name }) => name === 'latency')?.observed).toMatch(/^[0-9.]+ ms over 20 searches$/);
  });

  test('where strict mode forbids exact answers, nothing is proven', async () => {
    const strict = (config: object) => stage.qdrant.call('PATCH', '/collections/book', { strict_mode_config: config });
    await strict({ enabled: true, search_allow_exact: false });
    const gates = await check();
    await strict({ enabled: false });
    const verdicts = Object.fromEntries(gates.map(({ name, verdict }) => [name, verdict]));
    expect(verdicts).toMatchObject({
      'filtered equals unfiltered: source': 'unproven',
      'ann recall': 'unproven',
      latency: 'pass',
    });
    expect(JSON.stringify(gates)).toContain('Exact search disabled');
  });

  describe('of a server whose indexes miss something', () => {
    let server: TestServer;
    let missing = 0;
    const ids = Array.from({ length: 30 }, (_, at) => at);
    beforeAll(async () => {
      server = await startServer();
      server.answer(({ path, body }) => {
        const asked = body as { params?: { exact: boolean } };
        if (path.endsWith('/scroll')) return { body: { result: { points: ids.map((id) => ({ id })) } } };
        if (path.endsWith('/count')) return { body: { result: { count: 30 - missing } } };
        if (path.endsWith('/query')) {
          // The index finds six of the ten.
          const best = ids
            .slice(0, 10)
            .map((id) => ({ id: asked.params?.exact || id < 6 ? id : id + 10, score: 1 / (id + 1) }));
          return { body: { result: { points: best.map((hit) => (hit.id >= 10 ? { ...hit, score: 0.01 } : hit)) } } };
        }
        return { body: { result: ids.map((id) => ({ id, payload: { source: 'a' }, vector: [1, 0] })) } };
      });
    });
    afterAll(() => server.stop());

    const shape = { config: {}, payloadSchema: { source: { data_type: 'keyword' } } };
    const verdicts = async (recallFloor?: number) => {
      const act = stage.collections({ config: { url: server.url }, ...(recallFloor ? { recallFloor } : {}) });
      return check(act, shape);
    };

    test('a payload index that does not find every point is red, and says how many', async () => {
      expect((await verdicts())[0]).toMatchObject({ verdict: 'pass' });
      missing = 2;
      expect((await verdicts())[0]).toMatchObject({
        name: 'filtered equals unfiltered: source',
        verdict: 'fail',
        observed: 'of 30 sampled points with a value, 28 are found by it; "a": 28 found, 30 seen',
      });
      missing = 0;
    });

    test('a recall below the floor is red', async () => {
      expect((await verdicts())[1]).toMatchObject({
        name: 'ann recall',
        verdict: 'fail',
        observed: expect.stringMatching(/^0\.600/),
      });
      expect((await verdicts(0.5))[1]).toMatchObject({ name: 'ann recall', verdict: 'pass' });
    });
  });

  test('an empty collection proves nothing', async () => {
    await fill(stage, 'empty', []);
    const act = stage.collections();
    const shape = { config: {}, payloadSchema: {} };
    const gates: Gate[] = await activityEnvironment().run(() => act.checkQueries({ collection: 'empty', shape }));
    expect(gates.map(({ verdict }) => verdict)).toEqual(['unproven', 'unproven']);
  });
});

describe('what stands in an index', () => {
  const index = (field: string, type = 'keyword') => ({ field, type, ranged: false });
  test.each<[string, unknown, ReturnType<typeof index>, unknown[]]>([
    ['a nested value', { a: { b: 'x' } }, index('a.b'), ['x']],
    ['each of an array', { a: ['x', 1, 'y'] }, index('a'), ['x', 'y']],
    ['inside each of an array', { a: [{ b: 'x' }, {}, { b: ['y'] }] }, index('a[].b'), ['x', 'y']],
    ['nothing inside an array that the path does not name', { a: [{ b: 'x' }] }, index('a.b'), []],
    ['a key with dots, in quotes', { 'a.b': 'x' }, index('"a.b"'), ['x']],
    ['whole numbers alone, however large', { a: [1, 1.5, 2n ** 60n, '1'] }, index('a', 'integer'), [1, 2n ** 60n]],
    ['nothing of a null', { a: null }, index('a', 'bool'), []],
    ['nothing of another type', { a: 'x' }, index('a', 'geo'), []],
  ])('%s', (_what, payload, of, values) => {
    expect(indexedValues(payload, of)).toEqual(values);
  });

  test('indexes are read from a shape', () => {
    const schema = { a: { data_type: 'integer', params: { lookup: false } }, b: { data_type: 'uuid' } };
    expect(payloadIndexesOf(schema)).toEqual([
      { field: 'a', type: 'integer', ranged: true },
      { field: 'b', type: 'uuid', ranged: false },
    ]);
  });
});

describe('a sample of ids', () => {
  async function* batches(total: number, size: number) {
    for (let at = 0; at < total; at += size)
      yield Array.from({ length: Math.min(size, total - at) }, (_, i) => ({
        id: String(at + i),
        text: '',
        body: '',
        vector: '',
      }));
  }

  test('is even, in order, of the size that was asked for, and says when it is all', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(3_000),
        fc.integer({ min: 1, max: 500 }),
        fc.integer({ min: 1, max: 50 }),
        async (total, size, count) => {
          const { ids, complete } = await spreadOf(batches(total, size), count);
          const numbers = ids.map(Number);
          const steps = new Set(numbers.slice(1).map((id, at) => id - (numbers[at] ?? 0)));
          expect(ids.length).toBeGreaterThanOrEqual(Math.min(total, count));
          expect(ids.length).toBeLessThanOrEqual(2 * count);
          expect(steps.size).toBeLessThanOrEqual(1);
          expect(complete).toBe(ids.length === total);
        },
      ),
    );
  });

  test('is thinned evenly', () => {
    expect(evenly([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 4)).toEqual([0, 2, 5, 7]);
    expect(evenly([1, 2], 4)).toEqual([1, 2]);
    expect(evenly([], 4)).toEqual([]);
  });
});
