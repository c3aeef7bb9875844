import { z } from 'zod';
import type { Secret } from '../../config/secret.ts';
import type { FoundDatabase, FoundIds, FoundTable, Payload } from '../../domain/discovered.ts';
import type { PointId } from '../../domain/point-id.ts';
import { type Session, withSession } from './client.ts';
import { quoteIdentifier, quoteText } from './tables.ts';

/** Tables beyond this many are not looked at. */
const MOST_TABLES = 200;
const ROWS = 20;
/** Types that can hold ids of points. */
const ID_TYPES = /^(uuid|text|character varying.*|smallint|integer|bigint|numeric.*)$/;

const tableSchema = z.object({
  table: z.string(),
  columns: z.array(z.object({ name: z.string(), type: z.string(), needed: z.boolean() })),
  primaryKey: z.array(z.string()),
  references: z.array(z.object({ column: z.string(), table: z.string() })),
});

/** Every ordinary table that is no extension's and no system's, with its columns and what they refer to. */
const TABLES = `
  SELECT c.oid::regclass::text AS "table",
    (SELECT coalesce(jsonb_agg(jsonb_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
        'needed', a.attnotnull AND NOT a.atthasdef AND a.attidentity = '') ORDER BY a.attnum), '[]')
       FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
    (SELECT coalesce(jsonb_agg(a.attname ORDER BY array_position(i.indkey::int2[], a.attnum)), '[]')
       FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
      WHERE i.indrelid = c.oid AND i.indisprimary) AS "primaryKey",
    (SELECT coalesce(jsonb_agg(jsonb_build_object('column', a.attname, 'table', f.confrelid::regclass::text)), '[]')
       FROM pg_catalog.pg_constraint f JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = f.conkey[1]
      WHERE f.conrelid = c.oid AND f.contype = 'f' AND cardinality(f.conkey) = 1) AS "references"
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
  ORDER BY 1 LIMIT ${MOST_TABLES}`;

/**
 * The tables that there are, some rows of each, and where the ids of points are found among them. In one transaction that can
 * only read; what is found stays in memory.
 * @throws POSTGRES_*
 */
export function discoverDatabase(url: Secret, ids: readonly PointId[]): Promise<FoundDatabase> {
  return withSession(url, 'read', async (session) => {
    const tables: FoundTable[] = [];
    const found: FoundIds[] = [];
    for (const table of await session.rows(tableSchema, TABLES)) {
      tables.push({ ...table, rows: await rowsOf(session, table.table, 'to_jsonb(t)', 'true', []) });
      for (const { name, type } of table.columns.filter((column) => ID_TYPES.test(column.type)))
        found.push(await findIds(session, { table: table.table, column: name, type }, ids));
    }
    return { tables, ids: found.filter(({ matched }) => matched > 0).sort((a, b) => b.matched - a.matched) };
  });
}

async function findIds(
  session: Session,
  { table, column, type }: { table: string; column: string; type: string },
  ids: readonly PointId[],
): Promise<FoundIds> {
  // Ids of another kind cannot be in a column of this one, and would make the cast fail.
  const fitting = ids.filter((id) => (type === 'uuid' ? id.includes('-') : isText(type) || !id.includes('-')));
  const among = isText(type) ? 'text[]' : type === 'uuid' ? 'uuid[]' : 'numeric[]';
  const name = quoteIdentifier(column);
  const side = isText(type) ? `${name}::text` : type === 'uuid' ? name : `${name}::numeric`;
  // As text: JSON's numbers would be rounded.
  const row = `to_jsonb(t) || jsonb_build_object(${quoteText(column)}, t.${name}::text)`;
  const rows = fitting.length === 0 ? [] : await rowsOf(session, table, row, `${side} = ANY ($1::${among})`, [fitting]);
  return { table, column, matched: rows.length, rows };
}

function isText(type: string): boolean {
  return type === 'text' || type.startsWith('character varying');
}

/** Names of tables come quoted from the catalog. */
async function rowsOf(
  session: Session,
  table: string,
  row: string,
  where: string,
  values: readonly unknown[],
): Promise<Payload[]> {
  const rowSchema = z.object({ row: z.record(z.string(), z.unknown()) });
  const limit = values.length === 0 ? ROWS : 1_000;
  const sql = `SELECT ${row} AS row FROM ${table} t WHERE ${where} LIMIT ${limit}`;
  return (await session.rows(rowSchema, sql, values)).map(({ row }) => row);
}
