import type { Gate } from '../../domain/verdict.ts';
import type { BackupAge } from '../qdrant-cloud-contract.ts';
import type { Backup, Schedule } from './answers.ts';
import { describeBackup, wholeBackups } from './backup.ts';
import type { Tools } from './tools.ts';

const HOUR_MS = 3_600_000;
/** Clocks of two machines differ by a little. */
const SKEW_HOURS = 0.1;

/**
 * How old the newest backup is that could be restored from, judged by `alarmHours`; and whether the schedule still makes
 * some, since one by hand would hide that it does not.
 * @throws QDRANT_CLOUD_UNREACHABLE, _DENIED, _REFUSED
 */
export async function newestBackupAge(
  { client: shared, config }: Tools,
  signal: AbortSignal,
  now: Date = new Date(),
): Promise<BackupAge> {
  const client = shared.until(signal);
  const good = await wholeBackups(client);
  const schedules = await client.listSchedules();
  const newest = good[0];
  const scheduled = good.find(({ backupScheduleId }) => backupScheduleId);
  return {
    newest: newest ? describeBackup(newest) : null,
    ageHours: newest ? ageOf(newest, now) : null,
    gates: [judgeAge(newest, config.alarmHours, now), judgeSchedule(scheduled, schedules[0], config.alarmHours, now)],
  };
}

function judgeAge(newest: Backup | undefined, alarmHours: number, now: Date): Gate {
  const name = 'Qdrant Cloud: newest backup';
  const expected = `at most ${alarmHours} hours old`;
  if (!newest) return { name, verdict: 'fail', expected, observed: 'no backup has succeeded' };
  const observed = `${newest.displayName ?? newest.id} is ${hours(ageOf(newest, now))} old`;
  return { name, verdict: judge(ageOf(newest, now), alarmHours), expected, observed };
}

function judgeSchedule(made: Backup | undefined, schedule: Schedule | undefined, alarmHours: number, now: Date): Gate {
  const name = 'Qdrant Cloud: backups by schedule';
  const expected = `at most ${alarmHours} hours without one`;
  if (!schedule) return { name, verdict: 'fail', expected, observed: 'the cluster has no backup schedule' };
  // One that has made none yet is judged by how long it has had the time to.
  const age = ageOf(made ?? schedule, now);
  const observed = made
    ? `the last one ${hours(age)} ago`
    : `none yet, in the ${hours(age)} that the schedule is there`;
  return { name, verdict: judge(age, alarmHours), expected, observed };
}

/** A backup from the future says that clocks differ, and its age nothing. */
function judge(age: number, alarmHours: number): Gate['verdict'] {
  if (age < -SKEW_HOURS) return 'unproven';
  return age <= alarmHours ? 'pass' : 'fail';
}

/** In hours. */
export function ageOf({ createdAt }: { createdAt: string }, now: Date): number {
  return (now.getTime() - Date.parse(createdAt)) / HOUR_MS;
}

function hours(age: number): string {
  return `${age.toFixed(1)} hours`;
}
