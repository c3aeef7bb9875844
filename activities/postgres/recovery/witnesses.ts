import type { ArtifactStore } from '../../../domain/artifacts.ts';
import type { Witnesses } from '../../../domain/database-state.ts';
import { openLines } from '../../lines.ts';
import type { Session } from '../client.ts';
import { rowHashSql } from '../table-state.ts';
import { quoteIdentifier } from '../tables.ts';
import { keySql, type Table } from './catalog.ts';
import { parseKeyed, readKeyed } from './keyed-rows.ts';
import { arraySql } from './literals.ts';
import { mergeKeyed } from './merge.ts';

/** So many are looked up; for more, the whole table is read through, as it is for keys of several columns. */
const FEW = 20_000;
/** Texts that surely are values of these types: a key that had another type then must not fail the look. */
const TEXTS: Readonly<Record<string, RegExp>> = {
  integer: /^-?\d{1,9}$/,
  bigint: /^-?\d{1,18}$/,
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  text: /^/,
};

interface Tools {
  readonly session: Session;
  readonly store: ArtifactStore;
  readonly signal: AbortSignal;
}

/**
 * How many of the rows that are looked for are not in the table as they must be. All of them where the table, its key or one of
 * the columns is not there; without any, the table is not read.
 * @throws POSTGRES_*, STORE_*, SET_TAMPERED
 */
export async function countLost(
  { session, store, signal }: Tools,
  { list, columns }: Witnesses,
  table: Table | undefined,
): Promise<number> {
  if (list.count === 0) return 0;
  const there = new Set(table?.columns.map(({ name }) => name));
  if (!table || table.key.length === 0 || !columns.every((column) => there.has(column))) return list.count;
  const where = await fewOf(store, list, table);
  const read = { table: table.sql, key: keySql(table.key), hash: rowHashSql(columns), ...(where ? { where } : {}) };
  const expected = openLines(store, list.artifact, parseKeyed);
  let lost = 0;
  for await (const pairs of mergeKeyed(expected, readKeyed(session, read, signal))) {
    for (const { one, other } of pairs) if (one !== undefined && one.hash !== other?.hash) lost += 1;
  }
  return lost;
}

/** SQL that finds few rows by the index of their key; `undefined` when they are not few, or not to be found so. */
async function fewOf(
  store: ArtifactStore,
  list: Witnesses['list'],
  { key, columns }: Table,
): Promise<string | undefined> {
  const [column] = key;
  const type = columns.find(({ name }) => name === column)?.type ?? '';
  const text = TEXTS[type];
  if (list.count > FEW || key.length !== 1 || column === undefined || !text) return undefined;
  const keys: string[] = [];
  for await (const batch of openLines(store, list.artifact, parseKeyed)) keys.push(...batch.map((keyed) => keyed.key));
  if (!keys.every((one) => text.test(one))) return undefined;
  return `${quoteIdentifier(column)} = ANY (${arraySql(keys)}::${type}[])`;
}
