import { z } from 'zod';
import type { PostgresConfig } from '../../config/schema.ts';
import { parsePointId, type PointId } from '../../domain/point-id.ts';
import type { ChunkRow } from '../../domain/row-store.ts';
import { type Session, withSession } from './client.ts';
import { CHUNKS_FIELD, type ChunkTable, fingerprintSql, idSql } from './rows.ts';
import { findColumns, quoteName } from './tables.ts';

const rowSchema = z.object({
  id: z.unknown().transform(parsePointId).pipe(z.string()),
  text: z.string().nullable(),
  fingerprint: z.string(),
  source: z.string(),
  index: z.string().nullable(),
  hash: z.string().nullable(),
});

/** The chunk rows that exist among `ids`, with their texts. @throws POSTGRES_*, UNEXPECTED_SCHEMA, UNKNOWN_ID_TYPE */
export function readTexts(
  { url }: Pick<PostgresConfig, 'url'>,
  table: ChunkTable,
  ids: readonly PointId[],
  signal?: AbortSignal,
): Promise<ChunkRow[]> {
  return withSession(url, 'read', async (session) => {
    signal?.throwIfAborted();
    const sql = await selectSql(session, table);
    const rows = await session.rows(rowSchema, sql, [ids]);
    return rows.map(({ id, text, fingerprint, source, index, hash }) => ({
      id,
      text: text ?? '',
      fingerprint,
      source,
      ...(index !== null && /^-?\d+$/.test(index) ? { index: Number(index) } : {}),
      ...(hash === null ? {} : { hash }),
    }));
  });
}

async function selectSql(session: Session, table: ChunkTable): Promise<string> {
  const { pointId: type = '' } = await findColumns(session, CHUNKS_FIELD, table.table, {
    pointId: table.pointId,
    text: table.text,
    source: table.source,
    index: table.index,
    hash: table.hash,
  });
  const { id } = idSql(table, type);
  const optional = (column: string | undefined): string =>
    column === undefined ? 'NULL' : `${quoteName(column)}::text`;
  return `SELECT ${id}::text AS id, ${quoteName(table.text)}::text AS text, ${fingerprintSql(table.text)} AS fingerprint,
      coalesce(${quoteName(table.source)}::text, '') AS source, ${optional(table.index)} AS index, ${optional(table.hash)} AS hash
    FROM ${quoteName(table.table)} WHERE ${amongSql(table.pointId, type)}`;
}

const ASKED = 'unnest($1::text[]) AS asked(id)';
const INTEGER = /^(smallint|integer|bigint)$/;

/**
 * The condition, written so that the column's own index serves it. Ids of the other kind cannot be in a column of this
 * one, and would make the cast fail, so they are left out.
 */
export function amongSql(pointId: string, type: string): string {
  const column = quoteName(pointId);
  if (type === 'uuid') return `${column} = ANY (ARRAY(SELECT id::uuid FROM ${ASKED} WHERE length(id) = 36))`;
  const number = `CASE WHEN length(id) < 36 THEN id::numeric END`;
  if (type === 'numeric') return `${column} = ANY (ARRAY(SELECT ${number} FROM ${ASKED}))`;
  // Qdrant's integers reach 2^64, Postgres' 2^63.
  const bigint = `CASE WHEN (${number}) < 9223372036854775808 THEN id::bigint END`;
  if (INTEGER.test(type)) return `${column} = ANY (ARRAY(SELECT ${bigint} FROM ${ASKED}))`;
  return `${column}::text = ANY (ARRAY(SELECT id FROM ${ASKED} UNION ALL SELECT upper(id) FROM ${ASKED}))`;
}
