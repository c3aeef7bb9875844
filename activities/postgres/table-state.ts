import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { PostgresConfig } from '../../config/schema.ts';
import type { Session } from './client.ts';
import { findColumns, quoteIdentifier, quoteName } from './tables.ts';

/** How many rows a table has, and what they are. */
export interface TableState {
  readonly rows: number;
  readonly fingerprint: string;
}

const countSchema = z.object({ count: z.coerce.number() });
const stateSchema = z.object({ count: z.string(), sum: z.string() });
const namesSchema = z.object({ name: z.string() });

/** Everything that decides how a value is written as text: servers and roles have defaults of their own. */
const FIXED = {
  DateStyle: 'ISO, MDY',
  TimeZone: 'UTC',
  extra_float_digits: '3',
  bytea_output: 'hex',
  IntervalStyle: 'postgres',
  lc_monetary: 'C',
} as const;

/** Every configured table once, with the setting that names it. */
export function configuredTables({ tables }: Pick<PostgresConfig, 'tables'>): Map<string, string> {
  const found = new Map<string, string>();
  const { others, ...named } = tables;
  const all = [
    ...Object.entries(named).flatMap(([name, entry]) =>
      entry ? [[entry.table, `postgres.tables.${name}`] as const] : [],
    ),
    ...others.map((table) => [table, 'postgres.tables.others'] as const),
  ];
  for (const [table, field] of all) if (!found.has(table)) found.set(table, field);
  return found;
}

/** From here to the end of the transaction values are written as they are written for every fingerprint and key. */
export async function fixTexts(session: Session): Promise<void> {
  for (const [name, value] of Object.entries(FIXED)) await session.run(`SET LOCAL ${name} = '${value}'`);
}

/** SQL of a 64-bit hash of a row's text over these columns, which should stand in the order of their names. */
export function rowHashSql(columns: readonly string[]): string {
  return `hashtextextended(ROW(${columns.map(quoteIdentifier).join(', ')})::text COLLATE "C", 0)`;
}

/** @throws POSTGRES_*, UNEXPECTED_SCHEMA for a table that is absent */
export async function countTable(session: Session, table: string, field: string): Promise<number> {
  await findColumns(session, field, table, {});
  const [row] = await session.rows(countSchema, `SELECT count(*) AS count FROM ${quoteName(table)}`);
  return row?.count ?? 0;
}

/**
 * Counts and fingerprints a table in one pass, without sorting: `rows:sum:columns`, the sum of 64-bit hashes of every row's text,
 * and a tag of the column names. Columns are taken in the order of their names, so that a copy whose columns stand in another
 * order agrees. Accidental change shows; it is no proof against somebody who computes a collision.
 * @throws POSTGRES_*, UNEXPECTED_SCHEMA for a table that is absent
 */
export async function readTableState(session: Session, table: string, field: string): Promise<TableState> {
  await findColumns(session, field, table, {});
  await fixTexts(session);
  const columns = await session.rows(
    namesSchema,
    `SELECT attname AS name FROM pg_catalog.pg_attribute
      WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attname COLLATE "C"`,
    [quoteName(table)],
  );
  const names = columns.map(({ name }) => name);
  const [state] = await session.rows(
    stateSchema,
    `SELECT count(*)::text AS count, coalesce(sum(${rowHashSql(names)}::numeric), 0)::text AS sum
       FROM ${quoteName(table)}`,
  );
  if (!state) throw new Error('Postgres answered an aggregate without a row');
  const tag = createHash('sha256').update(JSON.stringify(names)).digest('hex').slice(0, 8);
  return { rows: Number(state.count), fingerprint: `${state.count}:${state.sum}:${tag}` };
}
