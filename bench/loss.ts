import { readQuestions } from '../activities/content/index.ts';
import { createVectorStore } from '../activities/qdrant/vector-store.ts';
import { withStores } from '../sandbox/seed-context.ts';
import { progressLines } from '../sandbox/seed-progress.ts';
import { SECTION_SIZE, syntheticRecord } from '../sandbox/seed-synthetic.ts';
import { seed } from '../sandbox/seed.ts';
import type { Bench } from './benchmark.ts';
import type { Stage } from './stage.ts';

/** One section in so many is lost. */
const LOST = 100;
/** An assessment names 200 sections, the worst first; the one of the textbook must be among them, or nobody asks for it. */
const MOST_SECTIONS = 199;
const BATCH = 1_000;

/** The textbook and so many synthetic points, with their rows. */
export async function fill({ say }: Bench, { stack }: Stage, points: number): Promise<void> {
  await seed({ dir: stack.dir, env: stack.env }, { points, onProgress: progressLines(say) });
}

/**
 * Deletes from Qdrant every hundredth synthetic section, and one section of the textbook, for which a golden question can
 * prove that it is back. @returns how many points that are
 */
export async function loseOnePercent({ stack, config }: Stage, points: number): Promise<number> {
  const [question] = await readQuestions(config.goldenQuestions);
  return withStores(stack.env, async ({ qdrant, alias, pool }) => {
    const sql = 'SELECT id::text AS id FROM chunks WHERE source = ANY($1)';
    const { rows } = await pool.query<{ id: string }>(sql, [question?.sources ?? []]);
    const lost = [...rows.map(({ id }) => id), ...syntheticLoss(points)];
    for (let at = 0; at < lost.length; at += BATCH) {
      await qdrant.delete(alias, { wait: true, points: lost.slice(at, at + BATCH) });
    }
    return lost.length;
  });
}

function syntheticLoss(points: number): string[] {
  const sections = Math.min(MOST_SECTIONS, Math.ceil(points / SECTION_SIZE / LOST));
  const numbers = Array.from({ length: sections * SECTION_SIZE }, (_, at) => {
    const section = Math.floor(at / SECTION_SIZE) * LOST;
    return section * SECTION_SIZE + (at % SECTION_SIZE);
  });
  return numbers.filter((n) => n < points).map((n) => syntheticRecord(n).id);
}

/** The collection behind the name that the app uses. */
export function collectionOf({ config }: Stage): Promise<string> {
  const vectors = createVectorStore({ config: config.qdrant, embedding: config.embeddings.identity });
  return vectors.resolveCollection(config.qdrant.collection);
}
