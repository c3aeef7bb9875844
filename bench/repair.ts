import { createEmbedder } from '../activities/content/index.ts';
import { scratchNameOf } from '../domain/names.ts';
import { syntheticRecord } from '../sandbox/seed-synthetic.ts';
import { bareActivities, bareBackup, bareRecovery } from './bare.ts';
import { type Bench, type Benchmark, row, type Row } from './benchmark.ts';
import { collectionOf, fill, loseOnePercent } from './loss.ts';
import { inParallel } from './raw-http.ts';
import { type Stage, withStage } from './stage.ts';
import { median, timed } from './timing.ts';

const POINTS = 20_000;
const ROUNDS = 3;
/** So many texts are really embedded; the rest is extrapolated from them. */
const SAMPLE = 1_024;
const IN_FLIGHT = 4;
const MOST_RATIO = 0.15;

/** Mending a loss of one percent, beside restoring and embedding everything. */
export const repair: Benchmark = {
  name: 'repair',
  about: 'mending a loss of 1 %, beside restoring everything and embedding it all again',
  run: (bench) =>
    withStage(bench, 'repair', ['postgres', 'qdrant', 'embeddings', 'app', 'caddy'], (stage) => measure(bench, stage)),
};

async function measure(bench: Bench, stage: Stage): Promise<Row[]> {
  const { config } = stage;
  const points = bench.sized(POINTS, 500);
  await fill(bench, stage, points);
  const act = bareActivities(config);
  const collection = await collectionOf(stage);
  const set = await bareBackup(act, config, collection);
  const repairs: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const lost = await loseOnePercent(stage, points);
    const { seconds, result } = await timed(() => bareRecovery(act, collection));
    if (result !== lost) throw new Error(`${lost} points were lost and ${result} copied back`);
    bench.say(`${lost} of ${set.qdrant.points} points mended in ${seconds.toFixed(1)} s`);
    repairs.push(seconds);
  }
  const scratch = scratchNameOf(collection, 'restore', 'everything');
  const restored = await timed(() =>
    act.restoreBeside({ snapshot: set.qdrant.snapshot, scratch, points: set.qdrant.points }),
  );
  await act.dropScratch({ scratch });
  const embedding = await embedSample(stage, Math.min(points, SAMPLE));
  const everything = restored.seconds + embedding * set.qdrant.points;
  bench.say(
    `everything: restore ${restored.seconds.toFixed(1)} s, embedding ${(embedding * set.qdrant.points).toFixed(0)} s ` +
      `(extrapolated from ${Math.min(points, SAMPLE)} texts at ${(1 / embedding).toFixed(0)}/s; writing them is not counted)`,
  );
  const ours = median(repairs);
  return [
    row({
      name: 'repair',
      ours,
      limit: everything,
      goal: `<= ${MOST_RATIO}`,
      ok: ours <= MOST_RATIO * everything,
      unit: 's',
    }),
  ];
}

/** Embeds texts that the endpoint has not seen before. @returns seconds a text */
async function embedSample({ config }: Stage, size: number): Promise<number> {
  const embedder = createEmbedder(config.embeddings);
  const texts = Array.from({ length: size }, (_, n) => syntheticRecord(n).text);
  const requests = Array.from({ length: Math.ceil(size / embedder.batch) }, (_, at) =>
    texts.slice(at * embedder.batch, (at + 1) * embedder.batch),
  );
  // The first call loads the model.
  await embedder.embedQuery('What is a benchmark?');
  const { seconds } = await timed(() => inParallel(requests, IN_FLIGHT, (some) => embedder.embedDocuments(some)));
  return seconds / size;
}
