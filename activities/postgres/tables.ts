import { z } from 'zod';
import { RecoveryError } from '../../domain/failures.ts';
import type { Session } from './client.ts';

const columnSchema = z.object({ name: z.string(), type: z.string() });

/** A table or column name as SQL: every part quoted, so that `Chunk` and `order` work. */
export function quoteName(name: string): string {
  return name.split('.').map(quoteIdentifier).join('.');
}

/** The name of what has no schema, such as a column, a database or a role: a dot in it is a part of it. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as SQL, for the statements that take no parameters. Right whatever `standard_conforming_strings` says. */
export function quoteText(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes('\\') ? `E${quoted.replaceAll('\\', '\\\\')}` : quoted;
}

/**
 * Looks the configured columns up in the catalog, and tells each one's base type (of a domain, what it stands on).
 * `field` is where the table is configured, for messages: `postgres.tables.chunks`.
 * @throws RecoveryError UNEXPECTED_SCHEMA naming the setting, the table, and the columns that there are
 */
export async function findColumns(
  session: Session,
  field: string,
  table: string,
  columns: Readonly<Record<string, string | undefined>>,
): Promise<Record<string, string>> {
  const found = await session.rows(
    columnSchema,
    `SELECT a.attname AS name, coalesce(nullif(t.typbasetype, 0), t.oid)::regtype::text AS type
       FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
      WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
    [quoteName(table)],
  );
  if (found.length === 0)
    throw new RecoveryError('UNEXPECTED_SCHEMA', `${field}.table: Postgres has no table "${table}"`);
  const types = new Map(found.map(({ name, type }) => [name, type]));
  const wanted = Object.entries(columns).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const known = wanted.map(([setting, column]): [string, string] => [
    setting,
    typeOf(types, `${field}.${setting}`, table, column),
  ]);
  return Object.fromEntries<string>(known);
}

function typeOf(types: ReadonlyMap<string, string>, setting: string, table: string, column: string): string {
  const type = types.get(column);
  if (type !== undefined) return type;
  const there = [...types.keys()].join(', ');
  throw new RecoveryError(
    'UNEXPECTED_SCHEMA',
    `${setting}: table "${table}" has no column "${column}"; it has ${there}`,
  );
}
