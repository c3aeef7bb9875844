import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { CollectionActivities } from '../../../activities/cluster-contract.ts';
import { inTurn } from '../../../activities/qdrant/in-turn.ts';
import type { Artifact } from '../../../domain/artifacts.ts';
import { startServer } from '../../support/http.ts';
import { freePort } from '../../support/ports.ts';
import { type CollectionStage, OWNER, setCollectionStage, type Shape } from './collection-stage.ts';
import { activityEnvironment, fill, point, put } from './stage.ts';

const UPLOAD = 'snapshots/upload';

describe('restoring into a collection that was made for it', () => {
  let stage: CollectionStage;
  let shape: Shape;
  let snapshot: Artifact;
  let smaller: Artifact;
  beforeAll(async () => {
    stage = await setCollectionStage();
    const points = Array.from({ length: 100 }, (_, i) => point(String(i), i));
    await fill(stage, 'small', points.slice(0, 40));
    await fill(stage, 'book', points);
    const take = (collection: string) =>
      stage.run((act) => act.captureCollection({ collection, folder: `set/${collection}` }));
    smaller = await take('small');
    await stage.qdrant.call('PUT', '/collections/book/index?wait=true', {
      field_name: 'source',
      field_schema: 'keyword',
    });
    snapshot = await take('book');
    shape = await stage.shapeOf('book');
  });
  afterAll(() => stage.close());
  beforeEach(() => create());
  afterEach(async () => {
    await stage.qdrant.noFaults();
    await stage.qdrant.call('DELETE', '/collections/new');
  });

  const create = () => stage.make((act) => act.createCollection({ collection: 'new', shape, owner: OWNER }));
  type Input = Parameters<CollectionActivities['restoreInto']>[0];
  const restore = (over: Partial<Input> = {}, act = stage.collections()) =>
    activityEnvironment().run(() =>
      act.restoreInto({ collection: 'new', owner: OWNER, snapshots: [snapshot], points: 100, ...over }),
    );
  const archives = () => stage.qdrant.call<unknown[]>('GET', '/collections/new/snapshots');

  test('every point is there, the indexes are, our marks are, and no archive', async () => {
    expect(await restore()).toEqual({ points: 100 });
    expect(await stage.index('new')).toEqual(await stage.index('book'));
    expect(await stage.make((act) => act.finishCollection({ collection: 'new', shape }))).toEqual([]);
    expect(await stage.metadata('new')).toMatchObject({ dr_made_by: OWNER });
    expect(await archives()).toEqual([]);
  });

  test('a complete one is adopted without another upload, also after points have come', async () => {
    await restore();
    await put(stage, 'new', [point('1000', 1_000)]);
    await stage.qdrant.fault('unavailable', { path: UPLOAD });
    expect(await restore()).toEqual({ points: 101 });
  });

  test('a lost answer is waited out, with and without a known count', async () => {
    await stage.qdrant.fault('lost-response', { path: UPLOAD, count: 1 });
    expect(await restore()).toEqual({ points: 100 });
    expect(await archives()).toEqual([]);
    await stage.qdrant.call('DELETE', '/collections/new');
    await create();
    await stage.qdrant.fault('lost-response', { path: UPLOAD, count: 1 });
    expect(await restore({ points: undefined })).toEqual({ points: 100 });
  });

  test('what a lost attempt has completed is adopted, and not sent again', async () => {
    await stage.qdrant.fault('unavailable', { path: '^/collections/new$', method: 'PATCH' });
    await expect(restore()).rejects.toMatchObject({ type: 'QDRANT_BUSY' });
    await stage.qdrant.noFaults();
    await stage.qdrant.fault('unavailable', { path: UPLOAD });
    expect(await restore()).toEqual({ points: 100 });
  });

  test('of several, each is put in once: another attempt begins with the one that failed', async () => {
    const several = { snapshots: [smaller, snapshot], points: 100 };
    // The engine is one node: here the second takes the place of the first.
    const down = stage.collections({ nodes: [{ url: `http://127.0.0.1:${await freePort()}` }] });
    await expect(restore(several, down)).rejects.toMatchObject({ type: 'QDRANT_UNREACHABLE' });
    expect((await stage.metadata('new'))['dr_restored_parts']).toBe(smaller.sha256);
    expect(await restore(several, stage.collections({ nodes: [{}] }))).toEqual({ points: 100 });
    expect((await stage.metadata('new'))['dr_restored_from']).toBe(`${smaller.sha256} ${snapshot.sha256}`);
  });

  test('a server that is killed in the middle loses nothing: the next attempt restores', async () => {
    await stage.qdrant.fault('hang', { path: UPLOAD });
    const act = stage.collections({ patience: { lookMs: 200 } });
    const lost = expect(restore({}, act)).rejects.toMatchObject({ type: 'QDRANT_UNREACHABLE' });
    await pause(300);
    await stage.qdrant.crash();
    await lost;
    expect(await restore()).toEqual({ points: 100 });
    await stage.qdrant.crash();
    expect(await stage.index('new')).toEqual(await stage.index('book'));
    expect(await restore()).toEqual({ points: 100 });
  });

  test('another number of points than the set says is incomplete, however often it is looked at', async () => {
    for (const _ of [1, 2])
      await expect(restore({ points: 101 })).rejects.toMatchObject({
        type: 'RESTORE_INCOMPLETE',
        message: expect.stringMatching(/100 points.*101/),
      });
  });

  test('what is absent, or does not load, must be made anew; what is not ours is not touched', async () => {
    await stage.qdrant.fault('dummy-shard', { path: '^/collections/new$', method: 'GET' });
    await expect(restore()).rejects.toMatchObject({
      type: 'RESTORE_INCOMPLETE',
      message: expect.stringContaining('cannot be read'),
    });
    await stage.qdrant.noFaults();
    await expect(restore({ owner: 'another run' })).rejects.toMatchObject({ type: 'NAME_TAKEN' });
    await expect(restore({ collection: 'book' })).rejects.toMatchObject({ type: 'NAME_TAKEN' });
    await expect(restore({ collection: 'nowhere' })).rejects.toMatchObject({ type: 'RESTORE_INCOMPLETE' });
  });

  test('a snapshot that was changed in the store is refused by name', async () => {
    const copy = await stage.store.put('tampered.snapshot', stage.store.open(snapshot));
    const path = join(stage.directory, copy.key);
    const bytes = await readFile(path);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    await chmod(path, 0o644);
    await writeFile(path, bytes);
    await expect(restore({ snapshots: [copy] })).rejects.toMatchObject({ type: 'SET_TAMPERED' });
    expect(await stage.vectors.count('new')).toBe(0);
  });

  test('nothing is sent while the server still restores what was sent before', async () => {
    const busy = await startServer();
    let looks = 0;
    busy.answer(({ path }) => {
      if (path === '/aliases') return { body: { result: { aliases: [] } } };
      if (path === '/collections') return { body: { result: { collections: [{ name: 'new' }] } } };
      if (path === '/collections/new') return { body: { result: { config: { metadata: { dr_made_by: OWNER } } } } };
      looks += 1;
      return { body: `snapshot_recovery_running{id="other"} 1\nsnapshot_recovery_running{id="new"} 1\n` };
    });
    const act = stage.collections({ config: { url: busy.url }, patience: { lookMs: 100, pollMs: 10 } });
    await expect(restore({}, act)).rejects.toMatchObject({ type: 'RESTORE_INCOMPLETE' });
    expect(looks).toBeGreaterThan(5);
    expect(busy.heard.filter(({ method }) => method === 'POST')).toEqual([]);
    await busy.stop();
  });
});

test('what has one key runs one after the other, whatever becomes of it', async () => {
  const seen: string[] = [];
  const one = (name: string, ms: number, fails = false) =>
    inTurn('key', async () => {
      seen.push(`${name} begins`);
      await new Promise((resolve) => setTimeout(resolve, ms));
      seen.push(`${name} ends`);
      if (fails) throw new Error(name);
    });
  const [a, b, c] = await Promise.allSettled([one('a', 20, true), one('b', 5), one('c', 0)]);
  expect(seen).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  expect([a.status, b.status, c.status]).toEqual(['rejected', 'fulfilled', 'fulfilled']);
});
