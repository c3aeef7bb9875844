import type { Carried, Moment, Survey, TableDiff } from './database-state.ts';
import { describeCount } from './format.ts';
import { type DatabaseAssessment, structuralDamage } from './postgres-loss.ts';
import type { RunReport } from './report.ts';
import type { Gate } from './verdict.ts';

/** What the database is brought back from. */
export type Target =
  | {
      readonly kind: 'history';
      readonly at: Moment;
      readonly lastResetAt: string | null;
      readonly how: string;
      /** `between A and B`, where it was looked for. */
      readonly happened?: string | undefined;
    }
  | { readonly kind: 'set'; readonly database: string; readonly how: string }
  | { readonly kind: 'file'; readonly file: string; readonly database: string; readonly how: string };

/** What a rehearsal showed: what comes back, and which later rows can be kept. */
export interface Rehearsal {
  /** From the state that is gone back to, to the present one; empty when there is no present one. */
  readonly diffs: readonly TableDiff[];
  readonly carried: readonly Carried[];
  readonly broken: number;
}

/** Rows that are left behind, of every table. */
export function leftBehind(carried: readonly Carried[]): number {
  return carried.reduce((sum, { left }) => sum + Object.values(left).reduce((all, count) => all + count, 0), 0);
}

/** `sessions: 12 later rows kept; messages: 40 later rows kept, lost: 2 no parent`; tables without later rows are left out */
export function describeCarried(carried: readonly Carried[]): string {
  const parts = carried.flatMap((one) => {
    const words = wordsOf(one);
    return words.length > 0 ? [`${one.table}: ${words.join(', ')}`] : [];
  });
  return parts.join('; ') || 'no later rows';
}

function wordsOf({ carried, updated, differing, left }: Carried): string[] {
  const lost = Object.entries(left).map(([reason, count]) => `${describeCount(count)} ${reason}`);
  const behind = differing - updated;
  return [
    carried > 0 ? `${describeCount(carried)} later ${carried === 1 ? 'row' : 'rows'} kept` : '',
    updated > 0 ? `${describeCount(updated)} later changes kept` : '',
    behind > 0 ? `${describeCount(behind)} go back to what they were` : '',
    lost.length > 0 ? `lost: ${lost.join(', ')}` : '',
  ].filter((word) => word !== '');
}

/** None where there was nothing to carry from. */
export function carriedGates({ diffs, carried: rehearsed }: Rehearsal, carried: readonly Carried[]): Gate[] {
  return diffs.length === 0 ? [] : [carriedGate(rehearsed, carried)];
}

/** The rows that the rehearsal kept are kept for real; more may have come since. */
export function carriedGate(rehearsed: readonly Carried[], carried: readonly Carried[]): Gate {
  const total = (all: readonly Carried[]): number => all.reduce((sum, one) => sum + one.carried, 0);
  const short = rehearsed.filter(({ table, carried: before }) => {
    const now = carried.find((one) => one.table === table);
    return (now?.carried ?? 0) < before;
  });
  return {
    name: 'later rows',
    verdict: short.length === 0 ? 'pass' : 'fail',
    expected: `at least the ${describeCount(total(rehearsed))} rows that the rehearsal kept`,
    observed:
      short.length === 0
        ? `${describeCount(total(carried))} kept, ${describeCount(leftBehind(carried))} left behind`
        : `fewer of ${short.map(({ table }) => table).join(', ')}`,
  };
}

/** The structure is the set's again, and no foreign key points to nothing. */
export function structureGate(before: Survey, now: Survey): Gate {
  const wrong = structuralDamage({ before, now });
  return {
    name: 'structure',
    verdict: wrong.length === 0 ? 'pass' : 'fail',
    expected: 'tables, columns and constraints of the set, and no foreign key that points to nothing',
    observed:
      wrong.length === 0
        ? `${Object.keys(before.tables).length} tables, ${now.constraints.length} constraints`
        : wrong.join('; ').slice(0, 500),
  };
}

/** What was lost, in time and in what people lose. */
export function measureDatabaseLoss(
  found: DatabaseAssessment,
  { carried, chunksLost, healedFrom, messages, chunks }: MeasuredLoss,
  faultDeclaredAt: Date,
): NonNullable<RunReport['rpo']> {
  const lostOf = (table: string | undefined): number => {
    const left = carried.find((one) => one.table === table)?.left ?? {};
    return Object.values(left).reduce((sum, count) => sum + count, 0);
  };
  const damaged = found.lost.find(({ table }) => table === chunks);
  return {
    setAgeSeconds: Math.max(0, (faultDeclaredAt.getTime() - healedFrom) / 1000),
    chunksDamaged: damaged ? damaged.removed.count + damaged.changed.count : chunksOf(found, chunks),
    chunksLost,
    turnsLost: lostOf(messages),
  };
}

interface MeasuredLoss {
  readonly carried: readonly Carried[];
  readonly chunksLost: number;
  /** Milliseconds since 1970 of the state that was gone back to. */
  readonly healedFrom: number;
  readonly messages: string | undefined;
  readonly chunks: string | undefined;
}

/** Where the table or the database is gone, all of it was damaged. */
function chunksOf({ before, now }: DatabaseAssessment, chunks: string | undefined): number {
  if (chunks === undefined || now?.tables[chunks]) return 0;
  return before.tables[chunks]?.rows ?? 0;
}
