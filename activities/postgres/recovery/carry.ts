import { randomUUID } from 'node:crypto';
import type { Carried, Place } from '../../../domain/database-state.ts';
import type { Work } from '../../progress.ts';
import { LONG_DEADLINES, PATIENCE, type Session, withSession } from '../client.ts';
import { fixTexts } from '../table-state.ts';
import { writeRows } from './apply.ts';
import { notesOf, readNote, writeNote } from './attempts.ts';
import { type CarriedTable, type Carrying, pairTable } from './carrying.ts';
import { findTable, type Table } from './catalog.ts';
import { type Group, groupTables } from './groups.ts';
import { judgeAgain, judgeTogether, judgeValues, readParents, type Rules } from './judge.ts';
import { leaveKeyless, leaveNothing } from './keyless.ts';
import { type Before, findLaterRows, type LaterRows } from './later-rows.ts';
import { type Outcome, tellOutcome } from './outcome.ts';
import { keyPart, type RecoveryParts } from './parts.ts';
import { advanceSequences } from './sequences.ts';
import { stageRows } from './staging.ts';
import { withoutTriggers } from './triggers.ts';
import { readUnique } from './unique.ts';

interface Order {
  readonly from: Place;
  readonly to: Place;
  readonly tables: readonly string[];
  readonly updates: readonly string[];
  readonly folder: string;
}

/**
 * Carries the rows that only `from` has over into `to`. The source is one moment; each group of tables that foreign keys tie together
 * is one transaction of the target, in which nobody else can write to these tables. An attempt that finds rows of one before it
 * knows them by that one's note, which is in the store before they are committed.
 * @throws POSTGRES_*, STORE_*
 */
export async function carryRows(parts: RecoveryParts, order: Order, work: Work): Promise<Carried[]> {
  const [fromUrl, toUrl] = [await parts.urlOf(order.from), await parts.urlOf(order.to)];
  const attempt = randomUUID().slice(0, 8);
  const place = (table: string): string => `${order.folder}/${keyPart(table)}-${attempt}`;
  const within = <T>(url: typeof fromUrl, mode: 'read' | 'write', task: (session: Session) => Promise<T>): Promise<T> =>
    withSession(url, mode, task, LONG_DEADLINES, work.signal);
  return within(fromUrl, 'read', async (source) => {
    await prepare(source);
    const carried = new Map<string, Carried>();
    const toolsWith = (target: Session): Carrying => ({ source, target, store: parts.store, work, place });
    const groups = await within(toUrl, 'read', async (target) => {
      await prepare(target);
      return sortOut(toolsWith(target), order, carried);
    });
    for (const group of groups) {
      const outcomes = await within(toUrl, 'write', (target) => carryGroup(toolsWith(target), order, group));
      for (const outcome of outcomes) carried.set(outcome.carried.table, outcome.carried);
    }
    return order.tables.flatMap((table) => carried.get(table) ?? []);
  });
}

async function prepare(session: Session): Promise<void> {
  await fixTexts(session);
  await session.run(PATIENCE);
  await session.run('SET LOCAL standard_conforming_strings = on');
}

interface CarriedGroup {
  readonly tables: readonly CarriedTable[];
  readonly circular: boolean;
}

/** The groups of tables that can be carried; what cannot be is told at once. */
async function sortOut(tools: Carrying, order: Order, carried: Map<string, Carried>): Promise<CarriedGroup[]> {
  const pairs = new Map<string, CarriedTable>();
  const targets: Table[] = [];
  for (const [number, name] of [...new Set(order.tables)].entries()) {
    const [from, to] = [await findTable(tools.source, name), await findTable(tools.target, name)];
    const pair = from && to ? pairTable(from, to, number, order.updates.includes(name)) : undefined;
    if (pair) {
      pairs.set(pair.to.sql, pair);
      targets.push(pair.to);
    } else carried.set(name, from ? await leaveKeyless(tools, from, to) : await leaveNothing(tools, name));
  }
  const groups: Group[] = await groupTables(tools.target, targets);
  return groups.map(({ tables, circular }) => ({
    tables: tables.flatMap(({ sql }) => pairs.get(sql) ?? []),
    circular,
  }));
}

async function carryGroup(tools: Carrying, order: Order, group: CarriedGroup): Promise<Outcome[]> {
  const { target, store } = tools;
  const { tables } = group;
  await prepare(target);
  // Waits for an attempt that is still at it, and keeps others from writing until the end.
  await target.run(
    `LOCK TABLE ${tables
      .map(({ to }) => to.sql)
      .toSorted()
      .join(', ')} IN SHARE ROW EXCLUSIVE MODE`,
  );
  await target.run('SET CONSTRAINTS ALL IMMEDIATE');
  const names = tables.map(({ name }) => name);
  const notes = notesOf(order.folder, order.to, names);
  const before = await readNote(store, notes);
  const outcomes: Outcome[] = [];
  await withoutTriggers(target, tables, async () => {
    const rows = await stageGroup(tools, tables, before);
    await writeGroup(tools, group);
    for (const table of tables) {
      const later = rows.get(table);
      if (later) outcomes.push(await tellOutcome(tools, table, later));
    }
  });
  for (const { from, to } of tables) await advanceSequences(tools, [from, to]);
  const after = Object.fromEntries(outcomes.map((outcome) => [outcome.carried.table, outcome.after]));
  if (Object.values(after).some(({ keys, updated }) => keys.count + updated.count > 0))
    await writeNote(store, notes, after);
  tools.work.signal.throwIfAborted();
  await target.commit();
  return outcomes;
}

async function stageGroup(
  tools: Carrying,
  tables: readonly CarriedTable[],
  before: Readonly<Record<string, Before>>,
): Promise<Map<CarriedTable, LaterRows>> {
  const rows = new Map<CarriedTable, LaterRows>();
  for (const table of tables) {
    const later = await findLaterRows(tools, table, before[table.name]);
    await stageRows(tools, table, later);
    await judgeValues(tools.target, table);
    rows.set(table, later);
  }
  return rows;
}

/**
 * Parents before children, each table once. Where tables refer to each other in a circle, or rows are overwritten, what is written
 * may make room for what was left: then it goes round until nothing is written any more.
 */
async function writeGroup(tools: Carrying, { tables, circular }: CarriedGroup): Promise<void> {
  const rules = new Map<CarriedTable, Rules>();
  for (const table of tables) {
    const [parents, unique] = [await readParents(tools.target, table), await readUnique(tools, table)];
    rules.set(table, { parents, unique });
  }
  let again = circular || tables.some(({ updates }) => updates);
  for (let round = 0, written = 1; written > 0 && (again || round === 0); round += 1) {
    written = 0;
    for (const table of tables) {
      const done = await writeTable(tools, table, { rules: rules.get(table), round });
      written += done.written;
      again ||= done.unsettled;
    }
  }
}

async function writeTable(
  { target, work }: Carrying,
  table: CarriedTable,
  { rules, round }: { rules: Rules | undefined; round: number },
): Promise<{ written: number; unsettled: boolean }> {
  work.report({ phase: `carry ${table.name} (write rows)`, done: 0, total: 1 });
  if (round > 0) await judgeAgain(target, table);
  let [written, unsettled] = [0, false];
  for (const update of table.updates ? [true, false] : [false]) {
    if (rules && (await judgeTogether(target, table, rules, update))) unsettled = true;
    const applied = await writeRows(target, table, update);
    written += applied.written;
    unsettled ||= applied.singly;
  }
  return { written, unsettled };
}
