import type { ListRef } from './artifacts.ts';
import { type Counts, describeCounts, totalOf } from './damage.ts';
import type { Expectation, Place, Survey, TableDiff, Witnesses } from './database-state.ts';
import { RecoveryError } from './failures.ts';
import { describeCount } from './format.ts';
import type { RecoverySet } from './recovery-set.ts';
import type { DatabaseSettings } from './settings.ts';

/** Rows of one table that are gone, or are not what they were, and were not taken away or changed on purpose. */
export interface LostRows {
  readonly table: string;
  readonly removed: ListRef;
  readonly changed: ListRef;
}

/** What is known of the damage when the search for a good moment begins. */
export interface DatabaseAssessment {
  readonly set: RecoverySet;
  readonly why: string;
  /** The state that the set holds, where it can be connected to. */
  readonly reference: Place;
  /** When that state was, at the latest, by Neon's clock; undefined where it came from a dump. `exact`: not later either. */
  readonly referenceAt?: { readonly at: string; readonly exact: boolean } | undefined;
  readonly before: Survey;
  /** Undefined when the database itself is gone; `missing` tells what the server said. */
  readonly now: Survey | undefined;
  readonly missing: string | undefined;
  readonly diffs: readonly TableDiff[];
  readonly lost: readonly LostRows[];
  /** What vectors and rows disagree on; undefined when there are no rows to compare with. */
  readonly vectors: Counts | undefined;
  readonly tolerance: number;
}

/** True when something of the database must be brought back. */
export function needsRecovery(found: DatabaseAssessment): boolean {
  return found.now === undefined || structuralDamage(found).length > 0 || lostRowsOf(found) > found.tolerance;
}

/** How many rows are gone or wrong. */
export function lostRowsOf({ lost }: Pick<DatabaseAssessment, 'lost'>): number {
  return lost.reduce((sum, { removed, changed }) => sum + removed.count + changed.count, 0);
}

/** What the structure lacks against the set's, in words: tables, columns, constraints, rows whose foreign keys point to nothing. */
export function structuralDamage({ before, now }: Pick<DatabaseAssessment, 'before' | 'now'>): string[] {
  if (!now) return [];
  const words: string[] = [];
  for (const [table, was] of Object.entries(before.tables)) {
    if (!was) continue;
    const is = now.tables[table];
    if (!is) {
      words.push(`table ${table} is gone (${describeCount(was.rows)} rows in the set)`);
      continue;
    }
    const names = new Set(is.columns.map(({ name }) => name));
    const gone = was.columns.filter(({ name }) => !names.has(name)).map(({ name }) => name);
    if (gone.length > 0) words.push(`${table} has lost ${gone.length === 1 ? 'column' : 'columns'} ${gone.join(', ')}`);
  }
  const constraints = new Set(now.constraints);
  const dropped = before.constraints.filter(
    (one) => !constraints.has(one) && now.tables[tableOf(one)] !== null && now.tables[tableOf(one)] !== undefined,
  );
  if (dropped.length > 0) words.push(`constraints are gone: ${dropped.slice(0, 3).join('; ')}`);
  for (const { constraint, table, rows } of now.broken)
    words.push(`${describeCount(rows)} rows of ${table} point to nothing (${constraint})`);
  return words;
}

/** Constraints are told as `table: definition`. */
function tableOf(constraint: string): string {
  return constraint.slice(0, constraint.indexOf(': '));
}

/**
 * One sentence that a tired person understands: what vanished of what, and what is whole.
 * `1,204 of 1,310 chunks rows are gone; sessions, messages intact`
 */
export function describeLoss(found: DatabaseAssessment): string {
  const { before, now, missing, vectors, set } = found;
  if (!now) return `the database is gone (${missing ?? 'no such database'}); ${set.id} holds ${describeRows(before)}`;
  const parts = structuralDamage(found);
  const harmed = new Set<string>();
  for (const { table, removed, changed } of found.lost) {
    const was = before.tables[table]?.rows ?? 0;
    if (removed.count + changed.count === 0) continue;
    harmed.add(table);
    const words = [
      removed.count > 0 ? `${describeCount(removed.count)} gone` : '',
      changed.count > 0 ? `${describeCount(changed.count)} changed` : '',
    ].filter((word) => word !== '');
    parts.push(`of ${describeCount(was)} rows of ${table} in the set ${words.join(' and ')}`);
  }
  const intact = ({ table }: LostRows): boolean => !harmed.has(table) && !parts.some((part) => part.includes(table));
  const whole = found.lost.filter(intact).map(({ table }) => table);
  if (parts.length === 0) parts.push('no row that the set holds is lost');
  else if (whole.length > 0) parts.push(`${whole.join(', ')} intact`);
  if (vectors && totalOf(vectors) > 0) parts.push(`between vectors and rows: ${describeCounts(vectors)}`);
  return parts.join('; ');
}

function describeRows({ tables }: Survey): string {
  const counted = Object.entries(tables).flatMap(([table, found]) =>
    found ? [`${describeCount(found.rows)} ${table}`] : [],
  );
  return counted.join(', ');
}

/** Tables that both states have and whose rows can be told apart. */
export function comparableTables(before: Survey, now: Survey): string[] {
  return Object.entries(before.tables).flatMap(([table, was]) => {
    const is = now.tables[table];
    const keyed = was && is && was.key.length > 0 && was.key.join() === is.key.join();
    return keyed ? [table] : [];
  });
}

/**
 * Rows that are lost, by what the app does with its tables as a matter of course: a changed row of a mutable table is no
 * damage. Chunks were judged by their vectors before.
 */
export function lostRows(
  diffs: readonly TableDiff[],
  chunks: { readonly table: string; readonly removed: ListRef; readonly changed: ListRef } | undefined,
  { mutable }: Pick<DatabaseSettings, 'mutable'>,
): LostRows[] {
  return diffs.map(({ table, removed, changed }) => {
    if (table === chunks?.table) return { table, removed: chunks.removed, changed: chunks.changed };
    return { table, removed, changed: mutable.includes(table) ? { ...changed, count: 0 } : changed };
  });
}

/** What a state must be to be called good. */
export function expectationOf(found: DatabaseAssessment, predicate: string | undefined): Expectation {
  const { before, now } = found;
  const tables = Object.fromEntries(
    Object.entries(before.tables).flatMap(([table, was]) =>
      was ? [[table, was.columns.map(({ name }) => name)] as const] : [],
    ),
  );
  const witnesses = found.lost.flatMap(({ table, removed, changed }): Witnesses[] => {
    const columns = now ? commonColumns(before, now, table) : [];
    return [removed, changed].flatMap((list) =>
      list.count > 0 && columns.length > 0 ? [{ table, list, columns }] : [],
    );
  });
  return { tables, constraints: before.constraints, witnesses, ...(predicate === undefined ? {} : { predicate }) };
}

/** Columns that both states have, in the order in which rows are hashed. */
function commonColumns(before: Survey, now: Survey, table: string): string[] {
  const names = new Set(now.tables[table]?.columns.map(({ name }) => name));
  return (before.tables[table]?.columns ?? []).map(({ name }) => name).filter((name) => names.has(name));
}

/** @throws RecoveryError WRONG_ENVIRONMENT for a state that belongs to another environment */
export function mustBelongTo(environment: string, state: Survey, what: string): void {
  if (state.environment === null || state.environment === environment) return;
  throw new RecoveryError(
    'WRONG_ENVIRONMENT',
    `environment: ${what} belongs to ${state.environment}, and this worker serves ${environment}`,
  );
}
