import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type CloudUnderTest, eventually, LOOKING_KEY, startCloud } from '../../support/qdrant-cloud.ts';
import { type QdrantUnderTest, startQdrant } from '../../support/qdrant.ts';

interface Backup {
  readonly id: string;
  readonly status: string;
  readonly createdAt: string;
  readonly displayName: string;
  readonly deletedAt: string | null;
  readonly backupDuration: string | null;
  readonly backupScheduleId?: string;
  readonly retentionPeriod?: string;
}

let qdrant: QdrantUnderTest;
let cloud: CloudUnderTest;
beforeAll(async () => {
  qdrant = await startQdrant({ open: true });
  await qdrant.call('PUT', '/collections/book', { vectors: { size: 2, distance: 'Dot' } });
  cloud = await startCloud({ url: qdrant.url });
});
afterAll(async () => {
  await cloud?.stop();
  await qdrant?.stop();
});
afterEach(() => cloud.clock(0));

const create = async (displayName: string, fields: object = {}): Promise<Backup> => {
  const { accountId, clusterId } = cloud;
  const { status, body } = await cloud.backups('POST', '/backups', {
    backup: { accountId, clusterId, displayName, ...fields },
  });
  expect(status).toBe(200);
  return body['backup'] as Backup;
};
const list = async (query = ''): Promise<Backup[]> =>
  (await cloud.backups('GET', `/backups${query}`)).body['items'] as Backup[];
const get = async (id: string): Promise<Backup> =>
  (await cloud.backups('GET', `/backups/${id}`)).body['backup'] as Backup;
const ended = (id: string): Promise<Backup> =>
  eventually(
    () => get(id),
    ({ status }) => status !== 'BACKUP_STATUS_RUNNING',
  );
const schedule = async (fields: object): Promise<Record<string, unknown>> => {
  const { accountId, clusterId } = cloud;
  const { body } = await cloud.backups('POST', '/backup_schedules', {
    backupSchedule: { accountId, clusterId, ...fields },
  });
  return body['backupSchedule'] as Record<string, unknown>;
};

describe('backups of the stand-in', () => {
  test('run, then have succeeded, and tell how long it took', async () => {
    const made = await create('by-hand', { retentionPeriod: '86400s' });
    expect(made).toMatchObject({ status: 'BACKUP_STATUS_RUNNING', deletedAt: null, backupDuration: null });
    expect(await ended(made.id)).toMatchObject({
      status: 'BACKUP_STATUS_SUCCEEDED',
      displayName: 'by-hand',
      retentionPeriod: '86400s',
      backupDuration: expect.stringMatching(/^\d+\.\d{3}s$/),
      clusterInfo: { name: 'textbook', configuration: { numberOfNodes: 1 } },
    });
  });

  test('leave no snapshot on the server', async () => {
    await ended((await create('tidy')).id);
    expect(await qdrant.call('GET', '/collections/book/snapshots')).toEqual([]);
  });

  test('without a retention are kept for ever, with one until it is over', async () => {
    const kept = await ended((await create('for-ever')).id);
    const short = await ended((await create('one-day', { retentionPeriod: '86400s' })).id);
    expect(kept.retentionPeriod).toBeUndefined();
    await cloud.clock(23);
    expect((await get(short.id)).deletedAt).toBeNull();
    await cloud.clock(25);
    await eventually(list, (backups) => !backups.some(({ id }) => id === short.id));
    expect((await get(kept.id)).deletedAt).toBeNull();
  });

  test('can be renamed, and in nothing else changed', async () => {
    const { id } = await create('old-name');
    await cloud.backups('PATCH', `/backups/${id}`, { backup: { displayName: 'new-name', retentionPeriod: '86400s' } });
    const renamed = await get(id);
    expect([renamed.displayName, renamed.retentionPeriod]).toEqual(['new-name', undefined]);
  });

  test('are listed with their deletion time until they are gone', async () => {
    const { id } = await ended((await create('short-lived')).id);
    expect((await cloud.backups('DELETE', `/backups/${id}`)).status).toBe(200);
    expect((await get(id)).deletedAt).not.toBeNull();
    await eventually(
      async () => (await cloud.backups('GET', `/backups/${id}`)).status,
      (status) => status === 404,
    );
  });

  test('go on after the stand-in was ended', async () => {
    const { id } = await create('interrupted');
    await cloud.restart();
    expect((await ended(id)).status).toBe('BACKUP_STATUS_SUCCEEDED');
  });

  test('are not made with a key that may only look', async () => {
    const { accountId, clusterId } = cloud;
    const order = { backup: { accountId, clusterId, displayName: 'forbidden' } };
    const { status, body } = await cloud.backups('POST', '/backups', order, LOOKING_KEY);
    expect([status, body['code'], body['details']]).toEqual([403, 7, []]);
    expect(await list()).not.toContainEqual(expect.objectContaining({ displayName: 'forbidden' }));
  });

  test('a page token is good for the filters it was given with', async () => {
    for (const name of ['page-a', 'page-b']) await create(name);
    const { body } = await cloud.backups('GET', `/backups?pageSize=1&clusterId=${cloud.clusterId}`);
    const token = String(body['nextPageToken']);
    expect(body['totalSize']).toBe((await list()).length);
    expect((await cloud.backups('GET', `/backups?pageSize=1&pageToken=${token}`)).status).toBe(400);
  });
});

