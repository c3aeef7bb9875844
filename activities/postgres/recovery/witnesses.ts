import type { ArtifactStore } from '../../../domain/artifacts.ts';
import type { Witnesses } from '../../../domain/database-state.ts';
import { openLines } from '../../lines.ts';
import type { Session } from '../client.ts';
import { rowHashSql } from '../table-state.ts';
import { keySql, type Table } from './catalog.ts';
import { parseKeyed, readKeyed } from './keyed-rows.ts';
import { mergeKeyed } from './merge.ts';

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
  const read = { table: table.sql, key: keySql(table.key), hash: rowHashSql(columns) };
  const expected = openLines(store, list.artifact, parseKeyed);
  let lost = 0;
  for await (const pairs of mergeKeyed(expected, readKeyed(session, read, signal))) {
    for (const { one, other } of pairs) if (one !== undefined && one.hash !== other?.hash) lost += 1;
  }
  return lost;
}
