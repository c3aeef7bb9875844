import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { endOutage } from '../../sandbox/faults/break.ts';
import type { ClusterInput } from '../../domain/run-input.ts';
import { abortSignal, retryStepUpdate, rollBackUpdate } from '../../workflows/messages.ts';
import type { recoverQdrantCluster } from '../../workflows/recover-qdrant-cluster.ts';
import { Asking } from '../support/asking.ts';
import { EVERY_STEP } from '../support/every-step.ts';
import { decoded, historyOf } from '../support/histories.ts';
import { approve, COLLECTION, commit, QUEUE, running, Scenario, until } from '../support/scenario.ts';

type ClusterRun = WorkflowHandleWithFirstExecutionRunId<typeof recoverQdrantCluster>;

let scenario: Scenario;
let runs = 0;

beforeAll(async () => {
  scenario = await Scenario.start();
  await scenario.backUp();
}, 240_000);

afterAll(async () => {
  await scenario?.stop();
}, 60_000);

function recover(input: ClusterInput = {}): Promise<ClusterRun> {
  return scenario.client.workflow.start<typeof recoverQdrantCluster>('recoverQdrantCluster', {
    taskQueue: QUEUE,
    workflowId: `qdrant-cluster/${(runs += 1)}`,
    args: [input],
  });
}

async function ingest(name: string): Promise<void> {
  const markdown = `# Chapter\n\n## Part ${name}\n\nWhat was written after the backup: ${name}.\n`;
  const response = await fetch(`${scenario.stack.urls.app}/ingest`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ file: `${name}.md`, markdown }),
  });
  if (!response.ok) throw new Error(`ingest: ${response.status}`);
}

/** Points of the collection that the app's name stands for, on one of the two servers. */
async function pointsOn(which: 'primary' | 'standby'): Promise<number | string> {
  const { env } = scenario.stack;
  const [url, key] =
    which === 'primary'
      ? [env['QDRANT_URL'], env['QDRANT_API_KEY']]
      : [env['QDRANT_STANDBY_URL'], env['QDRANT_STANDBY_API_KEY']];
  const response = await fetch(`${url ?? ''}/collections/textbook-content/points/count`, {
    method: 'POST',
    headers: { 'api-key': key ?? '', 'content-type': 'application/json' },
    body: '{"exact": true}',
  });
  if (!response.ok) return `${response.status}`;
  return ((await response.json()) as { result: { count: number } }).result.count;
}

async function collectionsOn(which: 'primary' | 'standby'): Promise<string[]> {
  const { env } = scenario.stack;
  const prefix = which === 'primary' ? 'QDRANT' : 'QDRANT_STANDBY';
  const response = await fetch(`${env[`${prefix}_URL`] ?? ''}/collections`, {
    headers: { 'api-key': env[`${prefix}_API_KEY`] ?? '' },
  });
  const { result } = (await response.json()) as { result: { collections: { name: string }[] } };
  return result.collections.map(({ name }) => name).sort();
}