describe('backup schedules of the stand-in', () => {
  test('make a backup at every time that has come, with their retention', async () => {
    const { id } = await schedule({ schedule: '0 3 * * *', retentionPeriod: '2592000s' });
    await cloud.clock(24);
    const made = await list(`?backupScheduleId=${String(id)}`);
    expect(made).toMatchObject([{ retentionPeriod: '2592000s', backupScheduleId: id }]);
    await cloud.clock(72);
    expect(await list(`?backupScheduleId=${String(id)}`)).toHaveLength(3);
    await cloud.backups('DELETE', `/backup_schedules/${String(id)}?deleteBackups=true`);
    await eventually(
      () => list(`?backupScheduleId=${String(id)}`),
      (backups) => backups.length === 0,
    );
  });

  test('are changed in what the mask names', async () => {
    const { id } = await schedule({ schedule: '0 3 * * *', retentionPeriod: '2592000s' });
    const { clusterId } = cloud;
    const { body } = await cloud.backups('PUT', `/backup_schedules/${String(id)}`, {
      backupSchedule: { id, clusterId, schedule: '0 4 * * *', retentionPeriod: '86400s' },
      updateMask: 'schedule',
    });
    expect(body['backupSchedule']).toMatchObject({ schedule: '0 4 * * *', retentionPeriod: '2592000s' });
    const path = `/backup_schedules/${String(id)}?clusterId=${clusterId}`;
    expect((await cloud.backups('GET', path)).body['backupSchedule']).toEqual(body['backupSchedule']);
    await cloud.backups('DELETE', `/backup_schedules/${String(id)}`);
    await eventually(
      async () => (await cloud.backups('GET', path)).status,
      (status) => status === 404,
    );
  });

  test.each(['61 3 * * *', 'every day', '0 3 * *'])('of "%s" are refused', async (cron) => {
    const { accountId, clusterId } = cloud;
    const asked = { backupSchedule: { accountId, clusterId, schedule: cron } };
    expect((await cloud.backups('POST', '/backup_schedules', asked)).status).toBe(400);
  });
});

describe('what the stand-in does not do', () => {
  test.each([
    ['POST', `/clusters/00000000-0000-4000-8000-000000000000/enable-jwt`],
    ['GET', '/clusters/suggest-name'],
  ])('%s %s is refused as not done', async (method, path) => {
    const { status, body } = await cloud.clusters(method, path);
    expect([status, body['code']]).toEqual([501, 12]);
  });
});
