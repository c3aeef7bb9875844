import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '../../support/qdrant-cloud.ts';
import { setStage, type Stage } from './stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage?.close());
afterEach(async () => {
  await stage.cloud.noFaults();
  await stage.cloud.clock(0);
});

const age = (alarmHours = 26) => stage.run((act) => act.newestBackupAge(), { config: { alarmHours } });
/** All backups that were begun have ended. */
const settled = (): Promise<unknown> =>
  eventually(
    async () => (await stage.cloud.backups('GET', '/backups')).body['items'] as { status: string }[],
    (backups) => backups.every(({ status }) => status !== 'BACKUP_STATUS_RUNNING'),
  );

describe('the age of the newest backup', () => {
  test('older than expected is an alarm that says how old it is', async () => {
    await stage.cloud.fault('backup-older', { hours: 48 });
    await stage.run((act) => act.takeManualBackup({ displayName: 'days-ago' }));
    const { newest, ageHours, gates } = await age();
    expect([newest?.displayName, Math.round(ageHours ?? 0)]).toEqual(['days-ago', 48]);
    expect(gates[0]).toMatchObject({ verdict: 'fail', observed: 'days-ago is 48.0 hours old' });
    expect((await age(49)).gates[0]).toMatchObject({ verdict: 'pass' });
  });

  test('a fresh one by hand does not hide a schedule that makes none', async () => {
    // The schedule has been there for two days and silent for all of them.
    await stage.cloud.clock(-48);
    await stage.run((act) => act.ensureBackupSchedule({}));
    await stage.cloud.fault('schedule-silent');
    await stage.cloud.clock(0);
    await stage.run((act) => act.takeManualBackup({ displayName: 'by-hand' }));
    const [byAge, bySchedule] = (await age()).gates;
    expect(byAge).toMatchObject({ verdict: 'pass' });
    expect(bySchedule).toMatchObject({
      verdict: 'fail',
      observed: 'none yet, in the 48.0 hours that the schedule is there',
    });
  });

  test('one by the schedule satisfies both', async () => {
    await stage.cloud.clock(-26);
    await stage.cloud.clock(0);
    await settled();
    expect((await age()).gates.map(({ verdict }) => verdict)).toEqual(['pass', 'pass']);
  });

  test('one from the future proves nothing', async () => {
    await stage.cloud.clock(5);
    await stage.run((act) => act.takeManualBackup({ displayName: 'tomorrow' }));
    expect((await age()).gates[0]).toMatchObject({ verdict: 'unproven' });
  });
});