describe('a Qdrant that has failed', () => {
  test.each(['key-changed', 'rate-limit'])(
    'by %s is not replaced: it asks for a hand, and when it is mended there is nothing to do',
    async (fault) => {
      await scenario.break(fault);
      const run = await recover();
      try {
        const { awaiting } = await until(run, ({ awaits }) => awaits === 'operator');
        expect(awaiting).toContain('replace: true');
      } finally {
        await endOutage(scenario.stack, 'qdrant', fault);
      }
      await run.executeUpdate(retryStepUpdate, { args: [{}] });
      expect(await run.result()).toMatchObject({ outcome: 'nothing-to-do', verdict: 'pass' });
      expect(await collectionsOn('standby')).toEqual([]);
    },
    120_000,
  );

  test.each([
    ['hang', /hangs/],
    ['recovery-mode', /recovery mode/],
  ])(
    'by %s is to be replaced, and nothing is written before that is approved',
    async (fault, words) => {
      await scenario.break(fault);
      const run = await recover();
      try {
        const { plan } = await until(run, ({ planHash }) => planHash !== undefined);
        expect(plan?.reason).toMatch(words);
      } finally {
        await endOutage(scenario.stack, 'qdrant', fault);
      }
      await run.signal(abortSignal, { by: 'ann' });
      expect((await run.result()).outcome).toBe('aborted');
      expect(await collectionsOn('standby')).toEqual([]);
    },
    120_000,
  );

  test('with its disk comes back on the standby, as it was and as it has become since; the worker dies in every step, nobody gets a wrong answer', async () => {
    await ingest('after-the-backup');
    const before = await pointsOn('primary');
    await scenario.break('disk-gone');
    const asking = new Asking(scenario.stack.urls.app);
    const run = await recover();
    const killIn = async (...steps: string[]): Promise<void> => {
      for (const step of steps) {
        await until(run, running(step));
        await scenario.stack.kill('worker');
        await scenario.stack.start('worker');
      }
    };
    if (EVERY_STEP) await killIn('confirm', 'forecast');
    await approve(run);
    await killIn(
      ...(EVERY_STEP
        ? ['bringUp', 'create', 'restore', 'catchUp', 'queries', 'switch', 'repoint', 'live']
        : ['restore', 'live']),
    );
    await commit(run);
    const report = await run.result();
    const history = await historyOf(run, 'qdrant-cluster-recovered');
    for (const name of ['QDRANT_API_KEY', 'QDRANT_STANDBY_API_KEY', 'APP_VECTORS_HEADER'])
      expect(decoded(history)).not.toContain(scenario.stack.env[name]);
    const answers = await asking.stop();
    expect(report.gates.filter(({ verdict }) => verdict !== 'pass')).toEqual([]);
    expect(report).toMatchObject({ outcome: 'recovered', verdict: 'pass', rpo: { chunksDamaged: 1, chunksLost: 0 } });
    expect(await pointsOn('standby')).toBe(before);
    expect(answers.filter(({ outcome }) => outcome === 'wrong')).toEqual([]);
    // From the first right answer on there is no refusal any more.
    const first = answers.findIndex(({ outcome }) => outcome === 'right');
    expect(answers.slice(first).map(({ outcome }) => outcome)).not.toContain('refused');
    expect(answers.length - first).toBeGreaterThan(5);
    await backedUp();
  }, 300_000);

  test('is not taken for the live one when it comes back; what was replaced may take its place again, and a roll back leaves everything as it was', async () => {
    await scenario.stack.start('qdrant');
    const before = await pointsOn('standby');
    const asking = new Asking(scenario.stack.urls.app);
    const run = await recover({ replace: true });
    await approve(run);
    await until(run, ({ awaits }) => awaits === 'commit');
    expect(await pointsOn('primary')).toBe(before);
    await run.executeUpdate(rollBackUpdate, { args: [{ by: 'ann' }] });
    const report = await run.result();
    const answers = await asking.stop();
    await historyOf(run, 'qdrant-cluster-rolled-back');
    expect(report.outcome).toBe('rolled-back');
    expect(report.undo.map(({ title, outcome }) => ({ title, outcome }))).not.toContainEqual(
      expect.objectContaining({ outcome: 'failed' }),
    );
    expect(await pointsOn('standby')).toBe(before);
    expect(await collectionsOn('primary')).toEqual([]);
    // Asked all through both switches.
    expect([...new Set(answers.map(({ outcome }) => outcome))]).toEqual(['right']);
  }, 180_000);

  test('may be replaced beside, on the same server, under the alias that the app uses', async () => {
    const before = await pointsOn('standby');
    const asking = new Asking(scenario.stack.urls.app);
    const run = await recover({ replace: true, to: 'beside' });
    await approve(run);
    await commit(run);
    const report = await run.result();
    const answers = await asking.stop();
    expect(report).toMatchObject({ outcome: 'recovered', verdict: 'pass' });
    expect([...new Set(answers.map(({ outcome }) => outcome))]).toEqual(['right']);
    expect(await pointsOn('standby')).toBe(before);
    const made = await collectionsOn('standby');
    expect(made).toEqual([COLLECTION, expect.stringMatching(new RegExp(`^${COLLECTION}-r[0-9a-f]{8}$`))]);
    await backedUp();
  }, 180_000);

  test('may be rebuilt from its texts, without any vector of a set', async () => {
    const before = await pointsOn('standby');
    const run = await recover({ rebuild: true, to: 'beside', replace: true });
    const { plan } = await until(run, ({ planHash }) => planHash !== undefined);
    expect(plan?.steps.find(({ step }) => step === 'rebuild')?.what).toMatch(/embed 3\d\d texts/);
    await approve(run);
    await commit(run);
    expect(await run.result()).toMatchObject({ outcome: 'recovered', verdict: 'pass' });
    expect(await pointsOn('standby')).toBe(before);
  }, 240_000);
});

/** The backup that follows a recovery has come to its end: it must not run into the next recovery. */
async function backedUp(): Promise<void> {
  for (const deadline = Date.now() + 60_000; ;) {
    const found = [];
    const query = 'WorkflowType = "backUpStack" AND ExecutionStatus = "Running"';
    for await (const run of scenario.client.workflow.list({ query })) found.push(run.workflowId);
    const after = [];
    for await (const run of scenario.client.workflow.list({ query: 'WorkflowType = "backUpStack"' }))
      after.push(run.workflowId);
    if (found.length === 0 && after.some((id) => id.startsWith('backup-after/'))) return;
    if (Date.now() > deadline) throw new Error(`no backup has ended: ${after.join(', ')}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
