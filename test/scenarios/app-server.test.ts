import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import type { RunReport } from '../../domain/report.ts';
import type { AppServerInput } from '../../domain/run-input.ts';
import { breakStack } from '../../sandbox/faults/break.ts';
import { abortSignal } from '../../workflows/messages.ts';
import type { recoverAppServer } from '../../workflows/recover-app-server.ts';
import { askCaddy } from '../support/caddy.ts';
import { EVERY_STEP } from '../support/every-step.ts';
import { decoded, historyOf } from '../support/histories.ts';
import { Readers, type Visit } from '../support/readers.ts';
import { approve, commit, QUEUE, running, Scenario, until } from '../support/scenario.ts';

type AppRun = WorkflowHandleWithFirstExecutionRunId<typeof recoverAppServer>;

let scenario: Scenario;
let runs = 0;

beforeAll(async () => {
  scenario = await Scenario.start();
  await scenario.backUp();
}, 240_000);

afterAll(async () => {
  await scenario?.stop();
}, 60_000);

function recover(input: AppServerInput = {}): Promise<AppRun> {
  return scenario.client.workflow.start<typeof recoverAppServer>('recoverAppServer', {
    taskQueue: QUEUE,
    workflowId: `app-server/${(runs += 1)}`,
    args: [input],
  });
}

/** The server whose answer a reader gets. */
async function servedBy(url = scenario.stack.urls.app): Promise<string> {
  return fetch(`${url}/health`).then(
    (response) => `${response.headers.get('x-served-by')} ${response.headers.get('x-release')}`,
    () => 'nobody',
  );
}

const failed = (visits: readonly Visit[]): Visit[] => visits.filter(({ problem }) => problem !== null);

/** Failures of requests that began after the switch: those before are the fault's. */
function afterSwitch(visits: readonly Visit[], report: RunReport): Visit[] {
  const switched = Date.parse(report.steps.find(({ name }) => name === 'redirect')?.endedAt ?? '');
  return visits.filter(({ began }) => began > switched);
}

describe('an app server', () => {
  test('that is moved under load costs no request; the worker dies on the way; and back again', async () => {
    const readers = new Readers(scenario.stack.urls.app);
    await readers.more(50);
    const run = await recover({ move: true });
    await approve(run);
    const steps = ['deploy', 'endpoints', 'answers', 'session', 'redirect', 'live', 'commit'];
    for (const step of EVERY_STEP ? steps : ['redirect']) {
      await until(run, running(step));
      await scenario.stack.kill('worker');
      await scenario.stack.start('worker');
    }
    await until(run, ({ awaits }) => awaits === 'commit');
    await readers.more(100);
    await commit(run);
    const report = await run.result();
    const visits = await readers.stop();
    expect(report.gates.filter(({ verdict }) => verdict !== 'pass')).toEqual([]);
    expect(report).toMatchObject({ outcome: 'recovered', verdict: 'pass' });
    expect(failed(visits)).toEqual([]);
    expect(visits.filter(({ kind }) => kind === 'slow').length).toBeGreaterThan(5);
    expect(afterSwitch(visits, report).length).toBeGreaterThan(50);
    expect(await servedBy()).toBe('backup 1.1.0');
    expect(await servedBy(scenario.stack.urls.appDirect)).toBe('nobody');
    const history = await historyOf(run, 'app-server-recovered');
    const text = decoded(history);
    // That it is looked for where it would be: names of variables are there, their values are not.
    expect(text).toContain('EMBEDDINGS_MODEL');
    const { env } = scenario.stack;
    const password = decodeURIComponent(new URL(env['DATABASE_URL'] ?? '').password);
    for (const secret of [env['QDRANT_API_KEY'], env['APP_MAINTENANCE_HEADER'], env['DATABASE_URL'], password])
      expect(text).not.toContain(secret);
  }, 240_000);

  test.each([
    ['kill', /is gone/, 'primary 1.1.0'],
    ['wrong', /answers wrongly/, 'backup 1.0.0'],
    ...(EVERY_STEP
      ? ([
          ['bad-release', /answers with errors/, 'primary 1.1.0'],
          ['hang', /hangs/, 'backup 1.0.0'],
          ['errors', /answers with errors/, 'primary 1.1.0'],
          ['slow', /too slow/, 'backup 1.0.0'],
          ['disk-full', /answers with errors/, 'primary 1.1.0'],
          ['dead-embeddings', /does not reach/, 'backup 1.1.0'],
          ['wrong-config', /does not reach|is gone|errors/, 'primary 1.1.0'],
        ] as const)
      : []),
  ])(
    'broken by %s is replaced by the other one, and no request fails for the switch',
    async (fault, words, then) => {
      const readers = new Readers(scenario.stack.urls.app);
      await readers.more(20);
      await breakStack(scenario.stack, 'app', fault);
      const run = await recover();
      const { plan } = await until(run, ({ planHash }) => planHash !== undefined);
      expect(plan?.reason).toMatch(words);
      await approve(run);
      await until(run, ({ awaits }) => awaits === 'commit');
      await readers.more(50);
      await commit(run);
      const report = await run.result();
      const visits = await readers.stop();
      expect(report).toMatchObject({ outcome: 'recovered', verdict: 'pass' });
      expect(failed(afterSwitch(visits, report))).toEqual([]);
      // What is wrong, or late, with status 200 no load generator takes for a failure.
      if (fault !== 'wrong' && fault !== 'slow') expect(failed(visits).length).toBeGreaterThan(0);
      expect(await servedBy()).toBe(then);
    },
    180_000,
  );
});

