import { z } from 'zod';
import type { Session } from '../client.ts';
import { quoteIdentifier, quoteName } from '../tables.ts';

const columnSchema = z.object({
  name: z.string(),
  /** As SQL writes it, with its length or precision. */
  type: z.string(),
  notNull: z.boolean(),
  /** Computed from other columns: nobody can write it. */
  generated: z.boolean(),
  /** `a`: numbered by Postgres always, `d`: unless a number is given; '' otherwise. */
  identity: z.string(),
  hasDefault: z.boolean(),
  /** Its place in the primary key, from 1; null outside it. */
  keyAt: z.coerce.number().nullable(),
});
export type Column = z.infer<typeof columnSchema>;
const rowSchema = columnSchema.extend({ table: z.string() });

/** A table as the catalog has it. */
export interface Table {
  /** As it is configured. */
  readonly name: string;
  /** With its schema, quoted. */
  readonly sql: string;
  /** In the order of their names, bytewise. */
  readonly columns: readonly Column[];
  /** Columns of the primary key, in its order; empty without one. */
  readonly key: readonly string[];
}

const COLUMNS = `
  SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS "table", a.attname AS name,
         format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS "notNull", a.attgenerated <> '' AS generated,
         a.attidentity::text AS identity, a.atthasdef OR t.typdefault IS NOT NULL AS "hasDefault",
         (SELECT k.at FROM pg_catalog.pg_index i CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k(num, at)
           WHERE i.indrelid = c.oid AND i.indisprimary AND k.num = a.attnum AND k.at <= i.indnkeyatts) AS "keyAt"
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
   WHERE c.oid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
   ORDER BY a.attname COLLATE "C"`;

/** What the catalog says of a table; `undefined` for one that is not there. */
export async function findTable(session: Session, name: string): Promise<Table | undefined> {
  const rows = await session.rows(rowSchema, COLUMNS, [quoteName(name)]);
  const [first] = rows;
  if (!first) return undefined;
  const columns = rows.map(({ table: _table, ...column }) => column);
  const key = columns
    .filter(({ keyAt }) => keyAt !== null)
    .toSorted((a, b) => (a.keyAt ?? 0) - (b.keyAt ?? 0))
    .map((column) => column.name);
  return { name, sql: first.table, columns, key };
}

/** Columns that both have, in the order of their names. */
export function commonColumns(one: Table, other: Table): string[] {
  const there = new Set(other.columns.map(({ name }) => name));
  return one.columns.map(({ name }) => name).filter((name) => there.has(name));
}

/** The key that rows of both are told by; `undefined` when neither's primary key is of columns that both have. */
export function commonKey(one: Table, other: Table): readonly string[] | undefined {
  const both = new Set(commonColumns(one, other));
  return [one.key, other.key].find((key) => key.length > 0 && key.every((column) => both.has(column)));
}

/** SQL of a key's text: one column as it is, several as a row. `of` is what the columns belong to. */
export function keySql(key: readonly string[], of = ''): string {
  const columns = key.map((column) => `${of}${quoteIdentifier(column)}`);
  return columns.length === 1
    ? `${columns.join('')}::text COLLATE "C"`
    : `ROW(${columns.join(', ')})::text COLLATE "C"`;
}
