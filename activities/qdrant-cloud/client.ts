import { z } from 'zod';
import type { QdrantCloudConfig } from '../../config/qdrant-cloud.ts';
import { exchange, NoReply, type Reply, type Request } from '../exchange.ts';
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
import { CloudFailure, failureOfAnswer, failureOfSilence } from './failure.ts';
import { overBlips } from './retry.ts';

const DEADLINE_MS = 30_000;
/** The largest that the API takes. */
const PAGE = 250;

interface Call<T> {
  /** What is being done, for messages. */
  readonly what: string;
  /** Default: the one of backups. */
  readonly service?: 'backup' | 'cluster';
  readonly method: Request['method'];
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly answer: z.ZodType<T>;
  /** False for what must not be done twice. */
  readonly idempotent?: boolean;
}

/** What a schedule is to be. Retention is in days. */
export interface Wanted {
  readonly cron: string;
  readonly retentionDays: number;
}

/**
 * BackupService of Qdrant Cloud's management API, and of ClusterService what waking takes, for one cluster. Reads are repeated over a blip; what writes is sent once,
 * except a deletion. Thrown: CloudFailure with QDRANT_CLOUD_UNREACHABLE, _DENIED or _REFUSED.
 */
export class QdrantCloudClient {
  readonly config: QdrantCloudConfig;
  readonly #deadlineMs: number;
  readonly #signal: AbortSignal | undefined;

  constructor(config: QdrantCloudConfig, deadlineMs = DEADLINE_MS, signal?: AbortSignal) {
    this.config = config;
    this.#deadlineMs = deadlineMs;
    this.#signal = signal;
  }

  /** The same client, whose calls end when `signal` does. */
  until(signal: AbortSignal): QdrantCloudClient {
    return new QdrantCloudClient(this.config, this.#deadlineMs, signal);
  }

  /** All backups of the cluster, those that are being deleted too, in no particular order. */
  async listBackups(): Promise<Backup[]> {
    const { clusterId } = this.config;
    const all: Backup[] = [];
    const seen = new Set<string>();
    for (let pageToken = ''; ;) {
      const query = { clusterId, pageSize: String(PAGE), ...(pageToken ? { pageToken } : {}) };
      const call = { what: 'list backups', method: 'GET', path: '/backups', query, answer: backupListSchema } as const;
      const { items, nextPageToken } = await this.#call(call);
      // Deletion goes by this list, so what another cluster may have in it does not count.
      all.push(...items.filter((backup) => backup.clusterId === clusterId));
      if (!nextPageToken) return all;
      if (seen.has(nextPageToken))
        throw new CloudFailure('QDRANT_CLOUD_REFUSED', 'Qdrant Cloud, list backups: pages repeat');
      seen.add(nextPageToken);
      pageToken = nextPageToken;
    }
  }

  async getBackup(id: string): Promise<Backup> {
    const path = `/backups/${id}`;
    return (await this.#call({ what: 'read a backup', method: 'GET', path, answer: backupAnswerSchema })).backup;
  }

  async createBackup(displayName: string, retentionDays: number): Promise<Backup> {
    const { accountId, clusterId } = this.config;
    const backup = { accountId, clusterId, displayName, retentionPeriod: inSeconds(retentionDays) };
    const answer = await this.#call({
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
    const what = `delete the backup ${id}`;
    try {
      await this.#call({ what, method: 'DELETE', path: `/backups/${id}`, answer: z.unknown() });
    } catch (error) {
      if (!(error instanceof CloudFailure && error.status === 404)) throw error;
    }
  }

  /** The schedules of the cluster that are not being deleted, the oldest first. */
  async listSchedules(): Promise<Schedule[]> {
    const { items } = await this.#call({
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
    return (await this.#call({ ...call, json, answer: scheduleAnswerSchema, idempotent: false })).backupSchedule;
  }

  /** Changes when it runs and how long its backups are kept, and nothing else. */
  async updateSchedule(id: string, wanted: Wanted): Promise<Schedule> {
    const answer = await this.#call({
      what: `change the backup schedule ${id}`,
      method: 'PUT',
      path: `/backup_schedules/${id}`,
      json: { backupSchedule: { id, ...this.#message(wanted) }, updateMask: 'schedule,retentionPeriod' },
      answer: scheduleAnswerSchema,
    });
    return answer.backupSchedule;
  }

  /** How the cluster is, in the service's words. */
  async getCluster(): Promise<Cluster> {
    const path = `/clusters/${this.config.clusterId}`;
    const call = { what: 'read the cluster', service: 'cluster', method: 'GET', path } as const;
    return (await this.#call({ ...call, answer: clusterAnswerSchema })).cluster;
  }

  /** Asks for a suspended cluster to go on. It takes minutes. */
  async unsuspend(): Promise<void> {
    const path = `/clusters/${this.config.clusterId}/unsuspend`;
    const call = { what: 'wake the cluster', service: 'cluster', method: 'POST', path } as const;
    await this.#call({ ...call, answer: z.unknown(), idempotent: false });
  }

  #message({ cron, retentionDays }: Wanted): object {
    const { accountId, clusterId } = this.config;
    return { accountId, clusterId, schedule: cron, retentionPeriod: inSeconds(retentionDays) };
  }

  #call<T>(call: Call<T>): Promise<T> {
    const once = async (): Promise<T> => understand(call, await this.#send(call));
    return call.idempotent === false ? once() : overBlips(once, this.#signal);
  }

  async #send({ what, service, method, path, query, json }: Call<unknown>): Promise<Reply> {
    const { url, accountId, apiKey } = this.config;
    const target = new URL(
      `${url.replace(/\/+$/, '')}/api/${service === 'cluster' ? 'cluster/v1' : 'cluster/backup/v1'}/accounts/${accountId}${path}`,
    );
    for (const [name, value] of Object.entries(query ?? {})) target.searchParams.set(name, value);
    const headers = { authorization: `apikey ${apiKey.reveal()}` };
    try {
      return await exchange({
        url: target,
        method,
        headers,
        json,
        deadlineMs: this.#deadlineMs,
        signal: this.#signal,
      });
    } catch (error) {
      throw error instanceof NoReply ? failureOfSilence(what, error) : error;
    }
  }
}

function inSeconds(days: number): string {
  return `${days * 86_400}s`;
}

function understand<T>({ what, answer }: Call<T>, { status, headers, text }: Reply): T {
  if (status < 200 || status >= 300) throw failureOfAnswer(what, status, text, headers.get('retry-after'));
  const parsed = answer.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'answer'}: ${message}`);
  const said = fields.slice(0, 3).join('; ');
  throw new CloudFailure(
    'QDRANT_CLOUD_REFUSED',
    `Qdrant Cloud, ${what}: an answer that we do not understand (${said})`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
