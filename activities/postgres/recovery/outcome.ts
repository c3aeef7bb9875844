import { z } from 'zod';
import type { ListRef } from '../../../domain/artifacts.ts';
import { type Carried, LEFT_REASONS } from '../../../domain/database-state.ts';
import type { Batches } from '../../../domain/index-entry.ts';
import { openLines, writeLines } from '../../lines.ts';
import { copyRows } from '../copy-text.ts';
import { type CarriedTable, type Carrying, LEFT, UPDATE } from './carrying.ts';
import type { Before, LaterRows } from './later-rows.ts';
import { type Keyed, parseKeyed } from './keyed-rows.ts';
import { mergeKeyed } from './merge.ts';
import { stagedKeysSql } from './staging.ts';

const countsSchema = z.object({ update: z.boolean(), left: z.enum(LEFT_REASONS).nullable(), count: z.coerce.number() });

/** What became of a table's rows, and what another attempt must know of it. */
export interface Outcome {
  readonly carried: Carried;
  readonly after: Before;
}

/** Tells what was written and what was left. To be called before the transaction is committed. */
export async function tellOutcome(tools: Carrying, table: CarriedTable, rows: LaterRows): Promise<Outcome> {
  const { target } = tools;
  const counts = await target.rows(
    countsSchema,
    `SELECT ${UPDATE} AS update, ${LEFT} AS left, count(*) AS count FROM ${table.stage} GROUP BY 1, 2`,
  );
  const countOf = (update: boolean): number =>
    counts.find((one) => one.update === update && one.left === null)?.count ?? 0;
  const staged = counts.reduce((sum, { count }) => sum + count, 0);
  const unread = rows.fresh.count + rows.differing.count - staged;
  const left: Carried['left'] = {};
  for (const { left: reason, count } of counts) if (reason) left[reason] = (left[reason] ?? 0) + count;
  if (unread > 0) left['breaks a check'] = (left['breaks a check'] ?? 0) + unread;
  const keys = await listWith(tools, table, { name: 'carried', before: rows.already, update: false });
  const updated = await listWith(tools, table, { name: 'updated', before: rows.alreadyUpdated, update: true });
  const carried: Carried = {
    table: table.name,
    carried: rows.already.count + countOf(false),
    already: rows.already.count,
    differing: rows.differs + rows.alreadyUpdated.count,
    updated: rows.alreadyUpdated.count + countOf(true),
    left,
    keys,
    leftKeys: await listLeft(tools, table, rows, unread > 0),
  };
  return { carried, after: { keys, updated } };
}

/** Keys that were written by now, and those that an attempt before wrote, in order. */
function listWith(
  tools: Carrying,
  table: CarriedTable,
  { name, before, update }: { name: string; before: ListRef; update: boolean },
): Promise<ListRef> {
  const { store } = tools;
  const now = stagedKeys(tools, table, `${LEFT} IS NULL AND ${UPDATE} = ${update}`);
  const keys = async function* (): Batches<string> {
    for await (const pairs of mergeKeyed(openLines(store, before.artifact, parseKeyed), now))
      yield pairs.map(({ one, other }) => keyField(one ?? other));
  };
  return writeLines(store, `${tools.place(table.name)}-${name}.tsv`, keys(), (key) => key);
}

function listLeft(tools: Carrying, table: CarriedTable, rows: LaterRows, unread: boolean): Promise<ListRef> {
  const { store } = tools;
  const lines = async function* (): Batches<string> {
    const sql = stagedKeysSql(table, `${LEFT} IS NOT NULL`, `, ${LEFT}`);
    yield* copyRows(tools.target.copyOut(sql, tools.work.signal));
    if (!unread) return;
    for (const [list, update] of [
      [rows.fresh, false],
      [rows.differing, true],
    ] as const) {
      const there = stagedKeys(tools, table, `${UPDATE} = ${update}`);
      for await (const pairs of mergeKeyed(openLines(store, list.artifact, parseKeyed), there))
        yield pairs.filter(({ other }) => other === undefined).map(({ one }) => `${keyField(one)}\tbreaks a check`);
    }
  };
  return writeLines(store, `${tools.place(table.name)}-left.tsv`, lines(), (line) => line);
}

async function* stagedKeys({ target, work }: Carrying, table: CarriedTable, condition: string): Batches<Keyed> {
  for await (const lines of copyRows(target.copyOut(stagedKeysSql(table, condition), work.signal)))
    yield lines.map(parseKeyed);
}

/** The key as COPY escapes it. */
function keyField(keyed: Keyed | undefined): string {
  const line = keyed?.line ?? '';
  const end = line.indexOf('\t');
  return end < 0 ? line : line.slice(0, end);
}
