import { readFile } from 'node:fs/promises';
import pg from 'pg';
import type { Secret } from '../../config/secret.ts';
import type { ChunkRecord } from './chunk-record.ts';

const CONNECT_MS = 3_000;
const QUERY_MS = 15_000;

/** A pool whose every call has a deadline. Driver suffixes of other languages are taken off the address. */
export function connectPostgres(url: Secret): pg.Pool {
  const connectionString = url.reveal().replace(/^postgres(?:ql)?\+[a-z0-9]+:\/\//, 'postgresql://');
  const pool = new pg.Pool({
    connectionString,
    max: 4,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: QUERY_MS,
    keepAlive: true,
  });
  // An idle connection that breaks is no reason to end the program: the next query opens another one.
  pool.on('error', () => undefined);
  return pool;
}

/** Creates the tables that are not there yet. */
export async function applySchema(pool: pg.Pool): Promise<void> {
  await pool.query(await readFile(new URL('./schema.sql', import.meta.url), 'utf8'));
}

/** Everything in `work` happens, or nothing of it. */
export async function inTransaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  // While it is ours the pool does not listen: a server that ends the connection between two queries would end the program.
  const ignore = (): void => undefined;
  client.on('error', ignore);
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    client.release();
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    client.release(true);
    throw error;
  } finally {
    client.off('error', ignore);
  }
}

/** Writes rows in one statement. A row that already says the same is left alone, with its date. */
export async function upsertChunks(pool: pg.Pool, records: readonly ChunkRecord[]): Promise<void> {
  await pool.query(
    `INSERT INTO chunks (id, source, heading, chunk_index, text, content_hash)
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::integer[], $5::text[], $6::text[])
     ON CONFLICT (id) DO UPDATE SET heading = excluded.heading, text = excluded.text, content_hash = excluded.content_hash
     WHERE (chunks.heading, chunks.content_hash) IS DISTINCT FROM (excluded.heading, excluded.content_hash)`,
    [
      records.map((record) => record.id),
      records.map((record) => record.source),
      records.map((record) => record.heading),
      records.map((record) => record.chunkIndex),
      records.map((record) => record.text),
      records.map((record) => record.contentHash),
    ],
  );
}

/** Chunks by id, for those of `ids` that have a row. */
export async function readChunks(pool: pg.Pool, ids: readonly string[]): Promise<Map<string, ChunkRecord>> {
  const { rows } = await pool.query<ChunkRecord>(
    `SELECT id, source, heading, chunk_index AS "chunkIndex", text, content_hash AS "contentHash"
     FROM chunks WHERE id = ANY($1::uuid[])`,
    [ids],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

/** Ids of the chunks that `file` has in Postgres. */
export async function readIdsOfFile(pool: pg.Pool, file: string): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(`SELECT id FROM chunks WHERE starts_with(source, $1)`, [
    `${file}#`,
  ]);
  return rows.map((row) => row.id);
}

export async function removeChunks(pool: pg.Pool, ids: readonly string[]): Promise<void> {
  if (ids.length > 0) await pool.query('DELETE FROM chunks WHERE id = ANY($1::uuid[])', [ids]);
}
