import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { PostgresConfig } from '../../config/schema.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { type Session, withSession } from './client.ts';
import { CHUNKS_FIELD, type ChunkTable, mustHaveChunks } from './rows.ts';
import { findColumns, quoteIdentifier, quoteName } from './tables.ts';

/** What the canary's row says. */
export interface CanaryRow {
  readonly pointId: string;
  readonly text: string;
  readonly section: string;
}

const columnSchema = z.object({ name: z.string() });
const changedSchema = z.object({ changed: z.unknown() });

/**
 * Writes the canary's row, always the same one, found by its point id. All of its columns are known before anything is written.
 * @throws INVALID_CONFIGURATION naming columns that would have no value, POSTGRES_*, UNEXPECTED_SCHEMA
 */
export function plantCanaryRow(config: PostgresConfig, row: CanaryRow): Promise<void> {
  const chunks = mustHaveChunks(config);
  return withSession(config.url, 'write', async (session) => {
    const values = valuesOf(chunks, row);
    await checkColumns(session, chunks, values);
    await upsert(session, chunks, values, row.pointId);
    await session.commit();
  });
}

/** Constants may say what stands in the optional columns, but the canary itself is ours. */
function valuesOf(chunks: ChunkTable, { pointId, text, section }: CanaryRow): Map<string, string> {
  const optional: [string | undefined, string][] = [
    [chunks.index, '0'],
    [chunks.hash, createHash('sha256').update(text).digest('hex')],
  ];
  const known = optional.filter((entry): entry is [string, string] => entry[0] !== undefined);
  const constants = Object.entries(chunks.canary ?? {}).map(([name, value]): [string, string] => [name, String(value)]);
  const own: [string, string][] = [
    [chunks.text, text],
    [chunks.source, section],
    [chunks.pointId, pointId],
  ];
  return new Map([...known, ...constants, ...own]);
}

/** Whether a canary's row could be written, before anything is. @throws as `plantCanaryRow` */
export async function checkCanaryRow(session: Session, chunks: ChunkTable): Promise<void> {
  await checkColumns(session, chunks, valuesOf(chunks, { pointId: '', text: '', section: '' }));
}

async function checkColumns(session: Session, chunks: ChunkTable, values: ReadonlyMap<string, string>): Promise<void> {
  const { table, pointId, text, source, index, hash, canary = {} } = chunks;
  const constants = Object.fromEntries(Object.keys(canary).map((name) => [`canary.${name}`, name]));
  await findColumns(session, CHUNKS_FIELD, table, { pointId, text, source, index, hash, ...constants });
  const needed = await session.rows(
    columnSchema,
    `SELECT attname AS name FROM pg_catalog.pg_attribute
      WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped
        AND attnotnull AND NOT atthasdef AND attidentity = '' ORDER BY attnum`,
    [quoteName(table)],
  );
  const without = needed.map(({ name }) => name).filter((name) => !values.has(name));
  if (without.length === 0) return;
  throw new RecoveryError(
    'INVALID_CONFIGURATION',
    `${CHUNKS_FIELD}.canary: columns of "${table}" must have a value and none is configured: ${without.join(', ')}`,
  );
}

/** By two statements, since there need not be a unique index on the column. Backups exclude each other. */
async function upsert(
  session: Session,
  { table, pointId }: ChunkTable,
  values: ReadonlyMap<string, string>,
  id: string,
): Promise<void> {
  const others = [...values].filter(([name]) => name !== pointId);
  const assignments = others.map(([name], at) => `${quoteIdentifier(name)} = $${at + 2}`);
  const changed = await session.rows(
    changedSchema,
    `UPDATE ${quoteName(table)} SET ${assignments.join(', ')} WHERE ${quoteIdentifier(pointId)} = $1 RETURNING 1 AS changed`,
    [id, ...others.map(([, value]) => value)],
  );
  if (changed.length > 0) return;
  const names = [...values.keys()].map(quoteIdentifier);
  const places = names.map((_name, at) => `$${at + 1}`);
  await session.run(`INSERT INTO ${quoteName(table)} (${names.join(', ')}) VALUES (${places.join(', ')})`, [
    ...values.values(),
  ]);
}
