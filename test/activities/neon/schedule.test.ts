import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { compareSchedule } from '../../../activities/neon/schedule.ts';
import { setStage, type Stage } from './stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage?.close());
afterEach(() => stage.neon.noFaults());

const declared = { frequency: 'daily', hour: 3, retentionDays: 30 } as const;
const DAY_S = 86_400;
const found = { frequency: 'daily', hour: 3, retention_seconds: 30 * DAY_S };
const check = (config: object = { snapshotSchedule: declared }) =>
  stage.run((act) => act.checkSnapshotSchedule(), { config });
const setSchedule = (...schedule: object[]) =>
  stage.neon.client.setSnapshotSchedule(stage.neon.id, stage.main, { schedule: schedule as (typeof found)[] });

describe('Neon’s snapshot schedule', () => {
  test('is not looked at where none is declared', async () => {
    expect(await check({})).toEqual([]);
  });

  test('passes when it is as declared', async () => {
    await setSchedule(found);
    const expected = 'daily at 03:00 UTC, kept 30 days';
    expect(await check()).toEqual([{ name: 'Neon: snapshot schedule', verdict: 'pass', expected, observed: expected }]);
  });

  test('fails with what differs, in words', async () => {
    await setSchedule({ frequency: 'weekly', hour: 4, retention_seconds: 7 * DAY_S });
    expect(await check()).toMatchObject([
      { verdict: 'fail', observed: 'weekly, not daily; at 04:00 UTC, not at 03:00 UTC; kept 7 days, not 30' },
    ]);
  });

  test('fails when there is none', async () => {
    await setSchedule();
    expect(await check()).toMatchObject([{ verdict: 'fail', observed: 'no schedule' }]);
  });

  test('is unproven where the API does not tell it', async () => {
    await stage.neon.fault('not-found', { path: '/backup_schedule$' });
    expect(await check()).toMatchObject([{ verdict: 'unproven', observed: expect.stringContaining('404') }]);
  });

  test('is unproven of a branch that can have none', async () => {
    const { data } = await stage.neon.client.createProjectBranch(stage.neon.id, { branch: { name: 'child' } });
    await stage.idle();
    const gates = await check({ snapshotSchedule: declared, branchId: data.branch.id });
    expect(gates).toMatchObject([{ verdict: 'unproven', observed: expect.stringContaining('only root branches') }]);
  });

  test('is an outage while nobody answers, and no verdict', async () => {
    await stage.neon.fault('hang', { path: '/backup_schedule$', seconds: 0.1 });
    await expect(check()).rejects.toMatchObject({ type: 'NEON_UNREACHABLE' });
  });
});

test('of several items the closest one counts, and what is not told is unproven', () => {
  const weekly = { ...found, frequency: 'weekly' };
  expect(compareSchedule([weekly, found], declared).verdict).toBe('pass');
  expect(compareSchedule([weekly, { ...found, retention_seconds: undefined }], declared)).toMatchObject({
    verdict: 'unproven',
    observed: 'how long they are kept is not told',
  });
});
