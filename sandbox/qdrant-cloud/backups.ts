import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { takeCopy } from './copies.ts';
import { messageOf } from './errors.ts';
import type { FaultParameters } from './faults.ts';
import type { Ground } from './ground.ts';
import type { BackupRecord, ClusterRecord } from './model.ts';
import { secondsOf } from './wire.ts';

interface NewBackup {
  readonly clusterId: string;
  readonly displayName: string;
  readonly retentionPeriod: string | null;
  readonly scheduleId?: string;
}

/** Backups are real copies: snapshots of every collection of the cluster's server, with the aliases. */
export class Backups {
  readonly #ground: Ground;
  /** The copy of a cluster that is being made: one at a time. */
  readonly #copying = new Map<string, Promise<void>>();

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  create({ clusterId, displayName, retentionPeriod, scheduleId }: NewBackup): BackupRecord {
    const { state, faults } = this.#ground;
    const cluster = state.cluster(clusterId);
    const older = faults.take('backup-older')?.hours ?? 0;
    const createdAt = new Date(state.now().getTime() - older * 3_600_000).toISOString();
    const { name, cloudProviderId, cloudProviderRegionId, configuration } = cluster;
    const backup: BackupRecord = {
      id: randomUUID(),
      createdAt,
      clusterId,
      name: `${name}-${createdAt.replace(/\D/g, '').slice(0, 14)}`,
      displayName,
      status: 'RUNNING',
      deletedAt: null,
      backupDuration: null,
      backupScheduleId: scheduleId ?? null,
      retentionPeriod,
      clusterInfo: { name, cloudProviderId, cloudProviderRegionId, configuration: { ...configuration } },
    };
    state.backups.push(backup);
    state.save();
    this.#work(backup);
    return backup;
  }

  /** Starts the removal; the backup is listed, with `deletedAt`, until it is done. */
  remove(backup: BackupRecord): void {
    const { state } = this.#ground;
    if (backup.deletedAt !== null) return;
    backup.deletedAt = state.now().toISOString();
    state.save();
    this.#discard(backup);
  }

  /** Removes what is older than its retention. */
  expire(): void {
    const now = this.#ground.state.now().getTime();
    for (const backup of this.#ground.state.backups) {
      const { createdAt, retentionPeriod } = backup;
      if (retentionPeriod !== null && Date.parse(createdAt) + secondsOf(retentionPeriod) * 1_000 <= now)
        this.remove(backup);
    }
  }

  /** Takes up what the end of an earlier process interrupted. */
  takeUp(): void {
    for (const backup of this.#ground.state.backups) {
      if (backup.deletedAt !== null) this.#discard(backup);
      else if (backup.status === 'RUNNING') this.#work(backup);
    }
  }

  folderOf({ id }: BackupRecord): string {
    return join(this.#ground.state.folder, 'backups', id);
  }

  #work(backup: BackupRecord): void {
    const { jobs, faults, delays, state } = this.#ground;
    // It is RUNNING already, and stays so.
    if (faults.take('backup-stalls')) return;
    const fails = faults.take('backup-fails');
    const startedAt = Date.now();
    const before = this.#copying.get(backup.clusterId) ?? Promise.resolve();
    const work = async (): Promise<void> => {
      await before;
      await jobs.pause(delays.backupMs);
      const status = await this.#copy(backup, fails);
      if (jobs.signal.aborted) return;
      backup.status = status;
      backup.backupDuration = `${((Date.now() - startedAt) / 1_000).toFixed(3)}s`;
      state.save();
    };
    void jobs.run(() => {
      const job = work();
      this.#copying.set(
        backup.clusterId,
        job.catch(() => undefined),
      );
      return job;
    });
  }

  async #copy(backup: BackupRecord, fails: FaultParameters | undefined): Promise<BackupRecord['status']> {
    if (fails) return fails.status;
    const cluster = this.#ground.state.clusters.find(({ id }) => id === backup.clusterId);
    if (!cluster || isAsleep(cluster)) return 'SKIPPED';
    try {
      await takeCopy(this.#ground.places.server(cluster), this.folderOf(backup));
      return 'SUCCEEDED';
    } catch (error) {
      this.#ground.tell(`backup ${backup.displayName} failed: ${messageOf(error)}`);
      return 'FAILED';
    }
  }

  #discard(backup: BackupRecord): void {
    const { jobs, delays, state } = this.#ground;
    void jobs.run(async () => {
      await jobs.pause(delays.deleteMs);
      await this.#copying.get(backup.clusterId);
      await rm(this.folderOf(backup), { recursive: true, force: true });
      state.forget(state.backups, backup.id);
    });
  }
}

/** A cluster whose volumes no node has mounted is no target for a backup. */
function isAsleep({ phase }: ClusterRecord): boolean {
  return ['SUSPENDING', 'SUSPENDED', 'FAILED_TO_RESUME', 'DELETING'].includes(phase);
}
