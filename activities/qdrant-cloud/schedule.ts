import type { BackupSchedule, ScheduleDifference } from '../qdrant-cloud-contract.ts';
import type { Schedule } from './answers.ts';
import type { QdrantCloudClient, Wanted } from './client.ts';
import { CloudFailure } from './failure.ts';
import { makeOrFind } from './shows-up.ts';
import type { Tools } from './tools.ts';

const DAY_S = 86_400;
const WORDS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/**
 * Makes sure that the cluster has the declared schedule. Absent, it is created. One that differs is somebody's: what
 * differs is told, and changed only when `change` says so.
 * @throws QDRANT_CLOUD_UNREACHABLE, _DENIED, _REFUSED
 */
export async function ensureBackupSchedule(
  { client: shared, config }: Tools,
  { change = false }: { change?: boolean | undefined },
  signal: AbortSignal,
): Promise<BackupSchedule> {
  const client = shared.until(signal);
  const wanted = config.schedule;
  const best = closest(await client.listSchedules(), wanted);
  if (!best) return { id: (await createOrFind(client, wanted, signal)).id, outcome: 'created', differences: [] };
  const differences = compare(best, wanted);
  const changeable = differences.some(({ field }) => field !== 'status');
  if (!change || !changeable) return { id: best.id, outcome: 'present', differences };
  await client.updateSchedule(best.id, wanted);
  const after = (await client.listSchedules()).find(({ id }) => id === best.id);
  if (!after)
    throw new CloudFailure('QDRANT_CLOUD_REFUSED', `Qdrant Cloud, change the backup schedule ${best.id}: it is gone`);
  return { id: after.id, outcome: 'changed', differences: compare(after, wanted) };
}

/** When an answer was lost, the schedule may be there: two of them would make twice the backups. */
function createOrFind(client: QdrantCloudClient, wanted: Wanted, signal: AbortSignal): Promise<Schedule> {
  const find = async (): Promise<Schedule | undefined> => closest(await client.listSchedules(), wanted);
  return makeOrFind(() => client.createSchedule(wanted), find, { lookMs: 0, pollMs: 0 }, signal);
}

/** Of several schedules the one that differs least; of equals the oldest. */
function closest(schedules: readonly Schedule[], wanted: Wanted): Schedule | undefined {
  const scored = schedules.map((schedule) => ({ schedule, differs: compare(schedule, wanted).length }));
  return scored.sort((a, b) => a.differs - b.differs)[0]?.schedule;
}

function compare(
  { schedule, retentionPeriod, status }: Schedule,
  { cron, retentionDays }: Wanted,
): ScheduleDifference[] {
  const found = retentionPeriod ? `${retentionPeriod / DAY_S} days` : 'for ever';
  const fields = [
    { field: 'schedule', declared: inFields(cron), found: inFields(schedule) },
    { field: 'retention', declared: `${retentionDays} days`, found },
    // A status that is not told says nothing.
    { field: 'status', declared: 'ACTIVE', found: status === 'UNSPECIFIED' ? 'ACTIVE' : status },
  ] as const;
  return fields.filter((one) => one.declared !== one.found);
}

/** One spelling for one schedule, as far as words and spaces go. */
function inFields(cron: string): string {
  const text = cron.trim().replace(/\s+/g, ' ');
  return WORDS[text] ?? text;
}
