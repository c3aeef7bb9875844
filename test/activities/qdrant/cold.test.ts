import { execFile } from 'node:child_process';
import { appendFile, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type ColdSource, copyCold } from '../../../activities/qdrant/cold.ts';
import { createDiskStore } from '../../../activities/store/disk.ts';
import type { ArtifactStore } from '../../../domain/artifacts.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { ADMIN_KEY, FrontProcess, makeGrounds } from '../../support/front.ts';
import { testWork } from '../../support/work.ts';

const ASKED = { id: 'cold-20260101T000000Z-aaaaaa', takenAt: '2026-01-01T00:00:00.000Z' };
const POINTS = Array.from({ length: 50 }, (_, id) => ({
  id,
  vector: [id + 1, 1, 2, 3],
  payload: { text: `chunk ${id}` },
}));
let front: FrontProcess;
let store: ArtifactStore;
let folder: string;

beforeAll(async () => {
  front = await new FrontProcess(await makeGrounds()).open();
  await call(front, 'PUT', '/collections/book', { vectors: { size: 4, distance: 'Dot' } });
  await call(front, 'PUT', '/collections/book/points?wait=true', { points: POINTS });
}, 60_000);

afterAll(async () => {
  await front?.stop();
});

beforeEach(() => {
  folder = temporaryFolder('cold');
  store = createDiskStore(folder);
});

async function call(to: FrontProcess, method: string, path: string, body: object): Promise<unknown> {
  const headers = { 'api-key': ADMIN_KEY, 'content-type': 'application/json' };
  const answer = await fetch(to.url + path, { method, headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(await answer.text());
  return ((await answer.json()) as { result: unknown }).result;
}

const everything = (of: FrontProcess): Promise<unknown> =>
  call(of, 'POST', '/collections/book/points/scroll', { limit: 100, with_vector: true, with_payload: true });

const source = (over: Partial<ColdSource> = {}): ColdSource => ({
  environment: 'test',
  storage: front.storageDir,
  urls: [front.url],
  store,
  ...over,
});

describe('a cold copy', () => {
  test('of a server that runs is refused, naming it, and leaves nothing', async () => {
    await expect(copyCold(source(), ASKED, testWork())).rejects.toMatchObject({
      code: 'QDRANT_RUNNING',
      message: expect.stringContaining(front.url),
    });
    expect(await store.list('')).toEqual([]);
  });

  test('of one that is stopped comes up on another with the same points', async () => {
    const points = await everything(front);
    await front.kill();
    try {
      const work = testWork();
      const copy = await copyCold(source(), ASKED, work);
      expect(copy).toMatchObject({ environment: 'test', collections: ['book'], id: ASKED.id });
      expect(work.reported.at(-1)).toMatchObject({ done: copy.bytes, total: copy.bytes });
      const place = join(folder, 'cold/test', ASKED.id);
      await promisify(execFile)('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: place });
      expect(JSON.parse(await readFile(join(place, 'manifest.json'), 'utf8'))).toEqual(copy);
      expect(await copyCold(source(), ASKED, testWork())).toEqual(copy);

      const other = new FrontProcess(await makeGrounds());
      await mkdir(other.storageDir, { recursive: true });
      await promisify(execFile)('tar', ['-xf', join(place, 'storage.tar'), '-C', other.storageDir]);
      await other.open();
      expect(await everything(other)).toEqual(points);
      await other.stop();
    } finally {
      await front.launch();
    }
  }, 60_000);

  describe('of a folder', () => {
    let storage: string;
    let listening: Server | undefined;
    beforeEach(async () => {
      storage = temporaryFolder('storage');
      await mkdir(join(storage, 'collections/book'), { recursive: true });
      await writeFile(join(storage, 'collections/book/config.json'), '{}');
      await writeFile(join(storage, 'empty'), '');
    });

    const stopped = { urls: ['http://127.0.0.1:9'] };
    /** Does something in the middle of the copy. */
    const meanwhile = (act: () => Promise<void>): ArtifactStore =>
      Object.assign(Object.create(store) as ArtifactStore, {
        put: async (key: string, data: AsyncIterable<Uint8Array>) => {
          const artifact = await store.put(key, data);
          await act();
          return artifact;
        },
        list: (prefix: string) => store.list(prefix),
        remove: (key: string) => store.remove(key),
        tidy: (place: string) => store.tidy(place),
        readSmall: (key: string) => store.readSmall(key),
      });

    test('with an empty file in it has that too', async () => {
      expect(await copyCold(source({ storage, ...stopped }), ASKED, testWork())).toMatchObject({ files: 2, bytes: 2 });
    });

    test('that is no storage, or not there, is refused by the setting', async () => {
      await rm(join(storage, 'collections'), { recursive: true });
      for (const wrong of [storage, join(storage, 'nowhere')])
        await expect(copyCold(source({ storage: wrong, ...stopped }), ASKED, testWork())).rejects.toMatchObject({
          code: 'INVALID_CONFIGURATION',
          message: expect.stringContaining(`backup.coldStorage: ${wrong}`),
        });
    });

    test('with a link in it is refused: it may lead elsewhere', async () => {
      await symlink('/etc/passwd', join(storage, 'collections/link'));
      await expect(copyCold(source({ storage, ...stopped }), ASKED, testWork())).rejects.toMatchObject({
        code: 'INVALID_CONFIGURATION',
        message: expect.stringContaining('collections/link'),
      });
    });

    test('that changes meanwhile is not kept', async () => {
      const changing = meanwhile(() => appendFile(join(storage, 'collections/book/config.json'), ' '));
      const asked = source({ storage, ...stopped, store: changing });
      await expect(copyCold(asked, ASKED, testWork())).rejects.toMatchObject({
        code: 'QDRANT_RUNNING',
        message: expect.stringContaining('collections/book/config.json changed'),
      });
      expect(await store.list('')).toEqual([]);
    });

    test('whose server comes up meanwhile is not kept', async () => {
      const port = 20_000 + (process.pid % 10_000);
      const starting = meanwhile(
        () => new Promise((resolve) => (listening = createServer().listen(port, '127.0.0.1', () => resolve()))),
      );
      const asked = source({ storage, urls: [`http://127.0.0.1:${port}`], store: starting });
      await expect(copyCold(asked, ASKED, testWork())).rejects.toMatchObject({ code: 'QDRANT_RUNNING' });
      listening?.close();
      expect(await store.list('')).toEqual([]);
    });

    test('of which an attempt before left something begins anew', async () => {
      await mkdir(join(folder, 'cold/test', ASKED.id), { recursive: true });
      await writeFile(join(folder, 'cold/test', ASKED.id, '.storage.tar.0f0e.part'), 'half');
      await writeFile(join(folder, 'cold/test', ASKED.id, 'storage.tar'), 'of a lost attempt');
      const copy = await copyCold(source({ storage, ...stopped }), ASKED, testWork());
      expect(await store.list('cold/')).toHaveLength(3);
      for await (const _ of store.open(copy.archive));
    });
  });
});
