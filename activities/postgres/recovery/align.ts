import { z } from 'zod';
import type { PostgresConfig } from '../../../config/schema.ts';
import { RecoveryError } from '../../../domain/failures.ts';
import { parsePointId, type PointId } from '../../../domain/point-id.ts';
import type { AlteredRow, RebuiltRow, RowAlignment } from '../../../domain/trace.ts';
import { textFingerprint } from '../../fingerprint.ts';
import { PATIENCE, type Session, withSession } from '../client.ts';
import { CHUNKS_FIELD, type ChunkTable, fingerprintSql } from '../rows.ts';
import { findColumns, quoteIdentifier, quoteName } from '../tables.ts';
import { amongSql } from '../texts.ts';
import { checkColumns, columnsOf, insertRow, valuesOf } from './rebuild.ts';

type Config = Pick<PostgresConfig, 'url' | 'tables'>;

const thereSchema = z.object({
  id: z.unknown().transform(parsePointId).pipe(z.string()),
  text: z.string(),
  source: z.string(),
  row: z.string(),
});
type There = z.infer<typeof thereSchema>;

/**
 * Lets the rows say what the given ones say, in one transaction: absent ones are written, others changed. What they were is durable
 * before it commits. Doing it again changes nothing.
 * @throws UNEXPECTED_SCHEMA, POSTGRES_*
 */
export function alignRows(
  { url, tables: { chunks } }: Config,
  { rows, then, keep, seal }: RowAlignment,
  signal?: AbortSignal,
): Promise<{ changed: number; written: number; newer: number }> {
  const table = mustHaveTable(chunks);
  return withSession(
    url,
    'write',
    async (session) => {
      const done = { changed: 0, written: 0, newer: 0 };
      const columns = columnsOf(table);
      await session.run(PATIENCE);
      await checkColumns(session, table, columns);
      for await (const batch of rows) {
        const there = await lockThere(session, table, batch);
        const altered: AlteredRow[] = [];
        for (const row of batch) {
          const before = there.get(row.id);
          const after = textFingerprint(row.text);
          if (before?.text === after && before.source === row.source) continue;
          if (before && before.text !== after && then.get(row.id) !== before.text) done.newer += 1;
          else if (before) {
            await change(session, table, row);
            done.changed += 1;
            altered.push({ id: row.id, before: before.row, after });
          } else if ((await insertRow(session, table, valuesOf(columns, row))) > 0) {
            done.written += 1;
            altered.push({ id: row.id, before: null, after });
          } else done.newer += 1;
        }
        await keep(altered);
      }
      await seal();
      await session.commit();
      return done;
    },
    undefined,
    signal,
  );
}

function mustHaveTable(chunks: ChunkTable | undefined): ChunkTable {
  if (chunks) return chunks;
  throw new RecoveryError('INVALID_CONFIGURATION', `${CHUNKS_FIELD}: is not configured`);
}

/** The rows as they are; the ones that will be changed are locked, and nobody waits for the others. */
async function lockThere(
  session: Session,
  table: ChunkTable,
  rows: readonly RebuiltRow[],
): Promise<ReadonlyMap<PointId, There>> {
  const there = await readThere(session, table, rows, '');
  const differing = rows.filter((row) => {
    const before = there.get(row.id);
    return before && (before.text !== textFingerprint(row.text) || before.source !== row.source);
  });
  if (differing.length === 0) return there;
  const locked = await readThere(session, table, differing, 'FOR UPDATE');
  return new Map([...there, ...locked]);
}

async function readThere(
  session: Session,
  table: ChunkTable,
  rows: readonly RebuiltRow[],
  lock: '' | 'FOR UPDATE',
): Promise<ReadonlyMap<PointId, There>> {
  const { pointId: type = '' } = await findColumns(session, CHUNKS_FIELD, table.table, { pointId: table.pointId });
  const found = await session.rows(
    thereSchema,
    `SELECT ${quoteName(table.pointId)}::text AS id, ${fingerprintSql(table.text)} AS text,
        coalesce(${quoteName(table.source)}::text, '') AS source, to_jsonb(chunk)::text AS row
       FROM ${quoteName(table.table)} AS chunk WHERE ${amongSql(table.pointId, type)} ${lock}`,
    [rows.map(({ id }) => id)],
  );
  return new Map(found.map((one) => [one.id, one]));
}

