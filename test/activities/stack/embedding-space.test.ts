import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createEmbedder } from '../../../activities/content/embeddings.ts';
import { checkEmbeddingSpace } from '../../../activities/stack/index.ts';
import { createDiskStore } from '../../../activities/store/disk.ts';
import { embeddingsConfigSchema, qdrantConfigSchema } from '../../../config/schema.ts';
import type { RecoverySet } from '../../../domain/recovery-set.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { startServer, type TestServer } from '../../support/http.ts';
import { IDENTITY, makeSet, putText } from '../../support/recovery-set.ts';
import { testWork } from '../../support/work.ts';
import { chunks, embed, vectorOf } from './stage.ts';

describe('the embedding space of a set', () => {
  const store = createDiskStore(temporaryFolder('space'));
  let endpoint: TestServer;
  beforeAll(async () => {
    endpoint = await startServer();
  });
  afterAll(() => endpoint.stop());
  beforeEach(() => {
    endpoint.answer(embed);
    endpoint.heard.length = 0;
  });

  let samples = 0;
  const setOf = async (lines: readonly unknown[], embedding: object = {}): Promise<RecoverySet> => {
    const set = await makeSet(store, { id: `set-20260101T000000Z-00000${samples}` });
    const text = lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');
    const sample = await putText(store, `samples/${(samples += 1)}.ndjson`, text);
    return { ...set, embedding: { ...set.embedding, ...embedding }, qdrant: { ...set.qdrant, sample } };
  };
  /** As Qdrant keeps them: normalised. */
  const unit = (vector: readonly number[]): number[] => vector.map((x) => x / Math.hypot(...vector));
  const points = (count: number) =>
    chunks(count).map(({ id, text }) => ({
      id: Number(id),
      payload: { meta: { text } },
      vector: unit(vectorOf(text)),
    }));
  const check = (set: RecoverySet, floor = 0.98, requested = 8) => {
    const identity = { ...IDENTITY, dimensions: requested };
    const embedder = createEmbedder(embeddingsConfigSchema.parse({ url: endpoint.url, identity, batch: 8 }));
    const { fields } = qdrantConfigSchema.parse({ url: endpoint.url, fields: { text: 'meta.text', source: 'source' } });
    return checkEmbeddingSpace({ store, embedder, fields }, { floor }, { set }, testWork());
  };

  test('the same model makes the same vectors again', async () => {
    const seen = await check(await setOf(points(5)));
    expect(seen).toMatchObject({ gate: { name: 'embedding space', verdict: 'pass' }, looked: 5 });
    expect(seen.leastCosine).toBeCloseTo(1, 6);
  });

  test('32 of many are enough, and an id beyond 2^53 is no matter', async () => {
    const big = `{"id":9007199254740993,"payload":{"meta":{"text":"text 1"}},"vector":${JSON.stringify(vectorOf('text 1'))}}`;
    expect(await check(await setOf([big, ...points(50)]))).toMatchObject({ gate: { verdict: 'pass' }, looked: 32 });
  });

  test('another model is red, with the least cosine; so is one text among many that differs', async () => {
    const set = await setOf([...points(5), { ...points(7)[6], payload: { meta: { text: 'other' } } }]);
    const seen = await check(set);
    expect(seen.gate.verdict).toBe('fail');
    expect(seen.leastCosine).toBeLessThan(0.98);
    expect(seen.gate.observed).toContain((seen.leastCosine ?? 0).toFixed(4));
    expect((await check(set, 0)).gate.verdict).toBe((seen.leastCosine ?? 0) >= 0 ? 'pass' : 'fail');
  });

  test.each([
    [404, 'The model `small` does not exist'],
    [410, 'Gone'],
    [400, 'model_not_found'],
    [400, 'this model has been deprecated'],
    [422, 'unknown model small'],
  ])('a model that is refused (%i %s) is red, in the endpoint’s words', async (status, message) => {
    endpoint.answer(() => ({ status, body: { error: { message } } }));
    const seen = await check(await setOf(points(2)));
    expect(seen).toMatchObject({ gate: { verdict: 'fail' }, leastCosine: null, looked: 2 });
    expect(seen.gate.observed).toContain(message);
  });

  test.each([
    [401, 'Incorrect API key for model small: not found', 'EMBEDDINGS_REFUSED'],
    [400, 'the input is longer than the model takes', 'EMBEDDINGS_REFUSED'],
  ])('what is refused for another reason (%i) is a failure', async (status, message, code) => {
    endpoint.answer(() => ({ status, body: { error: { message } } }));
    await expect(check(await setOf(points(1)))).rejects.toMatchObject({ code });
  });

  test('an endpoint that is away is an outage', async () => {
    endpoint.answer(() => ({ status: 503, body: '' }));
    await expect(check(await setOf(points(1)))).rejects.toMatchObject({ code: 'EMBEDDINGS_UNREACHABLE' });
  });

  test('vectors of another size are red, whether the settings expect them or not', async () => {
    const longer = points(1).map((point) => ({ ...point, vector: [...point.vector, 0.5] }));
    const seen = await check(await setOf(longer));
    expect(seen.gate).toMatchObject({
      verdict: 'fail',
      observed: expect.stringContaining('8 dimensions; stored are 9'),
    });
    expect((await check(await setOf(points(1)), 0.98, 16)).gate).toMatchObject({
      verdict: 'fail',
      observed: expect.stringContaining('vectors of 8 dimensions'),
    });
  });

  test('named vectors are found by their name', async () => {
    const named = points(3).map((point) => ({ ...point, vector: { 'text.v1': point.vector } }));
    const seen = await check(await setOf(named, { vectorName: 'text.v1' }));
    expect(seen).toMatchObject({ gate: { verdict: 'pass' }, looked: 3 });
  });

  test('without anything to compare with, nothing is proven and nothing embedded', async () => {
    const bare = await makeSet(store, { id: 'set-20260101T000000Z-ffffff' });
    expect((await check(bare)).gate.verdict).toBe('unproven');
    const [first] = points(1);
    const useless = [
      { ...first, payload: {} },
      { ...first, vector: [0, 0, 0, 0, 0, 0, 0, 0] },
      { ...first, vector: [null, 1] },
    ];
    expect((await check(await setOf(useless))).gate.verdict).toBe('unproven');
    expect(endpoint.heard).toEqual([]);
  });
});
