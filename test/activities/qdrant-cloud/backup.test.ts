import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { freePort } from '../../support/ports.ts';
import { eventually } from '../../support/qdrant-cloud.ts';
import { activityEnvironment, setStage, type Stage } from './stage.ts';

interface Listed {
  readonly id: string;
  readonly displayName: string;
  readonly status: string;
}

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage?.close());
afterEach(() => stage.cloud.noFaults());

const CREATE = { path: '/backups$', method: 'POST', count: 1 };
const named = async (displayName: string): Promise<Listed[]> => {
  const { body } = await stage.cloud.backups('GET', '/backups');
  return (body['items'] as Listed[]).filter((backup) => backup.displayName === displayName);
};
const take = (displayName: string, overrides?: Parameters<Stage['run']>[1]) =>
  stage.run((act) => act.takeManualBackup({ displayName }), overrides);

describe('a backup by hand', () => {
  test('is waited for, kept as long as declared, and read back from the list', async () => {
    const backup = await stage.run((act) => act.takeManualBackup({ displayName: 'set-1' }), {
      config: { schedule: { retentionDays: 7 } },
    });
    expect(backup).toEqual({
      id: expect.any(String),
      displayName: 'set-1',
      createdAt: expect.any(String),
      retentionDays: 7,
      seconds: expect.any(Number),
      scheduled: false,
    });
    expect(await named('set-1')).toMatchObject([{ id: backup.id, status: 'BACKUP_STATUS_SUCCEEDED' }]);
    expect(stage.beats.at(-1)).toEqual({ phase: 'Qdrant Cloud backup set-1', done: 1, total: 1 });
  });

  test('of this run that is there already is adopted, not made again', async () => {
    const first = await take('set-2');
    expect(await take('set-2')).toEqual(first);
  });

  test('whose answer was lost is found by its name', async () => {
    await stage.cloud.fault('lost-response', CREATE);
    expect(await take('set-3')).toMatchObject({ displayName: 'set-3' });
    expect(await named('set-3')).toHaveLength(1);
  });

  test('whose order never arrived is an outage in the end, and nothing is left', async () => {
    await stage.cloud.fault('hang', { ...CREATE, seconds: 5 });
    await expect(take('set-4', { patience: { answerMs: 200, lookMs: 100 } })).rejects.toMatchObject({
      type: 'QDRANT_CLOUD_UNREACHABLE',
      message: expect.stringContaining('set-4'),
    });
    expect(await named('set-4')).toEqual([]);
  });

  test.each([['rate-limit'], ['unavailable']])('is ordered again over %s', async (fault) => {
    await stage.cloud.fault(fault, { ...CREATE, count: 2, ...(fault === 'rate-limit' ? { retry_after: null } : {}) });
    await take(`over-${fault}`);
    expect(await named(`over-${fault}`)).toHaveLength(1);
  });

  test('a wait that the service asks for and that is long is left to the run', async () => {
    await stage.cloud.fault('rate-limit', { retry_after: 600 });
    await expect(take('set-5')).rejects.toMatchObject({ type: 'QDRANT_CLOUD_UNREACHABLE' });
  });

  test.each(['FAILED', 'SKIPPED', 'FAILED_TO_SYNC'])('that ends as %s is a failure of that name', async (status) => {
    await stage.cloud.fault('backup-fails', { status, count: 1 });
    await expect(take(`bad-${status}`)).rejects.toMatchObject({
      type: 'QDRANT_CLOUD_BACKUP_FAILED',
      message: expect.stringContaining(`bad-${status} ended as ${status}`),
    });
  });

  test('that failed is made again when the step is tried again', async () => {
    await stage.cloud.fault('backup-fails', { count: 1 });
    await expect(take('set-6')).rejects.toMatchObject({ type: 'QDRANT_CLOUD_BACKUP_FAILED' });
    const { id } = await take('set-6');
    const statuses = (await named('set-6')).map((one) => [one.id === id, one.status]).sort();
    expect(statuses).toEqual([
      [false, 'BACKUP_STATUS_FAILED'],
      [true, 'BACKUP_STATUS_SUCCEEDED'],
    ]);
  });

  test('that does not end is told after the time it may take', async () => {
    await stage.cloud.fault('backup-stalls', { count: 1 });
    await expect(take('set-7', { patience: { backupMs: 60 } })).rejects.toMatchObject({
      type: 'QDRANT_CLOUD_BACKUP_FAILED',
      message: expect.stringContaining('RUNNING still'),
    });
  });

  test('that somebody deletes meanwhile is told', async () => {
    await stage.cloud.fault('backup-stalls', { count: 1 });
    const taken = take('set-8').catch((error: unknown) => error);
    const [backup] = await eventually(
      () => named('set-8'),
      (found) => found.length === 1,
    );
    await stage.cloud.backups('DELETE', `/backups/${backup?.id}`);
    expect(await taken).toMatchObject({ type: 'QDRANT_CLOUD_BACKUP_FAILED' });
  });

  test('is no longer waited for when the activity is cancelled', async () => {
    await stage.cloud.fault('backup-stalls', { count: 1 });
    const environment = activityEnvironment();
    const taken = take('set-9', { environment }).catch((error: unknown) => error);
    await eventually(
      () => named('set-9'),
      (found) => found.length === 1,
    );
    environment.cancel();
    expect(await taken).toMatchObject({ name: 'CancelledFailure' });
  });

  test('of a name that the service does not take is refused with its words', async () => {
    await expect(take('two words')).rejects.toMatchObject({
      type: 'QDRANT_CLOUD_REFUSED',
      message: expect.stringMatching(/400 .*displayName/),
    });
  });

  test('with a wrong key is refused, and the key is not told', async () => {
    const failure: unknown = await take('set-10', { config: { apiKey: 'wrong-key-0815' } }).catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ type: 'QDRANT_CLOUD_DENIED' });
    expect(JSON.stringify(failure) + String(failure)).not.toContain('0815');
  });

  test('with nobody there is an outage', async () => {
    const config = { url: `http://127.0.0.1:${await freePort()}` };
    await expect(take('set-11', { config })).rejects.toMatchObject({ type: 'QDRANT_CLOUD_UNREACHABLE' });
  });
});

