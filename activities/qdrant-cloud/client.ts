import { z } from 'zod';
import {
  type Backup,
  backupAnswerSchema,
  backupListSchema,
  type Cluster,
  clusterAnswerSchema,
  type Schedule,
  scheduleAnswerSchema,
  scheduleListSchema,
} from './answers.ts';
import { CloudConnection } from './connection.ts';

/** What a schedule is to be. Retention is in days. */
export interface Wanted {
  readonly cron: string;
  readonly retentionDays: number;
}

/** BackupService, and of ClusterService what waking takes, for one cluster. */
export class QdrantCloudClient extends CloudConnection {
  /** The same client, whose calls end when `signal` does. */
  until(signal: AbortSignal): QdrantCloudClient {
    return new QdrantCloudClient(this.config, this.deadlineMs, signal);
  }

  /** All backups of the cluster, those that are being deleted too, in no particular order. */
  async listBackups(): Promise<Backup[]> {
    const { clusterId } = this.config;
    const all = await this.pages(
      { what: 'list backups', method: 'GET', path: '/backups', query: { clusterId }, answer: backupListSchema },
      'pages of backups',
    );
    // Deletion goes by this list, so what another cluster may have in it does not count.
    return all.filter((backup) => backup.clusterId === clusterId);
  }

  async getBackup(id: string): Promise<Backup> {
    const path = `/backups/${id}`;
    return (await this.call({ what: 'read a backup', method: 'GET', path, answer: backupAnswerSchema })).backup;
  }

  async createBackup(displayName: string, retentionDays: number): Promise<Backup> {
    const { accountId, clusterId } = this.config;
    const backup = { accountId, clusterId, displayName, retentionPeriod: inSeconds(retentionDays) };
    const answer = await this.call({
      what: `create the backup ${displayName}`,
      method: 'POST',
      path: '/backups',
      json: { backup },
      answer: backupAnswerSchema,
      idempotent: false,
    });
    return answer.backup;
  }

  /** Absent is fine. */
  async deleteBackup(id: string): Promise<void> {
    await this.remove({ what: `delete the backup ${id}`, path: `/backups/${id}` });
  }

  /** The schedules of the cluster that are not being deleted, the oldest first. */
  async listSchedules(): Promise<Schedule[]> {
    const { items } = await this.call({
      what: 'list backup schedules',
      method: 'GET',
      path: '/backup_schedules',
      query: { clusterId: this.config.clusterId },
      answer: scheduleListSchema,
    });
    const live = items.filter(({ deletedAt }) => !deletedAt);
    return live.sort((a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt));
  }

  async createSchedule(wanted: Wanted): Promise<Schedule> {
    const call = { what: 'create the backup schedule', method: 'POST', path: '/backup_schedules' } as const;
    const json = { backupSchedule: this.#message(wanted) };
    return (await this.call({ ...call, json, answer: scheduleAnswerSchema, idempotent: false })).backupSchedule;
  }

  /** Changes when it runs and how long its backups are kept, and nothing else. */
  async updateSchedule(id: string, wanted: Wanted): Promise<Schedule> {
    const answer = await this.call({
      what: `change the backup schedule ${id}`,
      method: 'PUT',
      path: `/backup_schedules/${id}`,
      json: { backupSchedule: { id, ...this.#message(wanted) }, updateMask: 'schedule,retentionPeriod' },
      answer: scheduleAnswerSchema,
    });
    return answer.backupSchedule;
  }

  /** How a cluster is, in the service's words. */
  async getCluster(id = this.config.clusterId): Promise<Cluster> {
    const path = `/clusters/${id}`;
    const call = { what: 'read the cluster', service: 'cluster', method: 'GET', path } as const;
    return (await this.call({ ...call, answer: clusterAnswerSchema })).cluster;
  }

  /** Asks for a suspended cluster to go on. It takes minutes. */
  async unsuspend(): Promise<void> {
    const path = `/clusters/${this.config.clusterId}/unsuspend`;
    const call = { what: 'wake the cluster', service: 'cluster', method: 'POST', path } as const;
    await this.call({ ...call, answer: z.unknown(), idempotent: false });
  }

  #message({ cron, retentionDays }: Wanted): object {
    const { accountId, clusterId } = this.config;
    return { accountId, clusterId, schedule: cron, retentionPeriod: inSeconds(retentionDays) };
  }
}

function inSeconds(days: number): string {
  return `${days * 86_400}s`;
}
