import { bareActivities, bareBackup, bareRecovery } from './bare.ts';
import { type Bench, type Benchmark, row, type Row } from './benchmark.ts';
import { collectionOf, fill, loseOnePercent } from './loss.ts';
import { type Stage, withStage } from './stage.ts';
import { recoverThroughTemporal } from './temporal.ts';
import { median, timed } from './timing.ts';

const POINTS = 20_000;
const ROUNDS = 3;
const TIMES = 1.1;
const SECONDS = 2;

/** What durability costs: a whole run through Temporal, beside a plain script that makes the same calls. */
export const workflowRun: Benchmark = {
  name: 'run',
  about: 'a whole recovery through Temporal, beside a plain script that makes the same calls',
  run: (bench) => withStage(bench, 'run', undefined, (stage) => measure(bench, stage)),
};

async function measure(bench: Bench, stage: Stage): Promise<Row[]> {
  const points = bench.sized(POINTS, 500);
  await fill(bench, stage, points);
  const act = bareActivities(stage.config);
  const collection = await collectionOf(stage);
  await bareBackup(act, stage.config, collection);
  const [bare, durable]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    await loseOnePercent(stage, points);
    bare.push((await timed(() => bareRecovery(act, collection))).seconds);
    await loseOnePercent(stage, points);
    durable.push((await timed(() => recoverThroughTemporal(stage))).seconds);
    bench.say(`plain script ${bare.at(-1)?.toFixed(1)} s, through Temporal ${durable.at(-1)?.toFixed(1)} s`);
  }
  const [ours, limit] = [median(durable), median(bare)];
  const ok = ours <= TIMES * limit + SECONDS;
  return [row({ name: 'run', ours, limit, goal: `ours <= ${TIMES} x limit + ${SECONDS} s`, ok, unit: 's' })];
}
