import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type CloudUnderTest, eventually, startCloud } from '../../support/qdrant-cloud.ts';
import { freePort } from '../../support/ports.ts';

let cloud: CloudUnderTest;
beforeAll(async () => {
  // Nobody listens there: what these switches do needs no server.
  cloud = await startCloud({ url: `http://127.0.0.1:${await freePort()}` });
});
afterEach(async () => {
  await cloud.noFaults();
  await cloud.clock(0);
});
afterAll(() => cloud?.stop());

const statusOf = async (path = '/backups'): Promise<number> => (await cloud.backups('GET', path)).status;
const order = async (displayName: string): Promise<{ id: string; createdAt: string; status: string }> => {
  const { accountId, clusterId } = cloud;
  const { body } = await cloud.backups('POST', '/backups', { backup: { accountId, clusterId, displayName } });
  return body['backup'] as { id: string; createdAt: string; status: string };
};
const backup = async (id: string): Promise<Record<string, unknown>> =>
  (await cloud.backups('GET', `/backups/${id}`)).body['backup'] as Record<string, unknown>;
const names = async (): Promise<string[]> =>
  ((await cloud.backups('GET', '/backups')).body['items'] as { displayName: string }[]).map((one) => one.displayName);
const phaseOf = async (id: string): Promise<unknown> => {
  const { body } = await cloud.clusters('GET', `/clusters/${id}`);
  return (body['cluster'] as { state: { phase: string } }).state.phase;
};

describe('fault switches of the stand-in', () => {
  test('refuse a name, a parameter and a pattern that they do not know', async () => {
    await expect(cloud.fault('earthquake')).rejects.toThrow('400');
    await expect(cloud.fault('hang', { minutes: 1 })).rejects.toThrow('minutes');
    await expect(cloud.fault('hang', { path: '(' })).rejects.toThrow('path');
  });

  test('rate-limit answers 429, with Retry-After or without, as often as told', async () => {
    await cloud.fault('rate-limit', { retry_after: 7, count: 1 });
    const { status, headers, body } = await cloud.backups('GET', '/backups');
    expect([status, headers.get('retry-after'), body['code']]).toEqual([429, '7', 8]);
    expect(await statusOf()).toBe(200);
    await cloud.fault('rate-limit', { retry_after: null });
    expect((await cloud.backups('GET', '/backups')).headers.get('retry-after')).toBeNull();
  });

  test('unavailable answers 503 where method and path match', async () => {
    await cloud.fault('unavailable', { path: '/backup_schedules$', method: 'get' });
    expect([await statusOf('/backup_schedules'), await statusOf()]).toEqual([503, 200]);
  });

  test('hang drops the connection in the end', async () => {
    await cloud.fault('hang', { seconds: 0.05, count: 1 });
    await expect(statusOf()).rejects.toThrow('fetch failed');
    expect(await statusOf()).toBe(200);
  });

  test('lost-response does the work and never answers', async () => {
    await cloud.fault('lost-response', { method: 'POST', count: 1 });
    await expect(order('unheard-of')).rejects.toThrow('fetch failed');
    expect(await names()).toContain('unheard-of');
  });

  test('backup-fails ends a backup as it is told', async () => {
    await cloud.fault('backup-fails', { status: 'FAILED_TO_SYNC', count: 1 });
    const { id } = await order('doomed');
    const ended = await eventually(
      () => backup(id),
      ({ status }) => status !== 'BACKUP_STATUS_RUNNING',
    );
    expect(ended['status']).toBe('BACKUP_STATUS_FAILED_TO_SYNC');
  });

  test('a backup whose server is away fails without any switch', async () => {
    const { id } = await order('nobody-there');
    await eventually(
      () => backup(id),
      ({ status }) => status === 'BACKUP_STATUS_FAILED',
    );
  });

  test('backup-older makes backups look old', async () => {
    await cloud.fault('backup-older', { hours: 72 });
    const { createdAt } = await order('ancient');
    expect(Math.round((Date.now() - Date.parse(createdAt)) / 3_600_000)).toBe(72);
  });

  test('schedule-silent leaves a schedule ACTIVE and makes nothing', async () => {
    const { accountId, clusterId } = cloud;
    const asked = { backupSchedule: { accountId, clusterId, schedule: '@daily', displayName: 'nightly' } };
    const { body } = await cloud.backups('POST', '/backup_schedules', asked);
    expect(body['backupSchedule']).toMatchObject({ status: 'BACKUP_SCHEDULE_STATUS_ACTIVE' });
    await cloud.fault('schedule-silent');
    await cloud.clock(24);
    expect((await names()).filter((name) => name.startsWith('nightly'))).toEqual([]);
    await cloud.noFaults();
    await cloud.clock(48);
    expect((await names()).filter((name) => name.startsWith('nightly'))).toHaveLength(1);
  });

  test('create-fails and resume-fails end a cluster in the phase of that name, with a reason', async () => {
    await cloud.fault('create-fails', { count: 1 });
    const configuration = { numberOfNodes: 1, packageId: '7c939d96-d671-4051-aa16-3b8b7130fa42' };
    const asked = { name: 'fresh', cloudProviderId: 'aws', cloudProviderRegionId: 'eu-central-1', configuration };
    const { body } = await cloud.clusters('POST', '/clusters', { cluster: asked });
    const { id } = body['cluster'] as { id: string };
    await eventually(
      () => phaseOf(id),
      (phase) => phase === 'CLUSTER_PHASE_FAILED_TO_CREATE',
    );
    await cloud.clusters('POST', `/clusters/${cloud.clusterId}/suspend`);
    await eventually(
      () => phaseOf(cloud.clusterId),
      (phase) => phase === 'CLUSTER_PHASE_SUSPENDED',
    );
    await cloud.fault('resume-fails', { count: 1 });
    await cloud.clusters('POST', `/clusters/${cloud.clusterId}/unsuspend`);
    await eventually(
      () => phaseOf(cloud.clusterId),
      (phase) => phase === 'CLUSTER_PHASE_FAILED_TO_RESUME',
    );
    // It can be tried again.
    await cloud.clusters('POST', `/clusters/${cloud.clusterId}/unsuspend`);
    expect(await phaseOf(cloud.clusterId)).toBe('CLUSTER_PHASE_RESUMING');
  });
});
