import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Artifact } from '../../../domain/artifacts.ts';
import { freePort } from '../../support/ports.ts';
import { fill, point, put, setStage, type Stage } from './stage.ts';

const UPLOAD = 'snapshots/upload';

describe('restoring a snapshot beside', () => {
  let stage: Stage;
  let snapshot: Artifact;
  beforeAll(async () => {
    stage = await setStage();
    await fill(
      stage,
      'book',
      Array.from({ length: 100 }, (_, i) => point(String(i), i)),
    );
    snapshot = await stage.run((act) => act.captureCollection({ collection: 'book', folder: 'set' }));
  });
  afterAll(() => stage.close());
  afterEach(async () => {
    await stage.qdrant.noFaults();
    for (const scratch of ['dr-a', 'dr-b']) await stage.run((act) => act.dropScratch({ scratch }));
  });

  const restore = (scratch = 'dr-a', points: number | undefined = 100) =>
    stage.run((act) => act.restoreBeside({ snapshot, scratch, points }));
  const uploads = async (): Promise<number> => {
    return (await stage.qdrant.call<unknown[]>('GET', '/collections/dr-a/snapshots')).length;
  };

  test('a complete collection of an earlier attempt is adopted without another upload', async () => {
    await restore();
    await stage.qdrant.fault('unavailable', { path: UPLOAD });
    expect(await restore()).toEqual({ points: 100 });
  });

  test('without a known count, only a collection that was marked complete is adopted', async () => {
    const before = () => stage.run((act) => act.restoreBeside({ snapshot, scratch: 'dr-a' }));
    expect(await before()).toEqual({ points: 100 });
    await stage.qdrant.fault('unavailable', { path: UPLOAD });
    expect(await before()).toEqual({ points: 100 });
    await stage.qdrant.noFaults();
    await stage.run((act) => act.dropScratch({ scratch: 'dr-a' }));
    await fill(stage, 'dr-a', [point('1', 1)]);
    expect(await before()).toEqual({ points: 100 });
  });

  test('an incomplete collection of our own name is dropped and restored again', async () => {
    await fill(stage, 'dr-a', [point('1', 1)]);
    expect(await restore()).toEqual({ points: 100 });
    expect(await stage.index('dr-a')).toEqual(await stage.index('book'));
  });

  test('when the answer is lost, the restored collection is waited for and adopted', async () => {
    await stage.qdrant.fault('lost-response', { path: UPLOAD, count: 1 });
    expect(await restore()).toEqual({ points: 100 });
    expect(await uploads()).toBe(0);
  });

  test('when the answer is lost and no count is known, the count must hold still', async () => {
    await stage.qdrant.fault('lost-response', { path: UPLOAD, count: 1 });
    expect(await stage.run((act) => act.restoreBeside({ snapshot, scratch: 'dr-b' }))).toEqual({ points: 100 });
  });

  test('a restore that never shows up is an outage in the end, named', async () => {
    await stage.qdrant.fault('hang', { path: UPLOAD, seconds: 1, count: 1 });
    const act = stage.activities({ patience: { restoreMs: 200, lookMs: 100 } });
    await expect(stage.run(() => act.restoreBeside({ snapshot, scratch: 'dr-a', points: 100 }))).rejects.toMatchObject({
      type: 'QDRANT_UNREACHABLE',
      message: expect.stringContaining('dr-a'),
    });
  });

  test('a restore of another number of points than the set says is refused and removed', async () => {
    await expect(restore('dr-a', 101)).rejects.toMatchObject({
      type: 'RESTORE_INCOMPLETE',
      message: expect.stringMatching(/100 points.*101/),
    });
    expect(await stage.qdrant.call('GET', '/collections/dr-a/exists')).toEqual({ exists: false });
  });

  test('a snapshot that was changed in the store is refused by name, and nothing is created', async () => {
    const copy = await stage.store.put('tampered.snapshot', stage.store.open(snapshot));
    const path = join(stage.directory, copy.key);
    const bytes = await readFile(path);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    await chmod(path, 0o644);
    await writeFile(path, bytes);
    await expect(
      stage.run((act) => act.restoreBeside({ snapshot: copy, scratch: 'dr-a', points: 100 })),
    ).rejects.toMatchObject({ type: 'SET_TAMPERED', message: expect.stringContaining('tampered.snapshot') });
    expect(await stage.qdrant.call('GET', '/collections/dr-a/exists')).toEqual({ exists: false });
  });

  test('bytes that are no snapshot are refused in the words of Qdrant', async () => {
    const junk = await stage.store.put('junk.snapshot', lines(2_000));
    await expect(
      stage.run((act) => act.restoreBeside({ snapshot: junk, scratch: 'dr-a', points: 100 })),
    ).rejects.toMatchObject({ type: 'QDRANT_REFUSED', message: expect.stringContaining('tar') });
  });

  test('a server that is down is an outage to wait for', async () => {
    const act = stage.activities({ config: { url: `http://127.0.0.1:${await freePort()}` } });
    await expect(stage.run(() => act.restoreBeside({ snapshot, scratch: 'dr-a', points: 100 }))).rejects.toMatchObject({
      type: 'QDRANT_UNREACHABLE',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test('what was restored can be written to without touching the original', async () => {
    await restore();
    await put(stage, 'dr-a', [point('7', 7_000)]);
    expect(await stage.index('dr-a')).not.toEqual(await stage.index('book'));
  });
});

async function* lines(count: number): AsyncGenerator<Uint8Array> {
  yield Buffer.alloc(count * 20, 'this is no snapshot ');
}