/** Where the router sends requests; or lets it send them elsewhere. */
async function upstreams(to?: string): Promise<unknown> {
  const url = `${scenario.stack.urls.caddyAdmin}/id/app-proxy/upstreams`;
  if (to !== undefined) await askCaddy(url, 'PATCH', [{ dial: to }]);
  return askCaddy(url, 'GET');
}

describe('a release', () => {
  test('that is bad never gets a reader, and is gone again when the run is aborted', async () => {
    const before = await upstreams();
    const readers = new Readers(scenario.stack.urls.app);
    const run = await recover({ move: true, release: 'v1.2.0' });
    await approve(run);
    const { awaiting } = await until(run, ({ awaits }) => awaits === 'operator');
    expect(awaiting).toMatch(/health: expected .* saw .*500/);
    await run.signal(abortSignal, { by: 'ann' });
    expect(await run.result()).toMatchObject({ outcome: 'aborted' });
    expect(failed(await readers.stop())).toEqual([]);
    expect(await upstreams()).toEqual(before);
    const other = (await servedBy()).startsWith('primary')
      ? scenario.stack.urls.appBackup
      : scenario.stack.urls.appDirect;
    expect(await servedBy(other)).toBe('nobody');
  }, 120_000);

  test('that turns bad after the switch is left by itself, and the readers are back where they were', async () => {
    const before = await servedBy();
    const run = await recover({ move: true });
    await approve(run);
    await until(run, ({ awaits }) => awaits === 'commit');
    const live = await servedBy();
    expect(live.split(' ')[0]).not.toBe(before.split(' ')[0]);
    const readers = new Readers(scenario.stack.urls.app);
    await breakStack(scenario.stack, 'app', 'errors');
    const report = await run.result();
    const visits = await readers.stop();
    expect(report).toMatchObject({ outcome: 'rolled-back' });
    expect(report.notes.join()).toMatch(/rolled back by itself: .*3 looks in a row: 5 of 5 requests failed/);
    expect(await servedBy()).toBe(before);
    // Those that failed are the fault's: from the first sound answer on there is none any more.
    const sound = visits.findIndex(({ problem, kind }) => problem === null && kind === 'slow');
    expect(failed(visits.slice(Math.max(0, sound)))).toEqual([]);
  }, 180_000);
});

describe('the router', () => {
  test('changed by somebody else since the plan is left as that somebody wants it', async () => {
    const before = (await upstreams()) as { dial: string }[];
    const run = await recover({ move: true });
    const { planHash } = await until(run, (status) => status.planHash !== undefined);
    expect(planHash).toBeDefined();
    await upstreams('127.0.0.1:9');
    await approve(run);
    const { awaiting } = await until(run, ({ awaits }) => awaits === 'operator');
    expect(awaiting).toContain('127.0.0.1:9');
    await run.signal(abortSignal, { by: 'ann' });
    expect(await run.result()).toMatchObject({ outcome: 'aborted' });
    expect(await upstreams()).toMatchObject([{ dial: '127.0.0.1:9' }]);
    await upstreams(before[0]?.dial);
  }, 120_000);

  test('restarted in the middle of it all is waited for, and goes on with what it was told', async () => {
    const before = await servedBy();
    const run = await recover({ move: true });
    await until(run, (status) => status.planHash !== undefined);
    await scenario.stack.kill('caddy');
    await approve(run);
    await until(run, ({ awaits }) => awaits === 'outage');
    await scenario.stack.start('caddy');
    await commit(run);
    expect(await run.result()).toMatchObject({ outcome: 'recovered', verdict: 'pass' });
    const after = await servedBy();
    expect(after).not.toBe(before);
    await scenario.stack.restart('caddy');
    expect(await servedBy()).toBe(after);
  }, 180_000);
});
