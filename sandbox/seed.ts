import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type OnProgress, type SeedContext, withStores } from './seed-context.ts';
import { seedSessions } from './seed-sessions.ts';
import { prepareStores } from './seed-stores.ts';
import { seedSynthetic } from './seed-synthetic.ts';
import { readGoldenQuestions, seedTextbook } from './seed-textbook.ts';

export interface SeedOptions {
  /** Synthetic points beside the textbook's, for scale. */
  readonly points?: number | undefined;
  readonly onProgress?: OnProgress | undefined;
}

export interface SeedResult {
  /** Textbook chunks written; 0 when all were there. */
  readonly written: number;
  readonly sessions: number;
  /** Path of the golden questions, in the product's format. */
  readonly golden: string;
}

/**
 * Fills a stack: tables, collection, alias, indexes, the environment's name in both stores, the textbook, a few
 * conversations. May be repeated, and goes on where it was broken off.
 * @throws Error when a store is not there, or carries another environment's name
 */
export async function seed(
  { dir, env }: SeedContext,
  { points = 0, onProgress = () => undefined }: SeedOptions = {},
): Promise<SeedResult> {
  const questions = await readGoldenQuestions();
  await mkdir(dir, { recursive: true });
  const golden = join(dir, 'golden.json');
  await writeFile(golden, `${JSON.stringify(questions, null, 2)}\n`);
  return withStores(env, async (stores) => {
    onProgress({ phase: 'stores', done: 0, total: 1 });
    await prepareStores(stores);
    onProgress({ phase: 'stores', done: 1, total: 1 });
    const written = await seedTextbook(stores, onProgress);
    await seedSynthetic(stores, points, onProgress);
    const sessions = await seedSessions(stores, questions, onProgress);
    return { written, sessions, golden };
  });
}
