import { ALONE } from './alone.ts';
import { copyPoints } from '../activities/qdrant/copy.ts';
import type { Tools } from '../activities/qdrant/tools.ts';
import type { ListRef } from '../domain/artifacts.ts';
import { type Bench, type Benchmark, row, type Row } from './benchmark.ts';
import { syntheticRecord } from '../sandbox/seed-synthetic.ts';
import { batches, DIMENSIONS, FROM, listAll, loadPoints, prepareBodies, TO, toolsOf } from './copy-data.ts';
import { migrate } from './migrate.ts';
import { inParallel, RawQdrant } from './raw-http.ts';
import { type Stage, withStage } from './stage.ts';
import { fastest, median, perSecond, timed } from './timing.ts';

const POINTS = 100_000;
const ROUNDS = 3;
/** Prepared bodies of so many points are in memory at once: about 300 MB. */
const BLOCK = 25_600;
const PARALLEL = [1, 2, 4, 8] as const;
const LEAST_RATIO = 0.9;
const LEAST_TIMES_PEER = 3;

/** Copying points back, beside a loop that only sends prepared bodies, and beside the vendor's own `migrate`. */
export const copyBack: Benchmark = {
  name: 'copy-back',
  about: `copying points of ${DIMENSIONS} dimensions into the live collection, beside a loop of prepared upserts and QdrantClient.migrate`,
  run: (bench) =>
    withStage(bench, 'copy-back', ['qdrant'], (stage) =>
      withStage(bench, 'copy-peer', ['qdrant'], (peer) => measure(bench, stage, peer)),
    ),
};

async function measure(bench: Bench, stage: Stage, peer: Stage): Promise<Row[]> {
  const total = bench.sized(POINTS, 1_000);
  const raw = new RawQdrant(stage.config.qdrant);
  const tools = toolsOf(stage);
  try {
    await loadPoints(raw, total);
    const list = await listAll(stage, total);
    bench.say(`${total} points loaded`);
    const parallel = await bestParallel(bench, raw, tools, total);
    const [limits, loops, ours]: [number[], number[], number[]] = [[], [], []];
    for (let round = 0; round < ROUNDS; round += 1) {
      limits.push(await rawUpserts(raw, tools, parallel, total));
      loops.push(await rawCopies(raw, parallel, total));
      ours.push(await copyOnce(raw, tools, list));
      const [limit, loop, own] = [limits, loops, ours].map((all) => perSecond(total, all.at(-1) ?? 0));
      bench.say(`prepared upserts ${limit}, reads and upserts ${loop}, ours ${own}`);
    }
    const migrated = total / (await migrate(stage.config.qdrant, peer.config.qdrant, FROM, total));
    const rate = total / median(ours);
    return [rowOf(rate, total / median(limits), migrated), besideLoop(rate, total / median(loops))];
  } finally {
    await Promise.all([raw.close(), tools.connection.close()]);
  }
}

function rowOf(ours: number, limit: number, peer: number): Row {
  const ok = ours >= LEAST_RATIO * limit && ours >= LEAST_TIMES_PEER * peer;
  const goal = `>= ${LEAST_RATIO}, and >= ${LEAST_TIMES_PEER} x peer`;
  return row({ name: 'copy-back', ours, limit, peer, goal, ok, unit: 'points/s' });
}

/** Beside a loop that reads too: it has the same cores to share with the same server. */
function besideLoop(ours: number, limit: number): Row {
  const ok = ours >= LEAST_RATIO * limit;
  return row({ name: 'copy-back-both', ours, limit, goal: `>= ${LEAST_RATIO}`, ok, unit: 'points/s' });
}

/** Tries every number of requests in flight on one block, and takes the fastest. */
async function bestParallel({ say }: Bench, raw: RawQdrant, tools: Tools, total: number): Promise<number> {
  const size = Math.min(total, BLOCK);
  const tried: [number, number][] = [];
  for (const parallel of PARALLEL) {
    tried.push([await rawUpserts(raw, tools, parallel, size), parallel]);
    say(`prepared upserts, ${parallel} at once: ${perSecond(size, tried.at(-1)?.[0] ?? 0)}`);
  }
  return fastest(tried);
}

/** Sends prepared bodies into an empty collection; preparing them is not counted. @returns seconds */
async function rawUpserts(raw: RawQdrant, tools: Tools, parallel: number, total: number): Promise<number> {
  await raw.recreate(TO, DIMENSIONS);
  let sum = 0;
  for (let from = 0; from < total; from += BLOCK) {
    const bodies = await prepareBodies(tools, from, Math.min(total, from + BLOCK));
    const put = (body: Buffer): Promise<Buffer> => raw.send('PUT', `/collections/${TO}/points?wait=true`, body);
    sum += (await timed(() => inParallel(bodies, parallel, put))).seconds;
  }
  await expectCount(raw, total);
  return sum;
}

/** Reads points and sends their bytes on as they came, and neither looks at one nor cares what was there. @returns seconds */
async function rawCopies(raw: RawQdrant, parallel: number, total: number): Promise<number> {
  await raw.recreate(TO, DIMENSIONS);
  const { seconds } = await timed(() =>
    inParallel(batches(0, total), parallel, async (numbers) => {
      const ids = JSON.stringify(numbers.map((n) => syntheticRecord(n).id));
      const question = `{"ids":${ids},"with_payload":true,"with_vector":true}`;
      const answer = await raw.send('POST', `/collections/${FROM}/points`, question);
      const list = answer.subarray(answer.indexOf('['), answer.lastIndexOf(']') + 1);
      const body = Buffer.concat([Buffer.from('{"points":'), list, Buffer.from('}')]);
      await raw.send('PUT', `/collections/${TO}/points?wait=true`, body);
    }),
  );
  await expectCount(raw, total);
  return seconds;
}

async function copyOnce(raw: RawQdrant, tools: Tools, list: ListRef): Promise<number> {
  await raw.recreate(TO, DIMENSIONS);
  const { seconds, result } = await timed(() => copyPoints(tools, { list, from: FROM, to: TO }, ALONE));
  if (result.written !== list.count) throw new Error(`copied ${result.written} of ${list.count} points`);
  await expectCount(raw, list.count);
  return seconds;
}

async function expectCount(raw: RawQdrant, total: number): Promise<void> {
  const found = await raw.count(TO);
  if (found !== total) throw new Error(`${TO} has ${found} points, not ${total}`);
}
