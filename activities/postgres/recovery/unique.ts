import { z } from 'zod';
import type { Session } from '../client.ts';
import { quoteIdentifier } from '../tables.ts';
import { type CarriedTable, LEFT, UPDATE, WAITING } from './carrying.ts';
import { keySql, type Table } from './catalog.ts';

const ruleSchema = z.object({
  /** SQL of what must not come twice: columns or expressions. */
  parts: z.array(z.string()),
  predicate: z.string().nullable(),
  /** Two NULLs count as the same. */
  nullsEqual: z.boolean(),
});

/** A unique index of the target, which a constraint may stand on. */
export interface UniqueRule extends z.infer<typeof ruleSchema> {
  /** The source has the same rule, so that its rows agree with each other. */
  readonly kept: boolean;
  /** It is the key itself, and of a type whose equal values have equal texts: a new row is new by it. */
  readonly settled: boolean;
}

/** Only newer servers can count NULLs as the same. */
const RULES = `
  SELECT (SELECT array_agg(pg_get_indexdef(i.indexrelid, n, false) ORDER BY n) FROM generate_series(1, i.indnkeyatts) n) AS parts,
         pg_get_expr(i.indpred, i.indrelid) AS predicate,
         coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false) AS "nullsEqual"
    FROM pg_catalog.pg_index i
   WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indislive ORDER BY i.indexrelid`;
const EXACT = /^(smallint|integer|bigint|uuid)$/;

/** The rules of the target's table, seen beside those of the source's. */
export async function readUnique(
  { source, target }: { readonly source: Session; readonly target: Session },
  { from, to, key }: CarriedTable,
): Promise<UniqueRule[]> {
  const theirs = new Set((await source.rows(ruleSchema, RULES, [from.sql])).map((rule) => JSON.stringify(rule)));
  const types = new Map(to.columns.map(({ name, type }) => [name, type]));
  const exact = sameTypes(from, to, key) && key.every((column) => EXACT.test(types.get(column) ?? ''));
  const rules = await target.rows(ruleSchema, RULES, [to.sql]);
  const keyParts = JSON.stringify(key.map(quoteIdentifier).toSorted());
  const plain = new Map(to.columns.map(({ name }) => [name, quoteIdentifier(name)]));
  return rules.map((rule) => {
    const parts = rule.parts.map((part) => plain.get(part) ?? part).toSorted();
    return { ...rule, kept: theirs.has(JSON.stringify(rule)), settled: exact && JSON.stringify(parts) === keyParts };
  });
}

function sameTypes(from: Table, to: Table, columns: readonly string[]): boolean {
  const typesOf = ({ columns: all }: Table): string =>
    JSON.stringify(columns.map((column) => all.find(({ name }) => name === column)?.type));
  return typesOf(from) === typesOf(to);
}

/** Marks waiting rows that the target has already by another key, or that repeat one before them. @returns how many */
export async function markDuplicates(
  target: Session,
  table: CarriedTable,
  rule: UniqueRule,
  update: boolean,
): Promise<number> {
  let marked = 0;
  for (const duplicates of duplicatesSql(table, rule, update)) {
    marked += await target.change(`UPDATE ${table.stage} SET ${LEFT} = 'not unique' WHERE ctid IN (${duplicates})`);
  }
  return marked;
}

function duplicatesSql(table: CarriedTable, rule: UniqueRule, update: boolean): string[] {
  const { stage, to, key } = table;
  const parts = rule.parts.map((part, at) => `(${part}) AS u${at}`).join(', ');
  const names = rule.parts.map((_part, at) => `u${at}`);
  const where = rule.predicate === null ? 'true' : `(${rule.predicate})`;
  const waiting = `SELECT ctid AS at, ${keySql(key)} AS k, ${parts} FROM ${stage} WHERE ${WAITING} AND ${UPDATE} = ${update} AND ${where}`;
  const there = `SELECT ${keySql(key)} AS k, ${parts} FROM ${to.sql} WHERE ${where}`;
  const nth = `row_number() OVER (PARTITION BY ${names.join(', ')} ORDER BY k NULLS FIRST, at NULLS FIRST)`;
  if (rule.nullsEqual) {
    // Equality that counts NULLs as the same can only be had by sorting. Rows that are overwritten are left to the index.
    if (update) return [];
    const columns = `at, k, ${names.join(', ')}`;
    const all = `SELECT ${columns} FROM (${waiting}) w UNION ALL SELECT NULL::tid, NULL, ${names.join(', ')} FROM (${there}) t`;
    return [`SELECT at FROM (SELECT at, ${nth} AS nth FROM (${all}) a) n WHERE nth > 1 AND at IS NOT NULL`];
  }
  const same = names.map((name) => `t.${name} = w.${name}`).join(' AND ');
  const present = names.map((name) => `${name} IS NOT NULL`).join(' AND ');
  const others = update ? ' AND t.k <> w.k' : '';
  return [
    ...(rule.settled ? [] : [`SELECT w.at FROM (${waiting}) w JOIN (${there}) t ON ${same}${others}`]),
    ...(rule.kept
      ? []
      : [`SELECT at FROM (SELECT at, ${nth} AS nth FROM (${waiting}) w WHERE ${present}) n WHERE nth > 1`]),
  ];
}
