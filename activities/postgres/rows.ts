import type { PostgresConfig } from '../../config/schema.ts';
import { RecoveryError } from '../../domain/failures.ts';
import type { Batches, RowEntry } from '../../domain/index-entry.ts';
import { comparePointIds, isPointId } from '../../domain/point-id.ts';
import { type Deadlines, Session } from './client.ts';
import { copyRows, unescapeField } from './copy-text.ts';
import { findColumns, quoteName } from './tables.ts';

export type ChunkTable = NonNullable<PostgresConfig['tables']['chunks']>;
export const CHUNKS_FIELD = 'postgres.tables.chunks';

/** @throws RecoveryError INVALID_CONFIGURATION for a backend that keeps no chunk rows */
export function mustHaveChunks({ tables: { chunks } }: Pick<PostgresConfig, 'tables'>): ChunkTable {
  if (chunks) return chunks;
  throw new RecoveryError('INVALID_CONFIGURATION', `${CHUNKS_FIELD}: is not configured`);
}

/**
 * Read once through and sorted, which Postgres does on several cores. Ids are random, so the index on them would fetch
 * the table in random order: four times as slow for a million rows that are in memory, and far worse when they are not.
 */
export const FAST_SORT = [`SET LOCAL work_mem = '64MB'`, 'SET LOCAL enable_indexscan = off'] as const;

/** SQL of a column's fingerprint: the first 64 bits of the SHA-256 of its UTF-8 text, '' for NULL. */
export function fingerprintSql(column: string): string {
  return `coalesce(encode(substring(sha256(convert_to(${quoteName(column)}::text, 'UTF8')), 1, 8), 'hex'), '')`;
}

/** How ids of one column type are written in canonical form, and put in Qdrant's order: integers, then UUIDs bytewise. */
export interface IdSql {
  readonly id: string;
  readonly order: string;
}

/** @throws RecoveryError UNKNOWN_ID_TYPE for a type that cannot hold point ids */
export function idSql(table: ChunkTable, type: string): IdSql {
  const column = quoteName(table.pointId);
  if (/^(uuid|smallint|integer|bigint|numeric)$/.test(type)) return { id: column, order: column };
  if (/^(text|character varying|character)$/.test(type)) {
    const id = `lower(${column}::text COLLATE "C")`;
    return { id, order: `length(${id}), ${id}` };
  }
  throw new RecoveryError(
    'UNKNOWN_ID_TYPE',
    `${CHUNKS_FIELD}.pointId: column "${table.pointId}" of "${table.table}" is of type ${type}; point ids are integers or UUIDs`,
  );
}

/**
 * Streams every chunk row with a point id, sorted, as of one moment: the fingerprints are computed by Postgres, so that
 * texts do not travel.
 * @throws POSTGRES_*, UNEXPECTED_SCHEMA (also for an id that two rows share), UNKNOWN_ID_TYPE
 */
export async function* readRows(
  { url }: Pick<PostgresConfig, 'url'>,
  table: ChunkTable,
  signal?: AbortSignal,
  deadlines?: Deadlines,
): Batches<RowEntry> {
  const session = await Session.open(url, 'read', deadlines);
  try {
    yield* readRowsIn(session, table, signal);
  } finally {
    await session.close();
  }
}

/** As `readRows`, as of the moment that the session sees. */
export async function* readRowsIn(session: Session, table: ChunkTable, signal?: AbortSignal): Batches<RowEntry> {
  const { pointId = '' } = await findColumns(session, CHUNKS_FIELD, table.table, {
    pointId: table.pointId,
    text: table.text,
    source: table.source,
  });
  for (const setting of FAST_SORT) await session.run(setting);
  const parse = rowParser(table);
  for await (const lines of copyRows(session.copyOut(copySql(table, idSql(table, pointId)), signal))) {
    yield lines.map(parse);
  }
}

function copySql(table: ChunkTable, { id, order }: IdSql): string {
  const source = `coalesce(${quoteName(table.source)}::text, '')`;
  return `COPY (SELECT ${id}, ${fingerprintSql(table.text)}, ${source} FROM ${quoteName(table.table)}
    WHERE ${quoteName(table.pointId)} IS NOT NULL ORDER BY ${order}) TO STDOUT`;
}

/** Reads one line after the other, and sees to it that every id is one and comes once. */
function rowParser(table: ChunkTable): (line: string) => RowEntry {
  const where = `${CHUNKS_FIELD}.pointId: column "${table.pointId}" of "${table.table}"`;
  let before: string | undefined;
  return (line) => {
    const tab = line.indexOf('\t');
    const second = line.indexOf('\t', tab + 1);
    const id = line.slice(0, tab);
    if (!isPointId(id)) {
      throw new RecoveryError(
        'UNKNOWN_ID_TYPE',
        `${where} holds ${JSON.stringify(id.slice(0, 80))}, which is neither an unsigned 64-bit integer nor a UUID`,
      );
    }
    if (before !== undefined && comparePointIds(before, id) >= 0) {
      throw new RecoveryError(
        'UNEXPECTED_SCHEMA',
        before === id ? `${where} holds ${id} more than once` : `${where} was read out of order at ${id}`,
      );
    }
    before = id;
    return { id, text: line.slice(tab + 1, second), section: unescapeField(line.slice(second + 1)) };
  };
}
