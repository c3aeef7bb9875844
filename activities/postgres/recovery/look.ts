import type { Secret } from '../../../config/secret.ts';
import type { ArtifactStore } from '../../../domain/artifacts.ts';
import type { Expectation, Look } from '../../../domain/database-state.ts';
import { describeCount } from '../../../domain/format.ts';
import { LONG_DEADLINES, PATIENCE, type Session, withSession } from '../client.ts';
import { fixTexts } from '../table-state.ts';
import { findTable, type Table } from './catalog.ts';
import { readDefinitions } from './definitions.ts';
import { askPredicate } from './predicate.ts';
import { brokenKeys, isGone } from './survey.ts';
import { countLost } from './witnesses.ts';

const MOST_REASONS = 5;

/**
 * Looks whether a state of the database is a good one: tables, columns and constraints are there, every foreign key holds, every
 * witness is what it must be, and the operator's predicate says so. Reads one moment and cannot write.
 * @throws POSTGRES_*, STORE_*, SET_TAMPERED, INVALID_INPUT when the predicate is no query of one boolean
 */
export async function lookAt(
  url: Secret,
  expected: Expectation,
  { store }: { readonly store: ArtifactStore },
  signal: AbortSignal,
): Promise<Look> {
  try {
    return await withSession(url, 'read', (session) => look(session, expected, store, signal), LONG_DEADLINES, signal);
  } catch (error) {
    if (!isGone(error)) throw error;
    const lost = expected.witnesses.reduce((sum, { list }) => sum + list.count, 0);
    return { good: false, lost, reasons: ['the database is not there'] };
  }
}

async function look(session: Session, expected: Expectation, store: ArtifactStore, signal: AbortSignal): Promise<Look> {
  await fixTexts(session);
  await session.run(PATIENCE);
  await session.run('SET LOCAL standard_conforming_strings = on');
  const tables = new Map<string, Table | undefined>();
  const needed = new Set([...Object.keys(expected.tables), ...expected.witnesses.map(({ table }) => table)]);
  for (const name of needed) tables.set(name, await findTable(session, name));
  const there = [...tables.values()].filter((table) => table !== undefined);
  const reasons = missingParts(expected, tables);
  const definitions = new Set(await readDefinitions(session, there));
  for (const constraint of expected.constraints) {
    if (!definitions.has(constraint)) reasons.push(`constraint missing: ${constraint}`);
  }
  for (const { constraint, table, rows } of await brokenKeys(session, there)) {
    reasons.push(`${describeCount(rows)} rows of ${table} point to nothing by ${constraint}`);
  }
  let lost = 0;
  for (const witnesses of expected.witnesses) {
    signal.throwIfAborted();
    const missing = await countLost({ session, store, signal }, witnesses, tables.get(witnesses.table));
    if (missing > 0) {
      const of = describeCount(witnesses.list.count);
      reasons.push(`${describeCount(missing)} of ${of} rows looked for in ${witnesses.table} are gone or changed`);
    }
    lost += missing;
  }
  if (expected.predicate !== undefined) reasons.push(...(await askPredicate(session, expected.predicate)));
  return {
    good: reasons.length === 0,
    lost,
    reasons: reasons.slice(0, MOST_REASONS).map((reason) => reason.slice(0, 300)),
  };
}

function missingParts({ tables }: Expectation, found: ReadonlyMap<string, Table | undefined>): string[] {
  return Object.entries(tables).flatMap(([name, columns]) => {
    const table = found.get(name);
    if (!table) return [`table ${name} is missing`];
    const there = new Set(table.columns.map((column) => column.name));
    const missing = columns.filter((column) => !there.has(column));
    return missing.length === 0 ? [] : [`table ${name} lacks ${missing.join(', ')}`];
  });
}
