import type { Gate } from '../domain/verdict.ts';
import type { Resumable } from './contract.ts';

/** A backup of a whole cluster that Qdrant Cloud keeps. */
export interface CloudBackup {
  readonly id: string;
  readonly displayName: string;
  /** RFC 3339. */
  readonly createdAt: string;
  /** As the service says, which cannot change it later. Null: until somebody deletes it. */
  readonly retentionDays: number | null;
  /** How long it took. */
  readonly seconds: number | null;
  /** Made by a schedule, and not by hand. */
  readonly scheduled: boolean;
}

/** One thing in which the schedule that is there is not the declared one. */
export interface ScheduleDifference {
  readonly field: 'schedule' | 'retention' | 'status';
  readonly declared: string;
  readonly found: string;
}

export interface BackupSchedule {
  readonly id: string;
  readonly outcome: 'created' | 'present' | 'changed';
  readonly differences: ScheduleDifference[];
}

export interface BackupAge {
  readonly newest: CloudBackup | null;
  readonly ageHours: number | null;
  /** Whether the newest is young enough, and whether the schedule still makes some. */
  readonly gates: Gate[];
}

/** Qdrant Cloud's own backups: a second way back, which is not in our store. Only where the configuration names a cluster. */
export interface QdrantCloudActivities {
  /**
   * The declared schedule is there: created when the cluster has none, compared when it has one, and changed only with `change`.
   * @throws QDRANT_CLOUD_*
   */
  ensureBackupSchedule(input: { change?: boolean | undefined }): Promise<BackupSchedule>;
  /**
   * Takes a backup now and waits for it. `displayName` (4 to 64 letters, digits, `-` and `_`) carries the id of the run or the
   * set, so that another attempt finds what this one has begun.
   * @throws QDRANT_CLOUD_BACKUP_FAILED, QDRANT_CLOUD_*
   */
  takeManualBackup(
    input: { displayName: string; retentionDays?: number | undefined } & Resumable,
  ): Promise<CloudBackup>;
  /** Age of the newest backup, judged. @throws QDRANT_CLOUD_* */
  newestBackupAge(): Promise<BackupAge>;
  /** Removes the backups of this name that no schedule made (undo of `takeManualBackup`, retention). Absent is fine. */
  deleteBackup(input: { displayName: string }): Promise<{ deleted: string[] }>;
}
