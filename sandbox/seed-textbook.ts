import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { type GoldenQuestion, goldenQuestionSchema } from '../domain/recovery-set.ts';
import { type ChunkRecord, recordsOf } from './app/chunk-record.ts';
import { readChunks, upsertChunks } from './app/database.ts';
import { VectorIndex } from './app/vectors.ts';
import type { OnProgress, Stores } from './seed-context.ts';

/** Texts to one embedding request: few enough that each is answered in seconds when nothing is cached. */
const BATCH = 64;
const textbook = fileURLToPath(new URL('./textbook', import.meta.url));

const questionFileSchema = z.array(z.strictObject({ question: z.string().min(1), source: z.string().min(1) }));

/** Every chunk of the textbook, in reading order. */
export async function readTextbook(): Promise<ChunkRecord[]> {
  const files = await listed(textbook, '.md');
  const chapters = await Promise.all(
    files.map(async (file) => recordsOf(basename(file), await readFile(file, 'utf8'))),
  );
  return chapters.flat();
}

/** The textbook's questions with their sections, in the form that the product reads. */
export async function readGoldenQuestions(): Promise<GoldenQuestion[]> {
  const files = await listed(join(textbook, 'golden'), '.json');
  const parts = await Promise.all(
    files.map(async (file) => questionFileSchema.parse(JSON.parse(await readFile(file, 'utf8')))),
  );
  return parts.flat().map(({ question, source }) => goldenQuestionSchema.parse({ question, sources: [source] }));
}

async function listed(folder: string, ending: string): Promise<string[]> {
  const names = await readdir(folder);
  return names
    .filter((name) => name.endsWith(ending))
    .toSorted()
    .map((name) => join(folder, name));
}

/** Brings the textbook into both stores: what both already have as it is now costs nothing. Returns how much was written. */
export async function seedTextbook(
  { pool, qdrant, alias, embeddings }: Stores,
  onProgress: OnProgress,
): Promise<number> {
  const vectors = new VectorIndex(qdrant, alias);
  const records = await readTextbook();
  const ids = records.map((record) => record.id);
  const [rows, points] = await Promise.all([readChunks(pool, ids), vectors.hashes(ids)]);
  const lacking = records.filter(
    ({ id, contentHash }) => rows.get(id)?.contentHash !== contentHash || points.get(id) !== contentHash,
  );
  for (let from = 0; from < lacking.length; from += BATCH) {
    const batch = lacking.slice(from, from + BATCH);
    await vectors.upsert(batch, await embeddings.embed(batch.map((record) => record.text)));
    await upsertChunks(pool, batch);
    onProgress({ phase: 'textbook', done: from + batch.length, total: lacking.length });
  }
  return lacking.length;
}
