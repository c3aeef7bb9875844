import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { addressOf } from '../../../activities/qdrant/address.ts';
import { createVectorStore } from '../../../activities/qdrant/vector-store.ts';
import type { VectorStore } from '../../../domain/vector-store.ts';
import { freePort } from '../../support/ports.ts';
import { ADMIN_KEY, READ_KEY } from '../../support/qdrant.ts';
import { EMBEDDING, fill, point, setStage, type Stage } from './stage.ts';

describe('what goes wrong between us and Qdrant', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await setStage();
    await fill(stage, 'book', [point('1', 1)]);
  });
  afterAll(() => stage.close());
  afterEach(() => stage.qdrant.noFaults());

  const storeWith = (config: object): VectorStore =>
    createVectorStore({ config: stage.qdrant.config(config), embedding: EMBEDDING });
  /** The same call through both of our ways to the server: the vendor's client, and raw. */
  const ways: [string, (store: VectorStore) => Promise<unknown>][] = [
    ['client', (store) => store.count('book')],
    ['raw', (store) => store.retrieve('book', ['1'])],
  ];

  test.each(ways)('one 503 is over before anybody notices (%s)', async (_way, call) => {
    await stage.qdrant.fault('unavailable', { count: 1 });
    await expect(call(stage.vectors)).resolves.toBeDefined();
  });

  test.each(ways)('a dropped connection is tried again (%s)', async (_way, call) => {
    await stage.qdrant.fault('lost-response', { count: 1 });
    await expect(call(stage.vectors)).resolves.toBeDefined();
  });

  test.each(ways)('503 that lasts is a busy server (%s)', async (_way, call) => {
    await stage.qdrant.fault('unavailable', {});
    await expect(call(stage.vectors)).rejects.toMatchObject({
      code: 'QDRANT_BUSY',
      message: expect.stringContaining('503'),
    });
  });

  test.each(ways)('a rate limit is a busy server (%s)', async (_way, call) => {
    await stage.qdrant.fault('rate-limit', { retry_after: 37 });
    await expect(call(stage.vectors)).rejects.toMatchObject({ code: 'QDRANT_BUSY' });
  });

  test.each(ways)('no answer in time is an outage (%s)', async (_way, call) => {
    await stage.qdrant.fault('hang', { seconds: 1 });
    await expect(call(storeWith({ timeoutSeconds: 0.2 }))).rejects.toMatchObject({
      code: 'QDRANT_UNREACHABLE',
      message: expect.stringContaining('no answer in time'),
    });
  });

  test.each(ways)('nobody listening is an outage (%s)', async (_way, call) => {
    await expect(call(storeWith({ url: `http://127.0.0.1:${await freePort()}` }))).rejects.toMatchObject({
      code: 'QDRANT_UNREACHABLE',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test.each(ways)('a wrong key is said, and not shown (%s)', async (_way, call) => {
    const refusal = await call(storeWith({ apiKey: 'wrong-key-123' })).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'QDRANT_DENIED', message: expect.stringContaining('Invalid API key') });
    expect(JSON.stringify(refusal) + String(refusal)).not.toContain('wrong-key-123');
  });

  test('a key that may only read is told so when it writes', async () => {
    const point = { id: '2', vector: [1, 0, 0, 0, 0, 0, 0, 0], payload: {}, text: '', live: '' };
    await expect(storeWith({ apiKey: READ_KEY }).writePoints('book', [point])).rejects.toMatchObject({
      code: 'QDRANT_DENIED',
      message: expect.stringContaining('Global manage access is required'),
    });
  });

  test.each(ways)('what Qdrant refuses is passed on in its own words (%s)', async (_way, call) => {
    await stage.qdrant.fault('dummy-shard', {});
    await expect(call(stage.vectors)).rejects.toMatchObject({
      code: 'QDRANT_REFUSED',
      message: expect.stringContaining('Dirty shard'),
    });
  });

  test('an unknown collection is named', async () => {
    await expect(stage.vectors.count('absent')).rejects.toMatchObject({
      code: 'QDRANT_REFUSED',
      message: expect.stringContaining('absent'),
    });
  });

  test('the key of the server stands in no failure', async () => {
    await stage.qdrant.fault('hang', { seconds: 1 });
    const failure = await storeWith({ timeoutSeconds: 0.1 })
      .count('book')
      .catch((error: unknown) => error as Error);
    expect(`${String(failure)} ${JSON.stringify(failure)}`).not.toContain(ADMIN_KEY);
  });
});

describe('a Qdrant address', () => {
  test.each([
    ['http://127.0.0.1:7000', { host: '127.0.0.1', port: 7000, https: false, prefix: '' }],
    ['https://x.cloud.qdrant.io', { host: 'x.cloud.qdrant.io', port: 6333, https: true, prefix: '' }],
    ['https://x.cloud.qdrant.io:443/', { host: 'x.cloud.qdrant.io', port: 443, https: true, prefix: '' }],
    ['http://proxy:80/qdrant/', { host: 'proxy', port: 80, https: false, prefix: '/qdrant' }],
    ['http://[::1]:6334', { host: '[::1]', port: 6334, https: false, prefix: '' }],
  ])('%s is read as the vendor’s clients read it, ports of the scheme included', (url, address) => {
    expect(addressOf(url)).toEqual(address);
  });
});