/** Every column that the source tells. What it does not tell stays as it is. */
async function change(session: Session, table: ChunkTable, row: RebuiltRow): Promise<void> {
  const { pointId, canary: _forNewRows, ...told } = table;
  const values = valuesOf(columnsOf({ ...told, pointId }), row);
  values.delete(pointId);
  const set = [...values.keys()].map((name, at) => `${quoteIdentifier(name)} = $${at + 1}`);
  await session.run(
    `UPDATE ${quoteName(table.table)} SET ${set.join(', ')} WHERE ${quoteIdentifier(pointId)}::text = $${values.size + 1}::text`,
    [...values.values(), row.id],
  );
}

/**
 * Puts rows back to what they were, each only while it says what was written: written ones go, changed ones are as before.
 * @returns how many, and how many somebody has changed since
 */
export function revertRows(
  { url, tables: { chunks } }: Config,
  altered: AsyncIterable<readonly AlteredRow[]>,
  signal?: AbortSignal,
): Promise<{ reverted: number; newer: number }> {
  const table = mustHaveTable(chunks);
  return withSession(
    url,
    'write',
    async (session) => {
      const done = { reverted: 0, newer: 0 };
      const columns = await writableColumns(session, table);
      for await (const batch of altered) for (const one of batch) done[await revert(session, table, columns, one)] += 1;
      await session.commit();
      return done;
    },
    undefined,
    signal,
  );
}

async function writableColumns(session: Session, { table }: ChunkTable): Promise<string> {
  const names = await session.rows(
    z.object({ name: z.string() }),
    `SELECT attname AS name FROM pg_catalog.pg_attribute
      WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attidentity <> 'a'`,
    [quoteName(table)],
  );
  return names.map(({ name }) => quoteIdentifier(name)).join(', ');
}

async function revert(
  session: Session,
  table: ChunkTable,
  columns: string,
  { id, before, after }: AlteredRow,
): Promise<'reverted' | 'newer'> {
  const name = quoteName(table.table);
  const still = `${quoteIdentifier(table.pointId)}::text = $1::text AND ${fingerprintSql(table.text)} = $2::text`;
  const sql =
    before === null
      ? `DELETE FROM ${name} WHERE ${still} RETURNING 1 AS done`
      : `UPDATE ${name} SET (${columns}) = (SELECT ${columns} FROM jsonb_populate_record(NULL::${name}, $3::jsonb))
          WHERE ${still} RETURNING 1 AS done`;
  const found = await session.rows(z.object({ done: z.unknown() }), sql, [
    id,
    after,
    ...(before === null ? [] : [before]),
  ]);
  return found.length > 0 ? 'reverted' : 'newer';
}

/**
 * Takes away chunk rows by id. What other tables keep of them goes by their own constraints, as when the app removes one.
 * @returns how many were there
 */
export function removeRows(
  { url, tables: { chunks } }: Config,
  ids: readonly PointId[],
  signal?: AbortSignal,
): Promise<number> {
  const table = mustHaveTable(chunks);
  return withSession(
    url,
    'write',
    async (session) => {
      const { pointId: type = '' } = await findColumns(session, CHUNKS_FIELD, table.table, { pointId: table.pointId });
      const gone = await session.rows(
        z.object({ gone: z.unknown() }),
        `DELETE FROM ${quoteName(table.table)} WHERE ${amongSql(table.pointId, type)} RETURNING 1 AS gone`,
        [ids],
      );
      await session.commit();
      return gone.length;
    },
    undefined,
    signal,
  );
}

/** Tables whose rows would be deleted together with a chunk's, by a constraint: messages must not go because a paragraph does. */
export function tablesThatCascade({ url, tables: { chunks } }: Config): Promise<string[]> {
  const { table } = mustHaveTable(chunks);
  return withSession(url, 'read', async (session) => {
    const found = await session.rows(
      z.object({ name: z.string() }),
      `SELECT DISTINCT conrelid::regclass::text AS name FROM pg_catalog.pg_constraint
        WHERE contype = 'f' AND confrelid = to_regclass($1) AND confdeltype = 'c' ORDER BY 1`,
      [quoteName(table)],
    );
    return found.map(({ name }) => name);
  });
}
