import type { Carried } from '../../../domain/database-state.ts';
import type { Batches } from '../../../domain/index-entry.ts';
import { writeLines } from '../../lines.ts';
import { rowHashSql } from '../table-state.ts';
import type { Carrying } from './carrying.ts';
import { commonColumns, type Table } from './catalog.ts';
import { type Keyed, type KeyedRead, readKeyed } from './keyed-rows.ts';
import { mergeKeyed } from './merge.ts';

/**
 * A table whose rows cannot be carried, since there is no key to know them by: none of both has one, or the target has no such
 * table. Rows that the target lacks are told by their hash in the place of a key.
 */
export async function leaveKeyless(tools: Carrying, from: Table, to: Table | undefined): Promise<Carried> {
  const { source, target, store, work } = tools;
  const columns = to ? commonColumns(from, to) : from.columns.map(({ name }) => name);
  const hash = rowHashSql(columns);
  const read = ({ sql }: Table): KeyedRead => ({ table: sql, key: `(${hash})::text COLLATE "C"`, hash });
  const there = to ? readKeyed(target, read(to), work.signal) : nothing();
  const lines = async function* (): Batches<string> {
    for await (const pairs of mergeKeyed(readKeyed(source, read(from), work.signal), there)) {
      yield pairs.filter(({ other }) => other === undefined).map(({ one }) => `${one?.key ?? ''}\tno key`);
    }
  };
  const leftKeys = await writeLines(store, `${tools.place(from.name)}-left.tsv`, lines(), (line) => line);
  const nothingCarried = await leaveNothing(tools, from.name);
  return { ...nothingCarried, left: leftKeys.count > 0 ? { 'no key': leftKeys.count } : {}, leftKeys };
}

/** A table that the source does not have. */
export async function leaveNothing(tools: Carrying, table: string): Promise<Carried> {
  const keys = await writeLines(tools.store, `${tools.place(table)}-none.tsv`, nothing(), String);
  return { table, carried: 0, already: 0, differing: 0, updated: 0, left: {}, keys, leftKeys: keys };
}

async function* nothing(): Batches<Keyed> {}
