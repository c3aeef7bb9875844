import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { z } from 'zod';
import type { RecoveryActivities } from '../../activities/contract.ts';
import { withFailures } from '../../activities/fail.ts';
import { createArtifactStore } from '../../activities/store/index.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { runReportSchema, runStatusSchema } from '../../domain/report.ts';
import { registerSearchAttributes } from '../../workers/search-attributes.ts';
import { fakeStack } from '../support/fake-activities.ts';
import { makeSet, putManifest } from '../support/recovery-set.ts';
import { temporaryFolder } from '../support/folder.ts';
import { program, workflowBundle } from '../support/temporal.ts';
import { dr, type Said } from './terminal.ts';

const startedSchema = z.object({ workflowId: z.string(), runId: z.string(), url: z.url() });
let server: TestWorkflowEnvironment;

beforeAll(async () => {
  const executable = { type: 'existing-path', path: program('temporal') } as const;
  server = await TestWorkflowEnvironment.createLocal({ server: { executable } });
  await registerSearchAttributes(server.connection, 'default');
});

afterAll(async () => {
  await server.teardown();
});

/** A stack of its own with a worker, and `dr` pointed at it. */
async function withWorker(
  environment: string,
  talk: (run: (...args: string[]) => Promise<Said>, env: NodeJS.ProcessEnv) => Promise<void>,
  overrides: Partial<RecoveryActivities> = {},
): Promise<void> {
  const worker = await Worker.create({
    connection: server.nativeConnection,
    taskQueue: `recovery-${environment}`,
    workflowBundle: await workflowBundle(),
    activities: withFailures(fakeStack(overrides, environment).activities),
  });
  const env = {
    TEMPORAL_ADDRESS: server.address,
    DR_ENVIRONMENT: environment,
    STORE_DIRECTORY: temporaryFolder('dr-store'),
  };
  await worker.runUntil(() => talk((...args) => dr(args, { env }), env));
}

/** Asks until the run waits for what is expected; the server is real, and so is its pace. */
async function until(
  run: (...args: string[]) => Promise<Said>,
  awaited: RegExp,
): Promise<z.infer<typeof runStatusSchema>> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const { code, out } = await run('status', '--json');
    if (code === 0) {
      const status = runStatusSchema.loose().parse(JSON.parse(out));
      if (awaited.test(status.awaiting ?? '')) return status;
    }
    if (Date.now() > deadline) throw new Error(`the run never waited for ${String(awaited)}: ${out}`);
  }
}

