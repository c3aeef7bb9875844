import { RecoveryError } from '../../domain/failures.ts';
import type { CloudBackup } from '../qdrant-cloud-contract.ts';
import type { Work } from '../progress.ts';
import type { Backup } from './answers.ts';
import type { QdrantCloudClient } from './client.ts';
import { CloudFailure } from './failure.ts';
import { overBlips } from './retry.ts';
import { sleep } from '../sleep.ts';
import { makeOrFind } from './shows-up.ts';
import type { Tools } from './tools.ts';

const DAY_S = 86_400;
/** What has not come to an end. The first is also how a status reads that the service has not decided on. */
const UNDECIDED = ['UNSPECIFIED', 'UNKNOWN', 'RUNNING'];

interface Order {
  readonly displayName: string;
  readonly retentionDays: number;
}

/**
 * Takes a backup of the whole cluster and waits until it is there. The name makes it this run's: one of that name that runs
 * or has succeeded is adopted. One that failed is left alone, and another is made.
 * @throws QDRANT_CLOUD_BACKUP_FAILED, QDRANT_CLOUD_UNREACHABLE, _DENIED, _REFUSED
 */
export async function takeManualBackup(tools: Tools, order: Order, work: Work): Promise<CloudBackup> {
  const { signal, report } = work;
  const client = tools.client.until(signal);
  const phase = `Qdrant Cloud backup ${order.displayName}`;
  report({ phase, done: 0, total: 1 });
  const { id } = (await find(client, order)) ?? (await create(tools, client, order, signal));
  await untilEnded(tools, client, id, work);
  const listed = (await client.listBackups()).find((backup) => backup.id === id);
  if (listed?.status !== 'SUCCEEDED' || listed.deletedAt)
    throw failed(order.displayName, 'has succeeded and is not in the list of the cluster’s backups');
  report({ phase, done: 1, total: 1 });
  return describeBackup(listed);
}

/** Removes this run's backups of that name. Absent is fine; one that a schedule made is not touched. @returns their ids */
export async function deleteBackup(
  { client: shared }: Tools,
  { displayName }: { displayName: string },
  signal: AbortSignal,
): Promise<{ deleted: string[] }> {
  const client = shared.until(signal);
  const ours = (await client.listBackups()).filter((backup) => isManual(backup, displayName));
  for (const { id } of ours) await client.deleteBackup(id);
  const left = (await client.listBackups()).filter((backup) => isManual(backup, displayName));
  if (left.length > 0)
    throw new CloudFailure(
      'QDRANT_CLOUD_REFUSED',
      `Qdrant Cloud, delete the backup ${displayName}: it is there still, and not being deleted`,
    );
  return { deleted: ours.map(({ id }) => id) };
}

export function describeBackup(backup: Backup): CloudBackup {
  const { id, displayName, createdAt, retentionPeriod, backupDuration, backupScheduleId } = backup;
  return {
    id,
    displayName: displayName ?? '',
    createdAt,
    retentionDays: retentionPeriod ? retentionPeriod / DAY_S : null,
    seconds: backupDuration ?? null,
    scheduled: Boolean(backupScheduleId),
  };
}

/** The newest backup of this order that runs or has succeeded. */
async function find(client: QdrantCloudClient, { displayName }: Order): Promise<Backup | undefined> {
  const ours = (await client.listBackups()).filter((backup) => isManual(backup, displayName));
  const good = ours.filter(({ status }) => status === 'SUCCEEDED' || UNDECIDED.includes(status));
  return good.sort((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt))[0];
}

function isManual(backup: Backup, displayName: string): boolean {
  return backup.displayName === displayName && !backup.backupScheduleId && !backup.deletedAt;
}

/** Over a blip it is asked for again, only when the first request cannot have been carried out. */
function create({ patience }: Tools, client: QdrantCloudClient, order: Order, signal: AbortSignal): Promise<Backup> {
  const { displayName, retentionDays } = order;
  const make = (): Promise<Backup> => client.createBackup(displayName, retentionDays);
  return overBlips(() => makeOrFind(make, () => find(client, order), patience, signal), signal);
}

/** Backups of the cluster that could be restored from, the newest first. */
export async function wholeBackups(client: QdrantCloudClient): Promise<Backup[]> {
  const whole = (await client.listBackups()).filter(({ status, deletedAt }) => status === 'SUCCEEDED' && !deletedAt);
  return whole.sort((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt));
}

async function untilEnded({ patience }: Tools, client: QdrantCloudClient, id: string, { signal }: Work): Promise<void> {
  const startedAt = performance.now();
  for (;;) {
    const { status, displayName, deletedAt } = await read(client, id);
    const name = displayName ?? id;
    if (deletedAt) throw failed(name, 'is being deleted');
    if (status === 'SUCCEEDED') return;
    if (!UNDECIDED.includes(status)) throw failed(name, `ended as ${status}`);
    if (performance.now() - startedAt > patience.backupMs)
      throw failed(name, `is ${status} still after ${Math.round(patience.backupMs / 60_000)} minutes`);
    await sleep(patience.pollMs, signal);
  }
}

async function read(client: QdrantCloudClient, id: string): Promise<Backup> {
  try {
    return await client.getBackup(id);
  } catch (error) {
    if (error instanceof CloudFailure && error.status === 404)
      throw failed(id, 'has been removed while it was waited for');
    throw error;
  }
}

function failed(name: string, what: string): RecoveryError {
  return new RecoveryError('QDRANT_CLOUD_BACKUP_FAILED', `Qdrant Cloud: the backup ${name} ${what}`);
}
