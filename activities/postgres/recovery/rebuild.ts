import { z } from 'zod';
import type { PostgresConfig } from '../../../config/schema.ts';
import { RecoveryError } from '../../../domain/failures.ts';
import type { RebuiltRow } from '../../../domain/trace.ts';
import { type Session, withSession } from '../client.ts';
import { CHUNKS_FIELD, type ChunkTable } from '../rows.ts';
import { findColumns, quoteIdentifier, quoteName } from '../tables.ts';

const nameSchema = z.object({ name: z.string() });
const writtenSchema = z.object({ written: z.unknown() });

/**
 * Writes rows for points that have none, in one transaction. A row that is there, or that a unique column stands against, is left
 * as it is. @returns how many were written
 * @throws UNEXPECTED_SCHEMA naming columns that must have a value and have none, POSTGRES_*
 */
export function insertMissing(
  { url, tables: { chunks } }: Pick<PostgresConfig, 'url' | 'tables'>,
  rows: readonly RebuiltRow[],
  signal?: AbortSignal,
): Promise<number> {
  if (!chunks) throw new RecoveryError('INVALID_CONFIGURATION', `${CHUNKS_FIELD}: is not configured`);
  return withSession(
    url,
    'write',
    async (session) => {
      const columns = columnsOf(chunks);
      await checkColumns(session, chunks, columns);
      let written = 0;
      for (const row of rows) written += await insertRow(session, chunks, valuesOf(columns, row));
      await session.commit();
      return written;
    },
    undefined,
    signal,
  );
}

type Read = (row: RebuiltRow) => string | number | undefined;
export type Columns = ReadonlyMap<string, Read>;

/** What stands in each column of a new row. The canary's constants are for what points do not tell. */
export function columnsOf(chunks: ChunkTable): Columns {
  const { pointId, text, source, index, hash, payload = {}, canary = {} } = chunks;
  const constants = Object.entries(canary).map(([name, value]): [string, Read] => [name, () => String(value)]);
  const further = Object.keys(payload).map((name): [string, Read] => [name, (row) => row.further[name]]);
  const own: [string | undefined, Read][] = [
    [index, (row) => row.index],
    [hash, (row) => row.hash],
    [text, (row) => row.text],
    [source, (row) => row.source],
    [pointId, (row) => row.id],
  ];
  const known = own.filter((entry): entry is [string, Read] => entry[0] !== undefined);
  return new Map([...constants, ...further, ...known]);
}

/** The columns that a row has a value for. */
export function valuesOf(columns: Columns, row: RebuiltRow): Map<string, string | number> {
  const known = [...columns].map(([name, read]) => [name, read(row)] as const);
  return new Map(known.filter((entry): entry is [string, string | number] => entry[1] !== undefined));
}

/** @throws UNEXPECTED_SCHEMA naming columns that must have a value and have none */
export async function checkColumns(session: Session, { table }: ChunkTable, columns: Columns): Promise<void> {
  await findColumns(session, CHUNKS_FIELD, table, Object.fromEntries([...columns.keys()].map((name) => [name, name])));
  const needed = await session.rows(
    nameSchema,
    `SELECT attname AS name FROM pg_catalog.pg_attribute
      WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped
        AND attnotnull AND NOT atthasdef AND attidentity = '' ORDER BY attnum`,
    [quoteName(table)],
  );
  const without = needed.map(({ name }) => name).filter((name) => !columns.has(name));
  if (without.length === 0) return;
  throw new RecoveryError(
    'UNEXPECTED_SCHEMA',
    `${CHUNKS_FIELD}.payload: columns of "${table}" must have a value, and no payload field is named for ${without.join(', ')}`,
  );
}

/** Writes a row unless its id, or a unique column of it, is there. @returns how many were written */
export async function insertRow(
  session: Session,
  { table, pointId }: ChunkTable,
  values: ReadonlyMap<string, string | number>,
): Promise<number> {
  const names = [...values.keys()];
  // The id once more, as text: one parameter cannot be of two types.
  const done = await session.rows(
    writtenSchema,
    `INSERT INTO ${quoteName(table)} (${names.map(quoteIdentifier).join(', ')})
     SELECT ${names.map((_name, at) => `$${at + 1}`).join(', ')}
      WHERE NOT EXISTS (SELECT FROM ${quoteName(table)} WHERE ${quoteIdentifier(pointId)}::text = $${names.length + 1}::text)
     ON CONFLICT DO NOTHING RETURNING 1 AS written`,
    [...values.values(), values.get(pointId)],
  );
  return done.length;
}
