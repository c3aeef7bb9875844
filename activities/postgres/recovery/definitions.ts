import { z } from 'zod';
import type { Session } from '../client.ts';
import type { Table } from './catalog.ts';

const definitionSchema = z.object({ table: z.string(), kind: z.string(), definition: z.string() });

/**
 * NOT NULL is told with the columns, and only newer servers have constraints for it. Partitions repeat what is told of their
 * parent.
 */
const DEFINITIONS = `
  SELECT asked.name AS "table", c.contype::text AS kind, pg_get_constraintdef(c.oid) AS definition
    FROM unnest($1::text[], $2::text[]) AS asked(name, sql)
    JOIN pg_catalog.pg_constraint c ON c.conrelid = to_regclass(asked.sql)
   WHERE c.convalidated AND c.conparentid = 0 AND c.contype IN ('c', 'f', 'p', 'u', 'x')`;

/**
 * `table: definition` of every validated constraint of these tables, sorted. Foreign tables are named with their schema, and checks
 * without casts and brackets, which Postgres writes otherwise once they have been through a dump: states of one schema agree,
 * whatever the search path and the past of each.
 */
export async function readDefinitions(session: Session, tables: readonly Table[]): Promise<string[]> {
  await session.run(`SET LOCAL search_path = ''`);
  const names = tables.map(({ name }) => name);
  const rows = await session.rows(definitionSchema, DEFINITIONS, [names, tables.map(({ sql }) => sql)]);
  await session.run('SET LOCAL search_path TO DEFAULT');
  const texts = rows.map(
    ({ table, kind, definition }) => `${table}: ${kind === 'c' ? withoutCasts(definition) : definition}`,
  );
  return [...new Set(texts)].toSorted((a, b) => (a < b ? -1 : 1));
}

/** Text in quotes stays as it is. */
function withoutCasts(definition: string): string {
  const parts = definition.split(/('(?:[^']|'')*'|"(?:[^"]|"")*")/);
  const bare = (part: string): string =>
    part
      .replace(CAST, '')
      .replace(/[()\s]+/g, ' ')
      .replace(/ ?([[\],]) ?/g, '$1');
  return parts
    .map((part, at) => (at % 2 === 1 ? part : bare(part)))
    .join('')
    .trim();
}

/** A cast to a type of Postgres' own, such as `::character varying(20)[]`. */
const CAST =
  /::(?:character varying|double precision|time(?:stamp)? with(?:out)? time zone|[a-z_]\w*)(?:\(\d+(?:,\s*\d+)?\))?(?:\[\])*/g;
