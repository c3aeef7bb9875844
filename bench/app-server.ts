import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { request } from 'undici';
import { createTrafficRouter } from '../activities/traffic/index.ts';
import type { RecoveryActivities } from '../activities/contract.ts';
import type { AppServersConfig } from '../config/app-servers.ts';
import type { RecoverySet } from '../domain/recovery-set.ts';
import type { Gate } from '../domain/verdict.ts';
import { openControl } from '../sandbox/stack/control.ts';
import { bareActivities } from './bare.ts';
import { type Bench, type Benchmark, row, type Row } from './benchmark.ts';
import { fill } from './loss.ts';
import { type Stage, withStage } from './stage.ts';
import { backUpThroughTemporal, recoverThroughTemporal } from './temporal.ts';
import { median, timed } from './timing.ts';

const SWITCHES = 20;
const RUNS = 3;
const SWITCH_TIMES = 1.2;
const SWITCH_MORE = 0.05;
const RUN_TIMES = 1.1;
const RUN_MORE = 2;

/** What it costs to send the readers to another app server, and to bring that up. */
export const appServer: Benchmark = {
  name: 'app-server',
  about:
    'the switch beside a bare PATCH of the same Caddy; a whole move beside a plain script that makes the same calls',
  run: (bench) =>
    withStage(bench, 'app-server', undefined, async (stage) => {
      // Deployments ask it to start what they have brought.
      const control = await openControl(stage.stack);
      try {
        await fill(bench, stage, 0);
        await backUpThroughTemporal(stage);
        return [...(await measureRuns(bench, stage)), ...(await measureSwitches(bench, stage))];
      } finally {
        await control.close();
      }
    }),
};

interface Way {
  readonly settings: AppServersConfig;
  readonly act: RecoveryActivities;
}

type Server = 'primary' | 'backup';
const other = (server: Server): Server => (server === 'primary' ? 'backup' : 'primary');

function wayOf({ config }: Stage): Way {
  if (!config.appServers) throw new Error('the sandbox has two app servers');
  return { settings: config.appServers, act: bareActivities(config) };
}

async function measureRuns(bench: Bench, stage: Stage): Promise<Row[]> {
  const way = wayOf(stage);
  const [plain, durable]: [number[], number[]] = [[], []];
  let live: Server = 'primary';
  for (let round = 0; round < RUNS; round += 1) {
    plain.push((await timed(() => moveByScript(stage, way, live))).seconds);
    live = other(live);
    durable.push((await timed(() => recoverThroughTemporal(stage, 'recoverAppServer', { move: true }))).seconds);
    live = other(live);
    bench.say(`plain script ${plain.at(-1)?.toFixed(1)} s, through Temporal ${durable.at(-1)?.toFixed(1)} s`);
  }
  const [ours, limit] = [median(durable), median(plain)];
  const ok = ours <= RUN_TIMES * limit + RUN_MORE;
  return [row({ name: 'app-run', ours, limit, goal: `<= ${RUN_TIMES} x + ${RUN_MORE} s`, ok, unit: 's' })];
}

/** Every call that the runbook makes, in its order, with the same pauses between its looks. */
async function moveByScript({ config }: Stage, { act, settings }: Way, live: Server): Promise<void> {
  const [name, collection] = [other(live), config.qdrant.collection];
  const folder = `runs/bench/${randomUUID()}`;
  const { state } = await act.readTraffic();
  for (let look = 1; look <= settings.watch.rounds; look += 1) {
    await act.probeApp({ name: live });
    if (look < settings.watch.rounds) await pause(settings.watch.everySeconds * 1_000);
  }
  const set = withoutReferences((await act.chooseRecoverySet({})).set);
  const { candidates } = await act.listReleases({ name: live, set });
  const candidate = candidates.find(({ proven }) => proven !== null);
  if (!candidate) throw new Error('no release is proven');
  const release = { ref: candidate.ref, pinned: candidate.pinned };
  await act.findApp({ name });
  green((await act.checkVariables({ set })).gates);
  await act.deployApp({ name, release, set, key: `bench/${randomUUID()}`, folder });
  green(await act.checkAppReach({ name }));
  green(await act.checkEndpoints({ name, set }));
  green(await act.checkAnswers({ name, collection, set }));
  green(await act.checkSession({ name }));
  green(await act.checkAppSecurity({ name }));
  green(await act.checkTelemetry({ name }));
  await act.pointTraffic({ name, expected: state });
  green(await act.checkRouted({ name }));
  green(await act.checkRetrieval({ collection, set, sections: [] }));
  green(await act.fenceApp({ name: live }));
}

/** This process has not the worker's variables that they are about; the set has their values as well. */
function withoutReferences(set: RecoverySet): RecoverySet {
  return set.configuration ? { ...set, configuration: { ...set.configuration, references: [] } } : set;
}

function green(gates: readonly Gate[]): void {
  const red = gates.find(({ verdict }) => verdict !== 'pass');
  if (red) throw new Error(`gate ${red.name}: expected ${red.expected}, saw ${red.observed}`);
}

/** From the decision to the first answer of the other server. Both must run: that is what verified beside means. */
async function measureSwitches(bench: Bench, stage: Stage): Promise<Row[]> {
  const { settings } = wayOf(stage);
  for (const part of ['app', 'app-backup'] as const) await stage.stack.start(part);
  const router = createTrafficRouter(settings.traffic);
  const patch = `${stage.stack.urls.caddyAdmin}/id/app-proxy/upstreams`;
  const [ours, bare]: [number[], number[]] = [[], []];
  let live: Server = await servedBy(stage);
  const next = (): string => {
    live = other(live);
    return settings.servers[live]?.target ?? '';
  };
  for (let round = 0; round < SWITCHES; round += 1) {
    const to = next();
    const expected = await router.read();
    ours.push(
      (await timed(() => Promise.all([router.point({ expected, to: [to] }), answeredBy(stage, live)]))).seconds,
    );
    const body = JSON.stringify([{ dial: next() }]);
    const json = { 'content-type': 'application/json' };
    const send = (): Promise<unknown> =>
      request(patch, { method: 'PATCH', body, headers: json, reset: true }).then(({ body: said }) => said.text());
    bare.push((await timed(() => Promise.all([send(), answeredBy(stage, live)]))).seconds);
  }
  const [seconds, limit] = [median(ours), median(bare)];
  bench.say(
    `${SWITCHES} switches each: ours ${(seconds * 1_000).toFixed(0)} ms, a bare PATCH ${(limit * 1_000).toFixed(0)} ms`,
  );
  const ok = seconds <= SWITCH_TIMES * limit + SWITCH_MORE;
  const goal = `<= ${SWITCH_TIMES} x + ${SWITCH_MORE * 1_000} ms`;
  return [row({ name: 'app-switch', ours: seconds * 1_000, limit: limit * 1_000, goal, ok, unit: 'ms' })];
}

async function answeredBy(stage: Stage, server: Server): Promise<void> {
  // Caddy may just have closed the connection that a question came over: whoever asks, asks again.
  while ((await servedBy(stage).catch(() => undefined)) !== server);
}

async function servedBy({ stack }: Stage): Promise<Server> {
  const { headers, body } = await request(`${stack.urls.app}/health`, { reset: true });
  await body.text();
  return headers['x-served-by'] === 'backup' ? 'backup' : 'primary';
}