describe('deleting a backup', () => {
  const remove = (displayName: string) => stage.run((act) => act.deleteBackup({ displayName }));

  test('takes all of that name away, and does so as often as asked', async () => {
    const { id } = await take('undo-1');
    expect(await remove('undo-1')).toEqual({ deleted: [id] });
    expect(await remove('undo-1')).toEqual({ deleted: [] });
  });

  test('goes on where an answer was lost', async () => {
    await take('undo-2');
    await stage.cloud.fault('lost-response', { method: 'DELETE', count: 1 });
    await expect(remove('undo-2')).rejects.toMatchObject({ type: 'QDRANT_CLOUD_UNREACHABLE' });
    expect(await remove('undo-2')).toEqual({ deleted: [] });
    expect((await named('undo-2')).filter((one) => 'deletedAt' in one && one.deletedAt === null)).toEqual([]);
  });

  test('leaves backups of other names and of the schedule alone', async () => {
    const { accountId, clusterId } = stage.cloud;
    const asked = { backupSchedule: { accountId, clusterId, schedule: '0 3 * * *', displayName: 'nightly' } };
    await stage.cloud.backups('POST', '/backup_schedules', asked);
    await stage.cloud.clock(24);
    const { body } = await stage.cloud.backups('GET', '/backups');
    const names = (body['items'] as Listed[]).map((one) => one.displayName);
    const scheduled = names.find((name) => name.startsWith('nightly'));
    expect(await remove(String(scheduled))).toEqual({ deleted: [] });
    expect(await named(String(scheduled))).toHaveLength(1);
  });
});
