import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { freePort } from '../../support/ports.ts';
import { type CloudUnderTest, eventually, startCloud } from '../../support/qdrant-cloud.ts';
import { createQdrantCloudActivities } from '../../../activities/qdrant-cloud/index.ts';
import type { QdrantCloudActivities } from '../../../activities/qdrant-cloud-contract.ts';
import { withFailures } from '../../../activities/fail.ts';
import { activityEnvironment } from './stage.ts';

let cloud: CloudUnderTest;
beforeEach(async () => {
  cloud = await startCloud({ url: `http://127.0.0.1:${await freePort()}` });
});
afterEach(() => cloud?.stop());

const run = <R>(use: (act: QdrantCloudActivities) => Promise<R>, config: object = {}): Promise<R> => {
  const patience = { answerMs: 10_000, lookMs: 1_000, pollMs: 10 };
  const act = withFailures(createQdrantCloudActivities({ config: cloud.config(config), patience }));
  return activityEnvironment().run(() => use(act));
};
const ensure = (config: object = {}, change = false) => run((act) => act.ensureBackupSchedule({ change }), config);
const schedules = async (): Promise<Record<string, unknown>[]> =>
  (await cloud.backups('GET', '/backup_schedules')).body['items'] as Record<string, unknown>[];
const make = (fields: object): Promise<unknown> => {
  const { accountId, clusterId } = cloud;
  return cloud.backups('POST', '/backup_schedules', { backupSchedule: { accountId, clusterId, ...fields } });
};

describe('the declared backup schedule', () => {
  test('is created where there is none: daily, kept for 30 days', async () => {
    const { outcome, differences, id } = await ensure();
    expect([outcome, differences]).toEqual(['created', []]);
    expect(await schedules()).toMatchObject([{ id, schedule: '0 3 * * *', retentionPeriod: '2592000s' }]);
    expect(await ensure()).toEqual({ id, outcome: 'present', differences: [] });
  });

  test('is not made twice when the answer is lost', async () => {
    await cloud.fault('lost-response', { method: 'POST', count: 1 });
    expect(await ensure()).toMatchObject({ outcome: 'created' });
    expect(await schedules()).toHaveLength(1);
  });

  test('is the same in other words', async () => {
    await make({ schedule: '@daily', retentionPeriod: '2592000s' });
    expect(await ensure({ schedule: { cron: '0 0 * * *' } })).toMatchObject({ outcome: 'present', differences: [] });
  });

  test('that is another is told, and left alone', async () => {
    await make({ schedule: '0 5 * * 1' });
    expect(await ensure()).toMatchObject({
      outcome: 'present',
      differences: [
        { field: 'schedule', declared: '0 3 * * *', found: '0 5 * * 1' },
        { field: 'retention', declared: '30 days', found: 'for ever' },
      ],
    });
    expect(await schedules()).toMatchObject([{ schedule: '0 5 * * 1' }]);
  });

  test('that is another is changed where that is asked for', async () => {
    await make({ schedule: '0 5 * * 1', displayName: 'theirs' });
    expect(await ensure({}, true)).toMatchObject({ outcome: 'changed', differences: [] });
    expect(await schedules()).toMatchObject([
      { schedule: '0 3 * * *', retentionPeriod: '2592000s', displayName: 'theirs' },
    ]);
  });

  test('is looked for among several', async () => {
    await make({ schedule: '0 5 * * 1', retentionPeriod: '86400s' });
    await make({ schedule: '0 3 * * *', retentionPeriod: '2592000s' });
    expect(await ensure()).toMatchObject({ outcome: 'present', differences: [] });
    expect(await schedules()).toHaveLength(2);
  });

  test('that is being deleted is none', async () => {
    const { id } = await ensure();
    await cloud.backups('DELETE', `/backup_schedules/${id}`);
    expect(await ensure()).toMatchObject({ outcome: 'created', id: expect.not.stringMatching(id) });
  });
});

describe('the newest backup', () => {
  const age = (config: object = {}) => run((act) => act.newestBackupAge(), config);
  const backUp = async (displayName: string): Promise<void> => {
    const { accountId, clusterId } = cloud;
    await cloud.backups('POST', '/backups', { backup: { accountId, clusterId, displayName } });
    await eventually(
      async () => (await cloud.backups('GET', '/backups')).body['items'] as { status: string }[],
      (backups) => backups.every(({ status }) => status !== 'BACKUP_STATUS_RUNNING'),
    );
  };

  test('that is not there is an alarm, and so is no schedule', async () => {
    expect(await age()).toMatchObject({
      newest: null,
      ageHours: null,
      gates: [{ verdict: 'fail' }, { verdict: 'fail', observed: 'the cluster has no backup schedule' }],
    });
  });

  test('does not count when it failed', async () => {
    await backUp('failed');
    expect(await age()).toMatchObject({ newest: null });
  });

  test('is not missed of a schedule that has had no time yet', async () => {
    await ensure();
    expect((await age()).gates[1]).toMatchObject({ verdict: 'pass', observed: expect.stringContaining('none yet') });
  });
});
