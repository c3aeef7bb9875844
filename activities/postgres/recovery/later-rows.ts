import type { ListRef } from '../../../domain/artifacts.ts';
import type { Batches } from '../../../domain/index-entry.ts';
import { LineWriter, openLines } from '../../lines.ts';
import { quoteIdentifier } from '../tables.ts';
import { rowHashSql } from '../table-state.ts';
import type { CarriedTable, Carrying } from './carrying.ts';
import { keySql, type Table } from './catalog.ts';
import { type Keyed, type KeyedRead, parseKeyed, readKeyed } from './keyed-rows.ts';
import { KeyedReader, mergeKeyed, type Pair } from './merge.ts';

/** What an earlier attempt wrote about a table before it committed. */
export interface Before {
  readonly keys: ListRef;
  readonly updated: ListRef;
}

/** The rows of the source by what the target has of them; keys in order. */
export interface LaterRows {
  /** Not in the target. Lines have the key's columns behind key and hash where it has several. */
  readonly fresh: ListRef;
  /** In both, with other content. Listed only where they are to be overwritten. */
  readonly differing: ListRef;
  readonly differs: number;
  /** In both, as an attempt before carried or overwrote them. */
  readonly already: ListRef;
  readonly alreadyUpdated: ListRef;
}

const LISTS = ['fresh', 'differing', 'already', 'alreadyUpdated'] as const;
type Lists = Record<(typeof LISTS)[number], LineWriter<Keyed>>;

/** Compares keys and hashes of both sides in constant memory. @throws POSTGRES_*, STORE_* */
export async function findLaterRows(tools: Carrying, table: CarriedTable, before?: Before): Promise<LaterRows> {
  const { source, target, store, work } = tools;
  const place = tools.place(table.name);
  const open = (list: string): LineWriter<Keyed> => new LineWriter(store, `${place}-${list}.tsv`, ({ line }) => line);
  const lists: Lists = {
    fresh: open('fresh'),
    differing: open('differing'),
    already: open('already'),
    alreadyUpdated: open('already-updated'),
  };
  const sorter = new Sorter(table.updates, {
    carried: reader(tools, before?.keys),
    updated: reader(tools, before?.updated),
  });
  try {
    let done = 0;
    const theirs = readKeyed(source, readOf(table, table.from), work.signal);
    for await (const pairs of mergeKeyed(theirs, readKeyed(target, readOf(table, table.to), work.signal))) {
      await sorter.sort(pairs, lists);
      done += pairs.length;
      work.report({ phase: `carry ${table.name} (compare rows)`, done, total: done });
    }
    return {
      fresh: await lists.fresh.close(),
      differing: await lists.differing.close(),
      differs: sorter.differs,
      already: await lists.already.close(),
      alreadyUpdated: await lists.alreadyUpdated.close(),
    };
  } catch (error) {
    await Promise.all(LISTS.map((list) => lists[list].abort()));
    throw error;
  } finally {
    await sorter.close();
  }
}

function readOf({ key, common }: CarriedTable, { sql }: Table): KeyedRead {
  const more = key.length === 1 ? [] : key.map((column) => `${quoteIdentifier(column)}::text`);
  return { table: sql, key: keySql(key), hash: rowHashSql(common), more };
}

function reader({ store }: Carrying, list: ListRef | undefined): KeyedReader {
  return new KeyedReader(list ? openLines(store, list.artifact, parseKeyed) : nothing());
}

async function* nothing(): Batches<Keyed> {}

/** Deals pairs out to the lists. */
class Sorter {
  differs = 0;
  readonly #updates: boolean;
  readonly #before: { readonly carried: KeyedReader; readonly updated: KeyedReader };

  constructor(updates: boolean, before: { readonly carried: KeyedReader; readonly updated: KeyedReader }) {
    this.#updates = updates;
    this.#before = before;
  }

  async sort(pairs: readonly Pair[], lists: Lists): Promise<void> {
    const found = {
      fresh: [] as Keyed[],
      differing: [] as Keyed[],
      already: [] as Keyed[],
      alreadyUpdated: [] as Keyed[],
    };
    for (const { one, other } of pairs) {
      if (one === undefined) continue;
      if (other === undefined) found.fresh.push(one);
      else if (one.hash !== other.hash) {
        this.differs += 1;
        if (this.#updates) found.differing.push(one);
      } else if (await this.#before.carried.has(one.key)) found.already.push(one);
      else if (await this.#before.updated.has(one.key)) found.alreadyUpdated.push(one);
    }
    for (const list of LISTS) await lists[list].write(found[list]);
  }

  async close(): Promise<void> {
    await Promise.all([this.#before.carried.close(), this.#before.updated.close()]);
  }
}
