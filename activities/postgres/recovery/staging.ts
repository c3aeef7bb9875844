import type { ListRef } from '../../../domain/artifacts.ts';
import { openLines } from '../../lines.ts';
import { unescapeField } from '../copy-text.ts';
import { majorOfServer } from '../ready.ts';
import { quoteIdentifier } from '../tables.ts';
import { arraySql } from './literals.ts';
import { type CarriedTable, type Carrying, DONE, LEFT, stageKey, UPDATE } from './carrying.ts';
import { keySql } from './catalog.ts';
import type { LaterRows } from './later-rows.ts';

/** Keys to one statement, and the length of their text: the more, the fewer times the same pages are read. */
const BATCH_KEYS = 50_000;
const BATCH_LENGTH = 3_000_000;
/** Keys of these types are looked up in one walk through their index. */
const PLAIN_KEY = /^(smallint|integer|bigint|uuid|text|character varying.*)$/;
/** The version that COPY learnt to pass over values in which it cannot read. */
const PASSES_OVER_SINCE = 17;

/**
 * Brings later rows from the source into a table of the target's transaction, as they are: what is wrong with them is found there.
 * @returns how many came; values that do not fit the target's types are passed over, where the server can do that
 */
export async function stageRows(tools: Carrying, table: CarriedTable, rows: LaterRows): Promise<number> {
  const { target } = tools;
  await createStage(tools, table);
  const columns = [UPDATE, ...table.copied.map(quoteIdentifier)].join(', ');
  const lenient = (await majorOfServer(target)) >= PASSES_OVER_SINCE ? ' WITH (ON_ERROR ignore)' : '';
  const staged = await target.copyIn(
    `COPY ${table.stage} (${columns}) FROM STDIN${lenient}`,
    copyOfAll(tools, table, rows),
  );
  // Sizes are what plans go by here; looking at every column would cost more than it gives.
  await target.run(`ANALYZE ${table.stage} (${UPDATE})`);
  if (rows.differing.count > 0) await fillKept(tools, table);
  return staged;
}

/** Defaults and computed columns come about in it as in the table itself; nothing is forbidden in it. */
async function createStage({ target }: Carrying, { stage, to }: CarriedTable): Promise<void> {
  const name = stage.slice(stage.indexOf('.') + 1);
  await target.run(
    `CREATE TEMPORARY TABLE ${name} (LIKE ${to.sql} INCLUDING DEFAULTS INCLUDING GENERATED) ON COMMIT DROP`,
  );
  const changes = to.columns
    .filter(({ notNull }) => notNull)
    .map((column) => `ALTER COLUMN ${quoteIdentifier(column.name)} DROP NOT NULL`);
  const more = [`${UPDATE} boolean NOT NULL`, `${DONE} boolean NOT NULL DEFAULT false`, `${LEFT} text`];
  await target.run(`ALTER TABLE ${stage} ${[...changes, ...more.map((column) => `ADD COLUMN ${column}`)].join(', ')}`);
}

/** A row that is overwritten keeps what the source knows nothing of. */
async function fillKept({ target }: Carrying, table: CarriedTable): Promise<void> {
  const { stage, to, common, key } = table;
  const kept = to.columns.filter(({ name, generated }) => !generated && !common.includes(name));
  if (kept.length === 0) return;
  const values = kept.map(({ name }) => `${quoteIdentifier(name)} = kept.${quoteIdentifier(name)}`).join(', ');
  const same = `${keySql(key, 'kept.')} = ${keySql(key, 's.')}`;
  await target.run(`UPDATE ${stage} AS s SET ${values} FROM ${to.sql} AS kept WHERE s.${UPDATE} AND ${same}`);
}

async function* copyOfAll(tools: Carrying, table: CarriedTable, rows: LaterRows): AsyncGenerator<Uint8Array> {
  const { work } = tools;
  const total = rows.fresh.count + rows.differing.count;
  let done = 0;
  for (const [list, update] of [
    [rows.fresh, false],
    [rows.differing, true],
  ] as const) {
    for await (const keys of keyBatches(tools, list, table.key.length)) {
      yield* tools.source.copyOut(fetchSql(table, keys, update), work.signal);
      done += keys[0]?.length ?? 0;
      work.report({ phase: `carry ${table.name} (copy rows)`, done, total });
    }
  }
}

/** The listed keys in batches, each as a list of values for every column of the key. A key that comes twice is given once. */
async function* keyBatches({ store }: Carrying, list: ListRef, width: number): AsyncGenerator<string[][]> {
  let [batch, length, last]: [string[][], number, string | undefined] = [
    Array.from({ length: width }, () => []),
    0,
    undefined,
  ];
  for await (const lines of openLines(store, list.artifact, (line) => line.split('\t'))) {
    for (const [key = '', _hash, ...parts] of lines) {
      if (key === last) continue;
      last = key;
      const values = (width === 1 ? [key] : parts).map(unescapeField);
      for (const [at, value] of values.entries()) {
        batch[at]?.push(value);
        length += value.length;
      }
      if ((batch[0]?.length ?? 0) < BATCH_KEYS && length < BATCH_LENGTH) continue;
      yield batch;
      [batch, length] = [Array.from({ length: width }, () => []), 0];
    }
  }
  if ((batch[0]?.length ?? 0) > 0) yield batch;
}

function fetchSql({ from, key, copied }: CarriedTable, values: readonly string[][], update: boolean): string {
  const types = new Map(from.columns.map(({ name, type }) => [name, type]));
  const typed = key.map((column, at) => ({
    column: quoteIdentifier(column),
    type: types.get(column) ?? 'text',
    array: arraySql(values[at] ?? []),
  }));
  const [first] = typed;
  const wanted =
    typed.length === 1 && first && PLAIN_KEY.test(first.type)
      ? `${first.column} = ANY (${first.array}::${first.type}[])`
      : `(${typed.map(({ column }) => column).join(', ')}) IN (
           SELECT ${typed.map(({ type }, at) => `v${at}::${type}`).join(', ')}
             FROM unnest(${typed.map(({ array }) => `${array}::text[]`).join(', ')})
               AS asked(${typed.map((_part, at) => `v${at}`).join(', ')}))`;
  return `COPY (SELECT ${update}, ${copied.map(quoteIdentifier).join(', ')} FROM ${from.sql} WHERE ${wanted}) TO STDOUT`;
}

/** SQL that lists the keys in a stage, in order. */
export function stagedKeysSql(table: CarriedTable, condition: string, more = ''): string {
  const key = stageKey(table);
  return `COPY (SELECT ${key}${more} FROM ${table.stage} WHERE ${condition} ORDER BY ${key}) TO STDOUT`;
}
