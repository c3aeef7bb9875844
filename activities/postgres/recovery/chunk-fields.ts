import type { PostgresConfig } from '../../../config/schema.ts';
import type { Session } from '../client.ts';
import { CHUNKS_FIELD, fingerprintSql, idSql } from '../rows.ts';
import { findColumns } from '../tables.ts';
import type { Table } from './catalog.ts';

/**
 * SQL of what lists say of chunk rows besides: point id and fingerprint of the text, '' where the state has lost that column;
 * nothing for other tables.
 * @throws UNKNOWN_ID_TYPE, POSTGRES_*
 */
export async function chunkFieldsSql(
  session: Session,
  { tables: { chunks } }: PostgresConfig,
  { name, columns }: Table,
): Promise<string[]> {
  if (chunks?.table !== name) return [];
  const there = new Set(columns.map((column) => column.name));
  const text = there.has(chunks.text) ? fingerprintSql(chunks.text) : `''`;
  if (!there.has(chunks.pointId)) return [`''`, text];
  const { pointId = '' } = await findColumns(session, CHUNKS_FIELD, name, { pointId: chunks.pointId });
  return [`coalesce((${idSql(chunks, pointId).id})::text, '')`, text];
}
