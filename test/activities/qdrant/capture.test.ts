import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Progress } from '../../../activities/contract.ts';
import { activityEnvironment, fill, point, setStage, type Stage } from './stage.ts';

describe('capturing a collection', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await setStage();
    await fill(
      stage,
      'book',
      Array.from({ length: 50 }, (_, i) => point(String(i), i)),
    );
  });
  afterAll(() => stage.close());
  afterEach(() => stage.qdrant.noFaults());

  const capture = (folder: string) => stage.run((act) => act.captureCollection({ collection: 'book', folder }));
  const onServer = () => stage.qdrant.call<unknown[]>('GET', '/collections/book/snapshots');

  test.each([
    ['damaged', 'corrupt-download', /SHA-256/],
    ['cut short', 'cut-download', /download/],
  ])('a download that arrives %s is not kept, neither here nor there', async (_how, fault, message) => {
    await stage.qdrant.fault(fault, { count: 1 });
    await expect(capture('bad')).rejects.toMatchObject({
      type: expect.stringMatching(/QDRANT_(REFUSED|UNREACHABLE)/),
      message: expect.stringMatching(message),
    });
    expect(await stage.store.list('bad')).toEqual([]);
    expect(await onServer()).toEqual([]);
  });

  test('two captures at once become two archives, one after the other', async () => {
    const [one, two] = await Promise.all([capture('twice'), capture('twice')]);
    expect(one.key).not.toBe(two.key);
    expect(await onServer()).toEqual([]);
  });

  test('when the answer is lost, the snapshot is looked for and found', async () => {
    await stage.qdrant.fault('lost-response', { path: '/collections/book/snapshots$', method: 'POST', count: 1 });
    const artifact = await capture('lost');
    expect(await stage.store.list('lost')).toEqual([artifact.key]);
    expect(await onServer()).toEqual([]);
    expect(await stage.run((act) => act.restoreBeside({ snapshot: artifact, scratch: 'dr-lost', points: 50 }))).toEqual(
      {
        points: 50,
      },
    );
  });

  test('the snapshot that a dead worker left on the server is removed by the next attempt', async () => {
    const beats: Progress[] = [];
    const first = activityEnvironment();
    first.on('heartbeat', (details) => beats.push(details as Progress));
    await stage.run((act) => act.captureCollection({ collection: 'book', folder: 'first' }), first);
    const left = await stage.qdrant.call<{ name: string }>('POST', '/collections/book/snapshots');
    const node = new URL(stage.qdrant.url).origin;
    const cursor = JSON.stringify({ node, collection: 'book', name: left.name });
    const heartbeatDetails = { ...beats.at(-1), cursor };
    expect(JSON.parse(beats.at(-1)?.cursor ?? '')).toEqual({
      node,
      collection: 'book',
      name: expect.stringMatching(/^book-/),
    });
    await stage.run(
      (act) => act.captureCollection({ collection: 'book', folder: 'second' }),
      activityEnvironment({ heartbeatDetails }),
    );
    expect(await onServer()).toEqual([]);
  });

  test('so is one of which the worker died before it knew the name, unless it cannot be told from others', async () => {
    const left = await stage.qdrant.call<{ name: string }>('POST', '/collections/book/snapshots');
    const node = new URL(stage.qdrant.url).origin;
    const cursor = JSON.stringify({ node, collection: 'book', before: [] });
    const again = (folder: string): Promise<unknown> =>
      stage.run(
        (act) => act.captureCollection({ collection: 'book', folder }),
        activityEnvironment({ heartbeatDetails: { phase: '', done: 0, total: 1, cursor } }),
      );
    const names = async (): Promise<string[]> =>
      (await stage.qdrant.call<{ name: string }[]>('GET', '/collections/book/snapshots')).map(({ name }) => name);
    expect(await names()).toEqual([left.name]);
    await again('third');
    expect(await names()).toEqual([]);
    const [one, other] = [
      await stage.qdrant.call<{ name: string }>('POST', '/collections/book/snapshots'),
      await pause(1_100).then(() => stage.qdrant.call<{ name: string }>('POST', '/collections/book/snapshots')),
    ];
    await again('fourth');
    expect((await names()).sort()).toEqual([one.name, other.name].sort());
    for (const { name } of [one, other]) await stage.qdrant.call('DELETE', `/collections/book/snapshots/${name}`);
  });

  test('one that is somebody’s own on another node stays', async () => {
    const own = await stage.qdrant.call<{ name: string }>('POST', '/collections/book/snapshots');
    for (const trace of [{ before: [] }, { name: own.name }]) {
      const cursor = JSON.stringify({ node: 'http://other-node:6333', collection: 'book', ...trace });
      await stage.run(
        (act) => act.captureCollection({ collection: 'book', folder: `other-${Object.keys(trace)[0]}` }),
        activityEnvironment({ heartbeatDetails: { phase: '', done: 0, total: 1, cursor } }),
      );
      expect(await onServer()).toEqual([expect.objectContaining({ name: own.name })]);
    }
    await stage.qdrant.call('DELETE', `/collections/book/snapshots/${own.name}`);
  });

  test('a collection that does not exist is refused in the words of Qdrant', async () => {
    await expect(
      stage.run((act) => act.captureCollection({ collection: 'none', folder: 'none' })),
    ).rejects.toMatchObject({ type: 'QDRANT_REFUSED', message: expect.stringContaining("doesn't exist") });
  });
});
