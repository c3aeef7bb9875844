import type { NeonConfig } from '../../config/neon.ts';
import type { Gate } from '../../domain/verdict.ts';
import type { Work } from '../progress.ts';
import type { ScheduleItem } from './answers.ts';
import { NeonFailure } from './failure.ts';
import { findSource } from './source.ts';
import type { Tools } from './tools.ts';

const DAY_S = 86_400;
const NAME = 'Neon: snapshot schedule';

type Declared = NonNullable<NeonConfig['snapshotSchedule']>;

/**
 * Neon's own snapshot schedule beside what is declared; no gate when none is declared. What the plan does not have, or the
 * API does not tell, is unproven.
 * @throws NEON_UNREACHABLE, NEON_BUSY, NEON_DENIED, and NEON_REFUSED when the app's branch is not there
 */
export async function checkSnapshotSchedule({ client: shared, config }: Tools, { signal }: Work): Promise<Gate[]> {
  const declared = config.snapshotSchedule;
  if (!declared) return [];
  const client = shared.until({ signal });
  const source = await findSource(client, config);
  const unproven = (observed: string): Gate[] => [
    { name: NAME, verdict: 'unproven', expected: describe(declared), observed },
  ];
  if (source.parent_id) return unproven(`${source.name} has a parent, and only root branches have a schedule`);
  try {
    return [compareSchedule(await client.readSchedule(source.id), declared)];
  } catch (error) {
    if (!(error instanceof NeonFailure) || error.busy || error.outcomeUnknown || error.status === 401) throw error;
    return unproven(error.message);
  }
}

export function compareSchedule(found: readonly ScheduleItem[], declared: Declared): Gate {
  const all = found.map((item) => compare(item, declared));
  const best = all.sort((a, b) => score(a) - score(b))[0];
  const gate = { name: NAME, expected: describe(declared) };
  if (!best) return { ...gate, verdict: 'fail', observed: 'no schedule' };
  if (best.wrong.length > 0) return { ...gate, verdict: 'fail', observed: best.wrong.join('; ') };
  if (best.unknown.length > 0) return { ...gate, verdict: 'unproven', observed: best.unknown.join('; ') };
  return { ...gate, verdict: 'pass', observed: describe(declared) };
}

interface Comparison {
  readonly wrong: string[];
  readonly unknown: string[];
}

/** What differs weighs more than what is not told. */
function score({ wrong, unknown }: Comparison): number {
  return wrong.length * 10 + unknown.length;
}

function compare({ frequency, hour, retention_seconds: seconds }: ScheduleItem, declared: Declared): Comparison {
  const wrong: string[] = [];
  const unknown: string[] = [];
  if (frequency !== declared.frequency) wrong.push(`${frequency}, not ${declared.frequency}`);
  if (typeof hour !== 'number') unknown.push('the hour is not told');
  else if (hour !== declared.hour) wrong.push(`at ${clock(hour)}, not at ${clock(declared.hour)}`);
  if (typeof seconds !== 'number') unknown.push('how long they are kept is not told');
  else if (seconds !== declared.retentionDays * DAY_S)
    wrong.push(`kept ${Number((seconds / DAY_S).toFixed(2))} days, not ${declared.retentionDays}`);
  return { wrong, unknown };
}

function describe({ frequency, hour, retentionDays }: Declared): string {
  return `${frequency} at ${clock(hour)}, kept ${retentionDays} days`;
}

function clock(hour: number): string {
  return `${String(hour).padStart(2, '0')}:00 UTC`;
}
