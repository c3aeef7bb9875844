import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { writeLines } from '../activities/lines.ts';
import type { Artifact } from '../domain/artifacts.ts';
import { draftSet, type RecoverySet } from '../domain/recovery-set.ts';
import { syntheticRecord } from '../sandbox/seed-synthetic.ts';
import { inParallel, RawQdrant } from './raw-http.ts';
import type { Stage } from './stage.ts';

export const COLLECTION = 'bench-ids';
const SCHEMA = new URL('../sandbox/app/schema.sql', import.meta.url);
/** A listing of ids reads no vector, so short ones do, and a million of them are there in a minute. */
const DIMENSIONS = 4;
const BATCH = 5_000;
/** One in so many has a row and a backup, and no vector. */
const MISSING = 100;

/** How many of `total` are missing from Qdrant. */
export function missingOf(total: number): number {
  return Math.floor(total / MISSING);
}

/** Fills both stores and the set's id index with the same ids, except that Qdrant lacks one in a hundred. */
export async function loadIds(stage: Stage, total: number): Promise<RecoverySet> {
  await loadRows(stage, total);
  await loadPoints(stage, total);
  return setOf(stage, total, await loadIndex(stage, total));
}

function* batches(total: number): Generator<number[]> {
  for (let from = 0; from < total; from += BATCH) {
    yield Array.from({ length: Math.min(BATCH, total - from) }, (_, at) => from + at);
  }
}

async function loadRows({ config }: Stage, total: number): Promise<void> {
  if (!config.postgres) throw new Error('the stage has no Postgres');
  const client = new pg.Client({ connectionString: config.postgres.url.reveal() });
  await client.connect();
  try {
    await client.query(await readFile(SCHEMA, 'utf8'));
    const lines = function* (): Generator<Buffer> {
      for (const numbers of batches(total)) {
        const rows = numbers.map(syntheticRecord);
        yield Buffer.from(
          rows.map((r) => `${[r.id, r.source, r.heading, r.chunkIndex, r.text, r.contentHash].join('\t')}\n`).join(''),
        );
      }
    };
    const columns = 'id, source, heading, chunk_index, text, content_hash';
    await pipeline(Readable.from(lines()), client.query(copyFrom(`COPY chunks (${columns}) FROM STDIN`)));
    // As a table is that has been there for a while.
    await client.query('VACUUM ANALYZE chunks');
  } finally {
    await client.end();
  }
}

async function loadPoints({ config }: Stage, total: number): Promise<void> {
  const raw = new RawQdrant(config.qdrant);
  try {
    await raw.recreate(COLLECTION, DIMENSIONS);
    await inParallel(batches(total), 2, async (numbers) => {
      const points = numbers
        .filter((n) => n % MISSING !== MISSING - 1)
        .map((n) => ({ id: syntheticRecord(n).id, vector: [1, n % 7, n % 11, n % 13] }));
      await raw.send('PUT', `/collections/${COLLECTION}/points?wait=true`, JSON.stringify({ points }));
    });
  } finally {
    await raw.close();
  }
}

async function loadIndex({ store }: Stage, total: number): Promise<Artifact> {
  const lines = Array.from({ length: total }, (_, n) => {
    const { id, contentHash, source } = syntheticRecord(n);
    return `${id}\t${contentHash.slice(0, 16)}\t${contentHash.slice(16, 32)}\t\t${source}`;
  });
  lines.sort();
  const inBatches = async function* (): AsyncGenerator<string[]> {
    for (let from = 0; from < lines.length; from += BATCH) yield lines.slice(from, from + BATCH);
  };
  const { artifact } = await writeLines(store, 'bench/index.tsv', inBatches(), (line) => line);
  return artifact;
}

/** A set of which only the id index is read. */
function setOf({ config }: Stage, points: number, index: Artifact): RecoverySet {
  const stack = { environment: config.environment, embedding: config.embeddings.identity };
  return draftSet(stack, {
    id: 'set-20260101T000000Z-be0000',
    takenAt: '2026-01-01T00:00:00Z',
    qdrant: {
      name: COLLECTION,
      collection: COLLECTION,
      aliases: [],
      serverVersion: '1.18.3',
      points,
      shape: { config: {}, payloadSchema: {} },
      snapshot: { ...index, bytes: 0 },
      index,
    },
    golden: index,
  });
}
