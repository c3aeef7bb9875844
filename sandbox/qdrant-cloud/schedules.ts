import { Cron } from 'croner';
import { randomUUID } from 'node:crypto';
import type { Backups } from './backups.ts';
import { CloudError, messageOf } from './errors.ts';
import type { Ground } from './ground.ts';
import type { ScheduleRecord } from './model.ts';

/** When the clock is moved far ahead, so many of the due backups are made at most: they all would hold the same. */
const MOST_AT_ONCE = 50;

/** Backup schedules. They go by the stand-in's clock, in UTC. */
export class Schedules {
  readonly #ground: Ground;
  readonly #backups: Backups;

  constructor(ground: Ground, backups: Backups) {
    this.#ground = ground;
    this.#backups = backups;
  }

  create(fields: Pick<ScheduleRecord, 'clusterId' | 'schedule' | 'displayName' | 'retentionPeriod'>): ScheduleRecord {
    const { state } = this.#ground;
    state.cluster(fields.clusterId);
    checkCron(fields.schedule);
    const createdAt = state.now().toISOString();
    const schedule: ScheduleRecord = { ...fields, id: randomUUID(), createdAt, deletedAt: null, status: 'ACTIVE' };
    state.schedules.push(schedule);
    state.save();
    return schedule;
  }

  update(schedule: ScheduleRecord, changes: Partial<ScheduleRecord>): ScheduleRecord {
    if (changes.schedule !== undefined) checkCron(changes.schedule);
    Object.assign(schedule, changes);
    this.#ground.state.save();
    return schedule;
  }

  remove(schedule: ScheduleRecord, deleteBackups: boolean): void {
    const { state } = this.#ground;
    if (deleteBackups)
      for (const backup of state.backups) if (backup.backupScheduleId === schedule.id) this.#backups.remove(backup);
    if (schedule.deletedAt !== null) return;
    schedule.deletedAt = state.now().toISOString();
    state.save();
    this.#discard(schedule);
  }

  takeUp(): void {
    for (const schedule of this.#ground.state.schedules) if (schedule.deletedAt !== null) this.#discard(schedule);
  }

  /** Makes the backups that have become due since the last look. */
  look(): void {
    const { state } = this.#ground;
    const now = state.now();
    const since = new Date(state.lookedAt ?? now);
    state.lookedAt = now.toISOString();
    for (const schedule of state.schedules) {
      const from = new Date(Math.max(since.getTime(), Date.parse(schedule.createdAt)));
      for (const due of dueTimes(schedule, from, now)) this.#run(schedule, due);
    }
  }

  #run(schedule: ScheduleRecord, due: Date): void {
    if (this.#ground.faults.take('schedule-silent')) return;
    const { id, clusterId, retentionPeriod, displayName } = schedule;
    const stamp = due.toISOString().replace(/\D/g, '').slice(0, 14);
    this.#backups.create({
      clusterId,
      retentionPeriod,
      scheduleId: id,
      displayName: `${(displayName ?? 'scheduled').slice(0, 48)}-${stamp}`,
    });
  }

  #discard(schedule: ScheduleRecord): void {
    const { jobs, delays, state } = this.#ground;
    void jobs.run(async () => {
      await jobs.pause(delays.deleteMs);
      state.forget(state.schedules, schedule.id);
    });
  }
}

function dueTimes({ schedule, status, deletedAt }: ScheduleRecord, from: Date, to: Date): Date[] {
  if (status !== 'ACTIVE' || deletedAt !== null) return [];
  return cronOf(schedule)
    .nextRuns(MOST_AT_ONCE, from)
    .filter((due) => due <= to);
}

function cronOf(schedule: string): Cron {
  return new Cron(schedule, { timezone: 'UTC' });
}

function checkCron(schedule: string): void {
  if (/^@(every|reboot)\b/.test(schedule))
    throw new CloudError('UNIMPLEMENTED', `the stand-in does not know the schedule "${schedule}"`);
  try {
    cronOf(schedule);
  } catch (error) {
    throw new CloudError('INVALID_ARGUMENT', `backup_schedule.schedule: ${messageOf(error)}`);
  }
}
