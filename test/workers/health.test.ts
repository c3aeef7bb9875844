import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createDiskStore } from '../../activities/store/disk.ts';
import type { ArtifactStore } from '../../domain/artifacts.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { type Health, serveHealth } from '../../workers/health.ts';
import { temporaryFolder } from '../support/folder.ts';
import { makeSet, putManifest, putVerification } from '../support/recovery-set.ts';

const servers: Server[] = [];
const now = (): Date => new Date('2026-01-10T12:00:00Z');

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function served(
  store: Health['store'],
  workerState = (): string => 'RUNNING',
): Promise<(path: string) => Promise<Response>> {
  const health = { environment: 'test', store, rpoSeconds: 86_400, verifyWithinDays: 8, workerState, now };
  const server = await serveHealth({ host: '127.0.0.1', port: 0 }, health);
  servers.push(server);
  const { port } = server.address() as AddressInfo;
  return (path) => fetch(`http://127.0.0.1:${port}${path}`);
}

async function storeWith(takenAt: string): Promise<ArtifactStore> {
  const store = createDiskStore(temporaryFolder('health'));
  const set = { ...(await makeSet(store)), takenAt };
  await putVerification(store, set.id, await putManifest(store, set), { at: '2026-01-10T00:00:00Z' });
  return store;
}

describe('the worker’s health page', () => {
  test('answers 200 while it works and the sets are young enough, with each finding', async () => {
    const get = await served(await storeWith('2026-01-10T02:15:00Z'));
    const answer = await get('/healthz');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await answer.json()).toMatchObject({
      state: 'ok',
      environment: 'test',
      worker: { state: 'RUNNING' },
      findings: [
        { name: 'newest set', state: 'ok' },
        { name: 'newest verified set', state: 'ok' },
      ],
    });
  });

  test('answers 503 when the newest set is too old; the worker itself still lives', async () => {
    const get = await served(await storeWith('2026-01-05T02:15:00Z'));
    const answer = await get('/healthz');
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({
      state: 'broken',
      findings: [{ next: expect.stringContaining('dr backup') }, {}],
    });
    expect((await get('/livez')).status).toBe(200);
  });

  test('answers 503 when the worker does not poll', async () => {
    const get = await served(await storeWith('2026-01-10T02:15:00Z'), () => 'DRAINING');
    expect((await get('/healthz')).status).toBe(503);
    expect((await get('/livez')).status).toBe(503);
  });

  test('answers 503 and says why when the store cannot be read', async () => {
    const gone = (): never => {
      throw new RecoveryError('STORE_UNREACHABLE', 'artifact store: /mnt/store: not mounted');
    };
    const get = await served({ list: async () => gone(), readSmall: async () => gone() });
    const answer = await get('/healthz');
    expect(answer.status).toBe(503);
    expect(await answer.text()).toContain('not mounted');
  });

  test('asks the store once for many probes', async () => {
    const store = await storeWith('2026-01-10T02:15:00Z');
    let lists = 0;
    const list = (prefix: string): Promise<string[]> => {
      lists += 1;
      return store.list(prefix);
    };
    const get = await served({ list, readSmall: (key) => store.readSmall(key) });
    await Promise.all(['/healthz', '/healthz', '/healthz?from=lb'].map(get));
    await get('/healthz');
    expect(lists).toBe(1);
  });

  test('knows nothing else, and changes nothing', async () => {
    const get = await served(await storeWith('2026-01-10T02:15:00Z'));
    expect((await get('/')).status).toBe(404);
    const { port } = servers[0]?.address() as AddressInfo;
    expect((await fetch(`http://127.0.0.1:${port}/healthz`, { method: 'POST' })).status).toBe(405);
    const taken = serveHealth(
      { host: '127.0.0.1', port },
      {
        environment: 'x',
        store: await storeWith('2026-01-10T02:15:00Z'),
        rpoSeconds: 1,
        verifyWithinDays: 1,
        workerState: () => '',
      },
    );
    await expect(taken).rejects.toMatchObject({
      code: 'INVALID_CONFIGURATION',
      message: expect.stringContaining('worker.health'),
    });
  });
});
