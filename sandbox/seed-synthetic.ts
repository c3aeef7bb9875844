import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { type ChunkRecord, toRecord } from './app/chunk-record.ts';
import { inTransaction } from './app/database.ts';
import { payloadOf } from './app/vectors.ts';
import type { OnProgress, Stores } from './seed-context.ts';

const DIMENSIONS = 768;
export const SECTION_SIZE = 50;
/** Rows to one COPY; also what is done again when the seed was broken off. */
const BLOCK = 10_000;
const UPSERT_BATCH = 1_000;
const PARALLEL = 2;

/** The `n`-th synthetic chunk: always the same text, section and id. */
export function syntheticRecord(n: number): ChunkRecord {
  const section = Math.floor(n / SECTION_SIZE);
  return toRecord({
    source: `synthetic.md#synthetic-${section}`,
    index: n % SECTION_SIZE,
    heading: `Synthetic ${section}`,
    text: `Synthetic passage ${n} stands in for a page of a much larger library, so that a recovery can be timed at scale.`,
  });
}

/**
 * The `n`-th synthetic vector. Small whole numbers: their JSON is a fifth as long as that of real vectors, and the server
 * makes unit length of them all the same. Random directions in 768 dimensions are far from every real question.
 */
export function syntheticVector(n: number): number[] {
  const vector = new Array<number>(DIMENSIONS);
  let state = Math.imul(n + 1, 0x9e3779b1) | 1;
  // A loop and xorshift, since a hundred thousand vectors are 77 million numbers.
  for (let at = 0; at < DIMENSIONS; at += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    vector[at] = (state % 100) | 0;
  }
  return vector;
}

/**
 * Adds `total` synthetic points with their rows. Vectors come before rows, a block at a time, so a block whose rows are
 * all there is done. It does not look for vectors that were lost later.
 */
export async function seedSynthetic(stores: Stores, total: number, onProgress: OnProgress): Promise<void> {
  for (let from = 0; from < total; from += BLOCK) {
    const size = Math.min(BLOCK, total - from);
    const records = Array.from({ length: size }, (_, at) => syntheticRecord(from + at));
    if ((await countRows(stores.pool, records)) < size) {
      await upsertBlock(stores, records, from);
      await copyRows(stores.pool, records);
    }
    onProgress({ phase: 'synthetic', done: from + size, total });
  }
}

async function countRows(pool: pg.Pool, records: readonly ChunkRecord[]): Promise<number> {
  const ids = records.map((record) => record.id);
  const { rows } = await pool.query<{ count: number }>(
    'SELECT count(*)::integer AS count FROM chunks WHERE id = ANY($1::uuid[])',
    [ids],
  );
  return rows[0]?.count ?? 0;
}

async function upsertBlock({ qdrant, alias }: Stores, records: readonly ChunkRecord[], first: number): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < records.length) {
      const from = next;
      next += UPSERT_BATCH;
      const batch = records.slice(from, from + UPSERT_BATCH);
      const points = batch.map((record, at) => ({
        id: record.id,
        vector: syntheticVector(first + from + at),
        payload: payloadOf(record),
      }));
      await qdrant.upsert(alias, { wait: true, points });
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
}

/** COPY knows no conflicts, so the rows pass through a table of the transaction's own. */
async function copyRows(pool: pg.Pool, records: readonly ChunkRecord[]): Promise<void> {
  const columns = 'id, source, heading, chunk_index, text, content_hash';
  await inTransaction(pool, async (client) => {
    await client.query(`CREATE TEMP TABLE incoming ON COMMIT DROP AS SELECT ${columns} FROM chunks WITH NO DATA`);
    const lines = records.map((r) => [r.id, r.source, r.heading, r.chunkIndex, r.text, r.contentHash].join('\t'));
    // None of these texts holds a tab, a backslash or an end of line, which COPY would want escaped.
    await pipeline(
      Readable.from([Buffer.from(`${lines.join('\n')}\n`)]),
      client.query(copyFrom(`COPY incoming (${columns}) FROM STDIN`)),
    );
    await client.query(`INSERT INTO chunks (${columns}) SELECT ${columns} FROM incoming ON CONFLICT (id) DO NOTHING`);
  });
}
