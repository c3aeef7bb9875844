import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { RecoveryActivities } from '../activities/contract.ts';
import type { RecoverySet } from '../domain/recovery-set.ts';
import { bareActivities, bareBackup } from './bare.ts';
import { type Bench, type Benchmark, row, type Row } from './benchmark.ts';
import { collectionOf, fill } from './loss.ts';
import { type Stage, withStage } from './stage.ts';
import { median, timed } from './timing.ts';

const POINTS = 200_000;
const ROUNDS = 3;
const MOST_RATIO = 1.1;
const MORE_SECONDS = 2;
const PLAIN = 'dr-bench-plain';
const run = promisify(execFile);

/** What a lost cluster's collection takes to come back, beside the bare restore of the same snapshot. */
export const clusterRestore: Benchmark = {
  name: 'cluster',
  about: 'a collection made and restored as for a lost cluster, beside `curl` with the same snapshot',
  run: (bench) =>
    withStage(bench, 'cluster', ['postgres', 'qdrant', 'embeddings', 'app', 'caddy'], (stage) => measure(bench, stage)),
};

async function measure(bench: Bench, stage: Stage): Promise<Row[]> {
  await fill(bench, stage, bench.sized(POINTS, 500));
  const act = bareActivities(stage.config);
  const set = await bareBackup(act, stage.config, await collectionOf(stage));
  const [ours, plain, proofs]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    plain.push((await timed(() => restorePlainly(stage, set))).seconds);
    await act.dropScratch({ scratch: PLAIN });
    const made = { collection: `bench-${randomUUID().slice(0, 8)}`, owner: randomUUID() };
    ours.push((await timed(() => restore(act, set, made))).seconds);
    proofs.push((await timed(() => prove(act, set, made.collection))).seconds);
    // What is finished belongs to nobody's run any more, and is the app's.
    await drop(stage, made.collection);
    const told = [plain, ours, proofs].map((all) => `${all.at(-1)?.toFixed(1)} s`);
    bench.say(`curl ${told[0]}, ours ${told[1]}, proving it ${told[2]}`);
  }
  const [seconds, limit, proof] = [median(ours), median(plain), median(proofs)];
  const ok = seconds <= MOST_RATIO * limit + MORE_SECONDS;
  return [
    row({ name: 'cluster', ours: seconds, limit, goal: `<= ${MOST_RATIO} x + ${MORE_SECONDS} s`, ok, unit: 's' }),
    row({ name: 'cluster-proof', ours: proof, limit: seconds, goal: 'shown', ok: true, unit: 's' }),
  ];
}

interface Made {
  readonly collection: string;
  readonly owner: string;
}

async function restore(act: RecoveryActivities, { qdrant }: RecoverySet, made: Made): Promise<void> {
  await act.createCollection({ ...made, shape: qdrant.shape });
  await act.restoreInto({ ...made, snapshots: [qdrant.snapshot], points: qdrant.points });
  await act.finishCollection({ collection: made.collection, shape: qdrant.shape });
}

/** Every look at the new collection that the runbook takes before it is made the live one. */
async function prove(act: RecoveryActivities, set: RecoverySet, collection: string): Promise<void> {
  await act.awaitOptimized({ collection });
  await act.compareShape({ collection, set });
  const folder = `runs/bench/${randomUUID()}`;
  const damage = await act.reconcileStack({ collection, set, depth: 'content', folder });
  const gates = [
    ...(await act.checkQueries({ collection, shape: set.qdrant.shape })),
    ...(await act.checkAccess({ collection })),
    ...(await act.checkRetrieval({ collection, set, sections: [], withoutApp: true })),
  ];
  const red = gates.find(({ verdict }) => verdict !== 'pass');
  if (red) throw new Error(`gate ${red.name}: expected ${red.expected}, saw ${red.observed}`);
  if (damage.copy.count + damage.reembed.count > 0) throw new Error('what was restored is not what the rows say');
}

/** Upload, restore; nothing is compared with anything. */
async function restorePlainly({ config }: Stage, { qdrant }: RecoverySet): Promise<void> {
  const { url, apiKey } = config.qdrant;
  const snapshot = join(config.store.directory, qdrant.snapshot.key);
  const query = `priority=snapshot&checksum=${qdrant.snapshot.sha256}&wait=true`;
  const key = `api-key: ${apiKey?.reveal() ?? ''}`;
  const upload = `${url}/collections/${PLAIN}/snapshots/upload?${query}`;
  await run('curl', ['-sS', '--fail-with-body', '-H', key, '-F', `snapshot=@${snapshot}`, upload]);
}

async function drop({ config: { qdrant } }: Stage, collection: string): Promise<void> {
  const headers = { 'api-key': qdrant.apiKey?.reveal() ?? '' };
  const answer = await fetch(`${qdrant.url}/collections/${collection}`, { method: 'DELETE', headers });
  if (!answer.ok) throw new Error(`${collection} could not be dropped: ${answer.status}`);
}