describe('a run from the command line', () => {
  test('is started, approved by the hash of its plan, committed and reported', async () => {
    await withWorker('whole', async (run) => {
      const started = await run('start', 'partial-loss', '--reason', 'chapter 3 is silent', '--drill', '--json');
      expect(started.code).toBe(0);
      const { workflowId, url } = startedSchema.parse(JSON.parse(started.out));
      expect(workflowId).toMatch(/^partial-loss\/whole\/\d{8}T\d{6}Z$/);
      expect(url).toContain(encodeURIComponent(workflowId));

      const { planHash = '' } = await until(run, /^approval/);
      const stale = await run('approve', '--plan', '0'.repeat(12), '--json');
      expect(stale.code).toBe(3);
      expect(JSON.parse(stale.out)).toMatchObject({ error: { code: 'STALE_PLAN' } });

      const approved = await run('approve', '--plan', planHash.slice(0, 12), '--as', 'alice');
      expect(approved).toMatchObject({ code: 0, err: '' });
      expect(approved.out).toContain('0 more needed');

      await until(run, /^commit/);
      expect((await run('report')).code).toBe(3);
      expect((await run('commit', '--note', 'looked at it')).code).toBe(0);
      const watched = await run('status', workflowId, '--watch');
      expect(watched.code).toBe(0);
      expect(watched.out).toContain('verdict pass');

      const report = await run('report', workflowId, '--json');
      expect(report.code).toBe(0);
      const { decisions, drill } = runReportSchema.parse(JSON.parse(report.out));
      expect(decisions.filter(({ refused }) => !refused).map(({ what, by }) => [what, by])).toEqual([
        ['approve', 'alice'],
        ['commit', 'operator'],
      ]);
      expect(drill).toBe(true);
      const { events } = await server.client.workflow.getHandle(workflowId).fetchHistory();
      expect(events?.[0]?.workflowExecutionStartedEventAttributes?.identity).toMatch(/^dr-cli:operator@/);
      expect((await run('report', '--markdown')).out).toMatch(/^# partial-loss in whole \(drill\)/);
      expect((await run('note', workflowId, '--note', 'too late')).code).toBe(3);
    });
  });

  test('waits with --wait, says each step once on a stderr that is a pipe, and ends with the verdict as exit code', async () => {
    await withWorker('waited', async (run) => {
      const whole = run('start', 'partial-loss', '--wait', '--commit-window', '0', '--json');
      await until(run, /^approval/);
      expect((await run('approve', '--yes')).code).toBe(0);
      const { code, out, err } = await whole;
      expect(code).toBe(0);
      expect(JSON.parse(out)).toMatchObject({ report: { verdict: 'pass' } });
      const lines = err.split('\n').map((line) => line.replace(/^\d\d:\d\d:\d\d /, ''));
      expect(lines.filter((line) => line.startsWith('✔ done: Restore'))).toHaveLength(1);
      expect(err).not.toContain('\u001b');
    });
  });

  test('shows the plan to a person at a terminal and takes no for an answer', async () => {
    await withWorker('asked', async (run, env) => {
      await run('start', 'partial-loss');
      const { planHash = '' } = await until(run, /^approval/);
      const no = await dr(['approve'], { env, isTTY: true, typed: 'no\n' });
      expect(no.code).toBe(3);
      expect(no.out).toContain(`Plan ${planHash.slice(0, 12)}`);
      const yes = await dr(['approve'], { env, isTTY: true, typed: 'y\n' });
      expect(yes.code).toBe(0);
      await until(run, /^commit/);
      expect((await run('rollback', '--reason', 'worse than before')).code).toBe(0);
      const { code, out } = await run('status', '--watch');
      expect(code).toBe(1);
      expect(out).toContain('rolled-back');
    });
  });

  test('that is refused says code, message and next step, and exits with 1', async () => {
    const openRun = (): never => {
      throw new RecoveryError('UNMARKED_ENVIRONMENT', 'environment: Qdrant collection x does not say where it belongs');
    };
    await withWorker(
      'refused',
      async (run) => {
        const { code, out } = await run('start', 'backup', '--wait');
        expect(code).toBe(1);
        expect(out).toContain('UNMARKED_ENVIRONMENT: environment: Qdrant collection x');
        expect(out).toContain('Next: If this really is the right target');
        expect((await run('report')).code).toBe(1);
      },
      { openRun: async () => openRun() },
    );
  });

  test('is listed with its outcome', async () => {
    const talk = async (run: (...args: string[]) => Promise<Said>): Promise<void> => {
      const { out: said } = await run('backup', '--wait', '--json');
      expect(JSON.parse(said)).toMatchObject({ report: { scenario: 'backup' } });
      const { code, out } = await run('runs', '--json');
      expect(code).toBe(0);
      expect(JSON.parse(out)).toMatchObject({
        runs: [{ scenario: 'backup', state: 'completed', outcome: 'completed' }],
      });
    };
    await withWorker('listed', talk, { findLeaseHolder: async () => null });
  });

  test('verifies the set that is named, at the level that is asked for', async () => {
    const picked: unknown[] = [];
    const id = 'set-20260124T020000Z-aaaaaa';
    const talk = async (run: (...args: string[]) => Promise<Said>, env: NodeJS.ProcessEnv): Promise<void> => {
      const store = createArtifactStore({ directory: env['STORE_DIRECTORY'] ?? '' });
      await putManifest(store, await makeSet(store, { id }));
      expect((await run('sets', 'verify', 'set-20260124T020000Z-bbbbbb')).code).toBe(5);
      const { out } = await run('sets', 'verify', id, '--quick', '--wait', '--json');
      expect(JSON.parse(out)).toMatchObject({ workflowId: expect.stringMatching(/^verify-set\/trial\//) });
      expect(picked).toEqual([{ setId: id }]);
    };
    const pickSet = async (input: object): Promise<{ id: string; problem: string }> => {
      picked.push(input);
      return { id, problem: 'it was changed' };
    };
    await withWorker('trial', talk, { pickSet, findLeaseHolder: async () => null });
  });

  test('marks an environment and says what was marked', async () => {
    await withWorker(
      'marked',
      async (run) => {
        const { code, out } = await run('mark-environment', '--json');
        expect(code).toBe(0);
        expect(JSON.parse(out)).toEqual({ environment: 'marked', marked: ['Postgres'] });
      },
      { markEnvironment: async () => ({ marked: ['Postgres'] }) },
    );
  });
});

describe('without a run', () => {
  const env = (): NodeJS.ProcessEnv => ({ TEMPORAL_ADDRESS: server.address, DR_ENVIRONMENT: 'empty' });

  test.each([['status'], ['approve', '--yes'], ['abort'], ['report'], ['status', 'no-such-run']])(
    '%s %s finds nothing and exits with 5',
    async (...args) => {
      const { code, err } = await dr(args.filter(Boolean), { env: env() });
      expect(code).toBe(5);
      expect(err).toMatch(/^NOT_FOUND: .*\nNext: .*dr (?:start|runs)/);
    },
  );

  test('a run that nobody serves is started, and it is said that it waits for a worker', async () => {
    const { code, out, err } = await dr(['start', 'backup', '--json'], { env: env() });
    expect(code).toBe(0);
    expect(startedSchema.parse(JSON.parse(out)).workflowId).toMatch(/^backup\/empty\//);
    expect(err).toContain('No worker serves empty');
    expect((await dr(['abort'], { env: env() })).code).toBe(0);
  });
});
