import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { Front } from './front.ts';

const POINTS = '/collections/faulty/points';
let front: Front;
let snapshot: { name: string; checksum: string; size: number };

beforeAll(async () => {
  front = await Front.start();
  await front.result('PUT', '/collections/faulty', { vectors: { size: 2, distance: 'Dot' } });
  await front.result('PUT', `${POINTS}?wait=true`, { points: [{ id: 1, vector: [1, 0] }] });
  snapshot = await front.result('POST', '/collections/faulty/snapshots');
});

afterEach(async () => {
  await front.fault('DELETE');
});

afterAll(async () => {
  await front.stop();
});

async function count(): Promise<number> {
  return (await front.result<{ count: number }>('POST', `${POINTS}/count`, {})).count;
}

async function statusOf(method: string, path: string): Promise<number> {
  return (await front.call(method, path, method === 'GET' ? undefined : {})).status;
}

async function download(): Promise<Buffer> {
  return (await front.call('GET', `/collections/faulty/snapshots/${snapshot.name}`)).data;
}

describe('fault switches', () => {
  test('are off at first, and unknown names are refused', async () => {
    const { data } = await front.fault('GET');
    expect(JSON.parse(data.toString())).toMatchObject({ on: {} });
    expect((await front.fault('PUT', 'earthquake')).status).toBe(404);
    expect((await front.fault('PUT', 'unavailable', { path: '(' })).status).toBe(400);
  });

  test('rate-limit answers 429 with Retry-After, for as many requests as asked', async () => {
    await front.fault('PUT', 'rate-limit', { retry_after: 7, count: 2 });
    const first = await front.call('POST', `${POINTS}/count`, {});
    expect([first.status, first.headers['retry-after']]).toEqual([429, '7']);
    expect(await statusOf('POST', `${POINTS}/count`)).toBe(429);
    expect(await statusOf('POST', `${POINTS}/count`)).toBe(200);
  });

  test('rate-limit can leave Retry-After out', async () => {
    await front.fault('PUT', 'rate-limit', { retry_after: null });
    const answer = await front.call('POST', `${POINTS}/count`, {});
    expect(answer.status).toBe(429);
    expect(answer.headers).not.toHaveProperty('retry-after');
  });

  test('unavailable answers 503 where method and path match, and leaves health alone', async () => {
    await front.fault('PUT', 'unavailable', { path: '/points/count$', method: 'post' });
    expect(await statusOf('POST', `${POINTS}/count`)).toBe(503);
    expect(await statusOf('POST', `${POINTS}/scroll`)).toBe(200);
    await front.fault('PUT', 'unavailable');
    expect(await statusOf('GET', '/healthz')).toBe(200);
    expect(await statusOf('GET', '/collections')).toBe(503);
  });

  test('hang accepts, says nothing and drops the connection', async () => {
    await front.fault('PUT', 'hang', { seconds: 0.5, count: 1, path: '/points/count$' });
    const ends: string[] = [];
    const hung = front.call('POST', `${POINTS}/count`, {}).catch(() => ends.push('dropped'));
    await front.call('GET', '/collections/faulty').then(() => ends.push('another answered'));
    await hung;
    expect(ends).toEqual(['another answered', 'dropped']);
    expect(await count()).toBe(1);
  });

  test('lost-response does the work all the same', async () => {
    await front.fault('PUT', 'lost-response', { count: 1 });
    const upsert = front.call('PUT', `${POINTS}?wait=true`, { points: [{ id: 2, vector: [0, 1] }] });
    await expect(upsert).rejects.toThrow();
    expect(await count()).toBe(2);
  });

  test('dummy-shard answers 500 as a shard that could not be loaded', async () => {
    await front.fault('PUT', 'dummy-shard', { path: '^/collections/faulty' });
    const { status, data } = await front.call('GET', '/collections/faulty');
    expect(status).toBe(500);
    expect(data.toString()).toContain('Dirty shard - shard is not fully initialized');
    expect(await statusOf('GET', '/collections')).toBe(200);
  });

  test('cut-download ends before the announced length', async () => {
    await front.fault('PUT', 'cut-download', { bytes: 1000, count: 1 });
    await expect(download()).rejects.toThrow();
    expect((await download()).length).toBe(snapshot.size);
  });

  test('cut-download makes a recovery fail and leaves nothing behind', async () => {
    await front.fault('PUT', 'cut-download', { count: 1 });
    const location = `${front.place.url}/collections/faulty/snapshots/${snapshot.name}`;
    const body = { location, checksum: snapshot.checksum, api_key: front.place.apiKey };
    expect((await front.call('PUT', '/collections/cut/snapshots/recover', body)).status).toBe(500);
    expect(await front.result('GET', '/collections/cut/exists')).toEqual({ exists: false });
  });

  test('corrupt-download changes exactly one byte', async () => {
    const sound = await download();
    await front.fault('PUT', 'corrupt-download', { offset: 600, count: 1 });
    const damaged = await download();
    expect(damaged.length).toBe(sound.length);
    expect([...damaged.keys()].filter((at) => damaged[at] !== sound[at])).toEqual([600]);
    expect(createHash('sha256').update(damaged).digest('hex')).not.toBe(snapshot.checksum);
    expect(
      createHash('sha256')
        .update(await download())
        .digest('hex'),
    ).toBe(snapshot.checksum);
  });
});
