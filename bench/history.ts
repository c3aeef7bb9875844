import { bareActivities, bareBackup } from './bare.ts';
import { type Bench, type Benchmark, row, type Row } from './benchmark.ts';
import { collectionOf, fill, loseOnePercent } from './loss.ts';
import { type Stage, withStage } from './stage.ts';
import { recoverThroughTemporal } from './temporal.ts';

const POINTS = 1_000_000;
const MOST_EVENTS = 300;
const MOST_BYTES = 1_000_000;

/** What a run leaves in Temporal, which must not grow with the data. */
export const history: Benchmark = {
  name: 'history',
  about: 'events and bytes that a recovery leaves in Temporal, beside what we allow it',
  run: (bench) => withStage(bench, 'history', undefined, (stage) => measure(bench, stage)),
};

async function measure(bench: Bench, stage: Stage): Promise<Row[]> {
  const points = bench.sized(POINTS, 500);
  await fill(bench, stage, points);
  bench.say('Taking a recovery set …');
  await bareBackup(bareActivities(stage.config), stage.config, await collectionOf(stage));
  const lost = await loseOnePercent(stage, points);
  bench.say(`${lost} points deleted; recovering …`);
  const { report, events, bytes } = await recoverThroughTemporal(stage);
  bench.say(`recovered in ${report.rtoSeconds?.toFixed(0)} s: ${events} events, ${bytes} bytes`);
  return [
    row({ name: 'history', ours: events, limit: MOST_EVENTS, goal: '<= 1', ok: events <= MOST_EVENTS, unit: 'events' }),
    row({
      name: 'history-bytes',
      ours: bytes,
      limit: MOST_BYTES,
      goal: '<= 1',
      ok: bytes <= MOST_BYTES,
      unit: 'bytes',
    }),
  ];
}
