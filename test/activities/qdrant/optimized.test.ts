import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { unindexedAllowed } from '../../../activities/qdrant/indexing.ts';
import { startServer, type TestServer } from '../../support/http.ts';
import { type CollectionStage, setCollectionStage } from './collection-stage.ts';
import { activityEnvironment, fill, point } from './stage.ts';

const CONFIG = {
  params: { vectors: { size: 256, distance: 'Cosine' } },
  hnsw_config: { m: 16 },
  optimizer_config: { indexing_threshold: 100 },
};

describe('waiting for the optimizer', () => {
  let stage: CollectionStage;
  let server: TestServer;
  beforeAll(async () => {
    [stage, server] = await Promise.all([setCollectionStage(), startServer()]);
  });
  afterAll(() => Promise.all([stage.close(), server.stop()]));
  afterEach(() => {
    server.heard.length = 0;
  });

  /** A server that tells these states one after the other, the last one for ever. */
  const states = (...told: object[]) => {
    let at = 0;
    server.answer(({ method, path }) => {
      if (method === 'PATCH') return { body: { result: true } };
      if (path.endsWith('/optimizations')) return { status: 404, body: '' };
      const state = told[Math.min(at++, told.length - 1)];
      const counts = { points_count: 1_000, indexed_vectors_count: 1_000, segments_count: 2 };
      return {
        body: { result: { optimizer_status: 'ok', update_queue: { length: 0 }, config: CONFIG, ...counts, ...state } },
      };
    });
  };
  const wait = (patience = {}) =>
    activityEnvironment().run(() =>
      stage
        .collections({ config: { url: server.url }, patience: { pollMs: 1, ...patience } })
        .awaitOptimized({ collection: 'book' }),
    );
  const looks = (): number => server.heard.filter(({ path }) => path === '/collections/book').length;
  const woken = (): number => server.heard.filter(({ method }) => method === 'PATCH').length;

  test('green twice in a row, with nothing queued, is the end', async () => {
    states({ status: 'yellow' }, { status: 'green' }, { status: 'yellow' }, { status: 'green' });
    expect(await wait()).toEqual({ status: 'green', indexed: 1_000, points: 1_000 });
    expect([looks(), woken()]).toEqual([5, 0]);
    server.heard.length = 0;
    states({ status: 'green', update_queue: { length: 3 } }, { status: 'green' });
    await wait();
    expect(looks()).toBe(3);
  });

  test('grey, and red at first, are woken', async () => {
    states({ status: 'grey' }, { status: 'green' });
    await wait();
    expect(woken()).toBe(1);
    states({ status: 'red', optimizer_status: { error: 'No space left' } }, { status: 'yellow' }, { status: 'green' });
    await wait();
    expect(woken()).toBe(2);
  });

  test('what stays red is incomplete, in the optimizer’s words', async () => {
    states({ status: 'red', optimizer_status: { error: 'No space left' } });
    await expect(wait()).rejects.toMatchObject({
      type: 'RESTORE_INCOMPLETE',
      message: expect.stringContaining('No space left'),
    });
  });

  test('what does not change for long is incomplete; what changes is waited for', async () => {
    states({ status: 'yellow' });
    await expect(wait({ stallMs: 30 })).rejects.toMatchObject({ type: 'RESTORE_INCOMPLETE' });
    const going = Array.from({ length: 60 }, (_, at) => ({ status: 'yellow', indexed_vectors_count: at }));
    states(...going, { status: 'green' });
    expect(await wait({ stallMs: 500 })).toMatchObject({ status: 'green' });
  });

  test('green without the index that there should be is looked at longer, and told', async () => {
    states({ status: 'green', indexed_vectors_count: 0 });
    expect(await wait()).toEqual({ status: 'green', indexed: 0, points: 1_000 });
    expect([looks() >= 10, woken()]).toEqual([true, 1]);
  });

  test('the engine has nothing to do', async () => {
    await fill(stage, 'book', [point('1', 1)]);
    expect(await stage.make((act) => act.awaitOptimized({ collection: 'book' }))).toEqual({
      status: 'green',
      indexed: 0,
      points: 1,
    });
  });
});

describe('how many points may be without an index', () => {
  test.each([
    ['as many as fit below the threshold in each segment', CONFIG, 200],
    [
      'half as large numbers, twice as many',
      { ...CONFIG, params: { vectors: { size: 256, datatype: 'float16' } } },
      400,
    ],
    ['nothing is said where indexing is off', { ...CONFIG, optimizer_config: { indexing_threshold: 0 } }, undefined],
    ['nor without a graph', { ...CONFIG, hnsw_config: { m: 0 } }, undefined],
    ['nor of named vectors', { ...CONFIG, params: { vectors: { text: { size: 8 } } } }, undefined],
    ['nor of nothing', {}, undefined],
  ])('%s', (_what, config, allowed) => {
    expect(unindexedAllowed(config, 2)).toBe(allowed);
  });
});
