import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { RecoverySet } from '../domain/recovery-set.ts';
import { type Bench, type Benchmark, row, type Row } from './benchmark.ts';
import { COLLECTION, loadIds, missingOf } from './reconcile-data.ts';
import { rawRows, rawScroll, READS } from './reconcile-limits.ts';
import { type Stage, withStage } from './stage.ts';
import { fastest, median, perSecond, timed } from './timing.ts';

const IDS = 1_000_000;
const ROUNDS = 3;
const PAGES = [1_000, 5_000, 10_000] as const;
const LEAST_RATIO = 0.8;
const MOST_MEGABYTES = 300;
const DEADLINE_MS = 30 * 60_000;
/** As a worker is started. */
const WORKER_FLAGS = ['--max-semi-space-size=16'];
const run = promisify(execFile);
const child = fileURLToPath(new URL('./reconcile-child.ts', import.meta.url));

const measuredSchema = z.object({
  seconds: z.number(),
  peakBytes: z.number(),
  counts: z.object({ missing: z.number() }),
  tally: z.object({ rows: z.number() }),
});

/** Reconciliation by ids, beside the slower of the two loops that only read what it has to read. */
export const reconciling: Benchmark = {
  name: 'reconcile',
  about: 'three-way reconciliation by ids, beside the slower of a raw id scroll and a raw read of the rows',
  run: (bench) => withStage(bench, 'reconcile', ['qdrant', 'postgres'], (stage) => measure(bench, stage)),
};

async function measure(bench: Bench, stage: Stage): Promise<Row[]> {
  const total = bench.sized(IDS, 1_000);
  const loading = await timed(() => loadIds(stage, total));
  bench.say(`${total} ids loaded in ${loading.seconds.toFixed(0)} s`);
  const best = await bestWays(bench, stage, total);
  const rounds: Round[] = [];
  for (let number = 0; number < ROUNDS; number += 1) {
    const scroll = await rawScroll(stage.config.qdrant, best.page);
    const read = await rawRows(best.postgres, best.read);
    const both = [rawScroll(stage.config.qdrant, best.page), rawRows(best.postgres, best.read)];
    const together = Math.max(...(await Promise.all(both)));
    rounds.push({ scroll, read, together, ...(await reconcileOnce(stage, loading.result, total, `round-${number}`)) });
  }
  return rowsOf(bench, rounds, total);
}

/** Seconds of each loop, of both loops at once, and of ours. */
interface Round {
  readonly scroll: number;
  readonly read: number;
  readonly together: number;
  readonly seconds: number;
  readonly peakBytes: number;
}

function rowsOf(bench: Bench, rounds: readonly Round[], total: number): Row[] {
  const middle = (of: (round: Round) => number): number => median(rounds.map(of));
  const scroll = middle((round) => round.scroll);
  const read = middle((round) => round.read);
  bench.say(`limit: scroll ${perSecond(total, scroll)}, rows ${perSecond(total, read)}; the slower one counts`);
  const ours = total / middle((round) => round.seconds);
  const rate = (name: string, limit: number): Row =>
    row({ name, ours, limit, goal: `>= ${LEAST_RATIO}`, ok: ours >= LEAST_RATIO * limit, unit: 'ids/s' });
  const peak = Math.max(...rounds.map(({ peakBytes }) => peakBytes)) / 1e6;
  const fits = peak < MOST_MEGABYTES;
  return [
    rate('reconcile', total / Math.max(scroll, read)),
    rate('reconcile-both', total / middle((round) => round.together)),
    row({ name: 'reconcile-memory', ours: peak, limit: MOST_MEGABYTES, goal: '< 1', ok: fits, unit: 'MB at the peak' }),
  ];
}

/** Tries every page size and every way of reading once, and takes the fastest of each. */
async function bestWays({ say }: Bench, { config }: Stage, total: number) {
  const { postgres } = config;
  if (!postgres) throw new Error('the stage has no Postgres');
  const pages: [number, (typeof PAGES)[number]][] = [];
  for (const page of PAGES) pages.push([await rawScroll(config.qdrant, page), page]);
  const reads: [number, keyof typeof READS][] = [];
  for (const way of Object.keys(READS) as (keyof typeof READS)[]) reads.push([await rawRows(postgres, way), way]);
  for (const [seconds, page] of pages) say(`raw scroll, ${page} a page: ${perSecond(total, seconds)}`);
  for (const [seconds, way] of reads) say(`raw rows, ${way}: ${perSecond(total, seconds)}`);
  const page = fastest(pages);
  const read = fastest(reads);
  say(`fastest: ${page} a page; ${read}`);
  return { page, read, postgres };
}

async function reconcileOnce(
  { stack }: Stage,
  set: RecoverySet,
  total: number,
  folder: string,
): Promise<{ seconds: number; peakBytes: number }> {
  const task = join(stack.dir, `${folder}.json`);
  await writeFile(task, JSON.stringify({ collection: COLLECTION, folder, set }));
  const { stdout } = await run(process.execPath, [...WORKER_FLAGS, child, task], {
    env: { ...stack.env },
    cwd: stack.dir,
    timeout: DEADLINE_MS,
  });
  const measured = measuredSchema.parse(JSON.parse(stdout));
  const { counts, tally } = measured;
  if (tally.rows !== total || counts.missing !== missingOf(total)) {
    throw new Error(
      `reconciled ${tally.rows} rows and found ${counts.missing} missing, of ${total} and ${missingOf(total)}`,
    );
  }
  return measured;
}
