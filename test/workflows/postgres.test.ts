import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import type { RecoveryActivities } from '../../activities/contract.ts';
import { withFailures } from '../../activities/fail.ts';
import type { Moment } from '../../domain/database-state.ts';
import { RecoveryError } from '../../domain/failures.ts';
import type { RunReport, RunStatus } from '../../domain/report.ts';
import type { PostgresInput } from '../../domain/run-input.ts';
import { abortSignal, approveUpdate, commitUpdate, rollBackUpdate, statusQuery } from '../../workflows/messages.ts';
import type { recoverPostgresMetadata } from '../../workflows/recover-postgres-metadata.ts';
import { damage, fakeStack, recoverySet, settings } from '../support/fake-activities.ts';
import { databaseSettings, diffOf, FAULT_AT, SET_AT, surveyWith } from '../support/fake-postgres.ts';
import { timeSkippingServer, workflowBundle } from '../support/temporal.ts';

type Handle = WorkflowHandleWithFirstExecutionRunId<typeof recoverPostgresMetadata>;
let server: TestWorkflowEnvironment;

beforeAll(async () => {
  server = await timeSkippingServer();
});

afterAll(async () => {
  await server?.teardown();
});

const set = {
  ...recoverySet,
  takenAt: SET_AT,
  postgres: {
    serverVersion: '18',
    lsn: '0/1',
    dump: { folder: 'dump', files: [recoverySet.golden] },
    rows: {},
    fingerprints: {},
    neon: {
      projectId: 'p',
      sourceBranchId: 'br-main',
      branchId: 'br-set',
      branchName: 'backup',
      parentTimestamp: SET_AT,
    },
  },
};

interface Scene {
  readonly input?: PostgresInput;
  readonly activities?: Partial<RecoveryActivities>;
  readonly database?: Partial<typeof databaseSettings>;
}

/** Runs the runbook on a stack whose chunk rows are gone, and hands the run to `talk`. */
async function withRun<T>(
  { input = {}, activities: own = {}, database = {} }: Scene,
  talk: (run: Handle, calls: string[]) => Promise<T>,
): Promise<T> {
  const environment = `test-${randomUUID().slice(0, 8)}`;
  const postgres = { ...databaseSettings, ...database };
  const { activities, calls } = fakeStack({
    openRun: async () => ({ settings: { ...settings, environment, postgres }, initiator: { claimed: 'ann@host' } }),
    chooseRecoverySet: async () => ({ set: { ...set, environment }, why: 'the newest' }),
    reconcileStack: async () => damage({}),
    ...own,
  });
  // The marks say `test`, whatever the environment of one test is called.
  const survey = activities.surveyDatabase.bind(activities);
  activities.surveyDatabase = async (asked) => {
    const seen = await survey(asked);
    return 'survey' in seen && seen.survey.environment === 'test' ? { survey: { ...seen.survey, environment } } : seen;
  };
  const worker = await Worker.create({
    connection: server.nativeConnection,
    taskQueue: `recovery-${environment}`,
    workflowBundle: await workflowBundle(),
    activities: withFailures(activities),
  });
  return worker.runUntil(async () => {
    const run = await server.client.workflow.start<typeof recoverPostgresMetadata>('recoverPostgresMetadata', {
      taskQueue: `recovery-${environment}`,
      workflowId: `postgres/${randomUUID()}`,
      args: [input],
    });
    return talk(run, calls);
  });
}

async function until(run: Handle, wanted: (status: RunStatus) => boolean): Promise<RunStatus> {
  for (const deadline = Date.now() + 30_000; ; await pause(50)) {
    const seen = await run.query(statusQuery);
    if (wanted(seen)) return seen;
    if (Date.now() > deadline) throw new Error(`the run did not come to it: ${JSON.stringify(seen)}`);
  }
}

async function approve(run: Handle): Promise<void> {
  const { planHash = '' } = await until(run, ({ planHash }) => planHash !== undefined);
  await run.executeUpdate(approveUpdate, { args: [{ plan: planHash, approver: 'ann' }] });
}

async function complete(run: Handle): Promise<RunReport> {
  await approve(run);
  await until(run, ({ awaits }) => awaits === 'commit');
  await run.executeUpdate(commitUpdate, { args: [{ by: 'ann' }] });
  return run.result();
}

const stateOf = (report: RunReport, step: string): string | undefined =>
  report.steps.find(({ name }) => name === step)?.state;
const resultOf = (report: RunReport, step: string): string | undefined =>
  report.steps.find(({ name }) => name === step)?.result;

describe('recovering Postgres', () => {
  test('says in a sentence what is lost, finds the moment, restores, carries over and releases', async () => {
    const asked: Moment[] = [];
    const report = await withRun(
      {
        activities: {
          restoreBranch: async ({ at, preserveAs, lastResetAt }) => {
            expect(preserveAs).toMatch(/^recovery-[0-9a-f]{8}-before$/);
            expect(lastResetAt).toBeNull();
            asked.push(at);
            return { preservedBranchId: 'br-before' };
          },
          checkState: async () => ({ good: true, lost: 0, reasons: [] }),
          surveyDatabase: async () => ({ survey: surveyWith({ chunks: 1_310, sessions: 20, messages: 60 }) }),
        },
      },
      (run) => complete(run),
    );
    expect(report).toMatchObject({ outcome: 'recovered', verdict: 'pass', scenario: 'postgres' });
    expect(report.plan?.reason).toMatch(
      /^of 1,310 rows of chunks in the set 1,204 gone; sessions, messages intact; it happened between 2026-01-01T06:30:\S+ and 2026-01-01T06:30:\S+$/,
    );
    const [moment] = asked;
    const at = moment && 'timestamp' in moment ? Date.parse(moment.timestamp) : 0;
    expect(at).toBeLessThan(FAULT_AT);
    expect(FAULT_AT - at).toBeLessThanOrEqual(1_000);
    expect(resultOf(report, 'release')).toMatch(/is removed$/);
    expect(report.plan?.loss).toContain('messages: 4 later rows kept');
  });

  test('looks in no more probes than halving takes', async () => {
    await withRun({}, async (run, calls) => {
      await until(run, ({ planHash }) => planHash !== undefined);
      const window = Date.parse('2026-01-01T07:00:00Z') - Date.parse(SET_AT);
      expect(calls.filter((name) => name === 'probeMoment').length).toBeLessThanOrEqual(
        Math.ceil(Math.log2(window / 1_000)) + 2,
      );
      await run.signal(abortSignal, { by: 'ann' });
      await run.result().catch(() => undefined);
    });
  });

  test('tells the writes in their order: fence, restore, log in, carry over, open', async () => {
    await withRun({}, async (run, calls) => {
      await approve(run);
      await until(run, ({ awaits }) => awaits === 'commit');
      const writes = ['setAppMode', 'tryStaleWrite', 'restoreBranch', 'restoreLogin', 'carryRows', 'releaseBranch'];
      const after = calls.slice(calls.lastIndexOf('removeRecoveryBranches'));
      expect(after.filter((name) => writes.includes(name))).toEqual([
        'setAppMode',
        'tryStaleWrite',
        'restoreBranch',
        'restoreLogin',
        'carryRows',
        'setAppMode',
      ]);
      await run.executeUpdate(commitUpdate, { args: [{ by: 'ann' }] });
      await run.result();
      expect(calls).toContain('releaseBranch');
    });
  });

  test('a roll back fences the app, puts the preserved branch back and opens the app again', async () => {
    await withRun({}, async (run, calls) => {
      await approve(run);
      await until(run, ({ awaits }) => awaits === 'commit');
      const before = calls.length;
      await run.executeUpdate(rollBackUpdate, { args: [{ by: 'ann' }] });
      const report = await run.result();
      expect(report.outcome).toBe('rolled-back');
      expect(report.undo.every(({ outcome }) => outcome === 'done')).toBe(true);
      const undone = calls.slice(before).filter((name) => name !== 'notify');
      expect(undone.slice(0, 4)).toEqual(['setAppMode', 'putBranchBack', 'restoreLogin', 'setAppMode']);
      expect(calls).not.toContain('releaseBranch');
    });
  });

  test('a table without a row is not compared with the vectors: every one of them would be an orphan', async () => {
    const empty = surveyWith({ chunks: 0, sessions: 20, messages: 60 });
    let restored = false;
    await withRun(
      {
        activities: {
          surveyDatabase: async ({ place }) => ({
            survey:
              place.kind === 'live' && !restored ? empty : surveyWith({ chunks: 1_310, sessions: 20, messages: 60 }),
          }),
          restoreBranch: async () => {
            restored = true;
            return { preservedBranchId: 'br-before' };
          },
          checkState: async () => ({ good: true, lost: 0, reasons: [] }),
          reconcileStack: async () => {
            if (!restored) throw new RecoveryError('UNEXPECTED_SCHEMA', 'the table has no row with a point id');
            return damage({});
          },
        },
      },
      async (run) => expect(await complete(run)).toMatchObject({ outcome: 'recovered', verdict: 'pass' }),
    );
  });

  test('writes nothing when nothing is lost', async () => {
    const report = await withRun(
      {
        activities: {
          compareDatabases: async () => [diffOf('chunks', {}), diffOf('messages', { added: 9 })],
          surveyDatabase: async () => ({ survey: surveyWith({ chunks: 1_310, sessions: 20, messages: 69 }) }),
          checkState: async () => ({ good: true, lost: 0, reasons: [] }),
        },
      },
      async (run, calls) => {
        const ended = await run.result();
        for (const write of ['restoreBranch', 'carryRows', 'probeMoment', 'swapDatabase'])
          expect(calls).not.toContain(write);
        return ended;
      },
    );
    expect(report).toMatchObject({ outcome: 'nothing-to-do', verdict: 'pass' });
  });

  test('without a history the dump comes up beside, and the databases change names after the rows are carried', async () => {
    await withRun({ database: { history: false } }, async (run, calls) => {
      const report = await complete(run);
      expect(report).toMatchObject({ outcome: 'recovered', verdict: 'pass' });
      const order = calls.filter((name) =>
        ['restoreDatabase', 'carryRows', 'swapDatabase', 'dropDatabase'].includes(name),
      );
      expect(order).toEqual([
        'restoreDatabase',
        'carryRows',
        'carryRows',
        'swapDatabase',
        'dropDatabase',
        'dropDatabase',
      ]);
      expect(calls).not.toContain('probeMoment');
    });
  });

  test('a database that is gone altogether is restored, with nothing to carry over', async () => {
    let restored = false;
    const survey = surveyWith({ chunks: 1_310, sessions: 20, messages: 60 });
    const report = await withRun(
      {
        activities: {
          surveyDatabase: async ({ place }) =>
            place.kind === 'live' && !restored ? { missing: 'database "textbook" does not exist' } : { survey },
          restoreBranch: async () => {
            restored = true;
            return { preservedBranchId: 'br-before' };
          },
          checkState: async () => ({ good: true, lost: 0, reasons: [] }),
        },
      },
      async (run, calls) => {
        const ended = await complete(run);
        expect(calls).not.toContain('carryRows');
        return ended;
      },
    );
    expect(report).toMatchObject({ outcome: 'recovered', verdict: 'pass' });
    expect(report.plan?.reason).toContain('the database is gone (database "textbook" does not exist)');
    expect(report.plan?.loss).toContain('is lost');
  });

  test.each<[string, Scene, string, RegExp]>([
    [
      'a history in which nothing is good',
      {
        activities: {
          findBranch: async () => ({ ready: false }),
          probeMoment: async () => ({ good: false, lost: 5, reasons: ['5 rows of chunks are gone'] }),
        },
      },
      'NO_GOOD_MOMENT',
      /at its beginning 5 rows of chunks are gone/,
    ],
    [
      'a moment that Neon does not keep',
      {
        input: { at: '2020-01-01T00:00:00Z' },
        activities: {
          probeMoment: async () => {
            throw new RecoveryError('MOMENT_REFUSED', 'at: 2020-01-01T00:00:00.000Z is before the history');
          },
        },
      },
      'MOMENT_REFUSED',
      /before the history/,
    ],
    [
      'a state of another environment',
      {
        activities: {
          surveyDatabase: async () => ({ survey: { ...surveyWith({ chunks: 1 }), environment: 'production' } }),
        },
      },
      'WRONG_ENVIRONMENT',
      /belongs to production/,
    ],
    [
      'a set without Postgres',
      { activities: { chooseRecoverySet: async () => ({ set: recoverySet, why: 'the newest' }) } },
      'SET_MISMATCH',
      /has no part of Postgres/,
    ],
    [
      'a plan that somebody else’s restore has overtaken',
      {
        activities: {
          restoreBranch: async () => {
            throw new RecoveryError('STALE_PLAN', 'plan: the branch main was restored since');
          },
        },
      },
      'STALE_PLAN',
      /was restored since/,
    ],
  ])('refuses %s', async (_what, scene, code, message) => {
    await withRun(scene, async (run, calls) => {
      if (code === 'STALE_PLAN') await approve(run);
      await expect(run.result()).rejects.toMatchObject({
        cause: { type: code, message: expect.stringMatching(message) },
      });
      expect(calls).not.toContain('swapDatabase');
      expect(calls).not.toContain('carryRows' + (code === 'STALE_PLAN' ? '-never' : ''));
    });
  });

  test.each<[string, object, RegExp]>([
    ['a moment without a zone', { at: '2026-01-01T00:00:00' }, /at: must be a time with a zone/],
    ['a moment and a dump at once', { at: '2026-01-01T00:00:00Z', from: 'set' }, /at: a moment is of the history/],
    ['a path instead of a file', { plainDump: '../backup.sql' }, /plainDump: must be the name of a file/],
    ['a field that there is not', { moment: 'x' }, /moment: Unrecognized key/],
  ])('refuses %s before anything is read', async (_what, input, message) => {
    await withRun({ input }, async (run, calls) => {
      await expect(run.result()).rejects.toMatchObject({
        cause: { type: 'INVALID_INPUT', message: expect.stringMatching(message) },
      });
      expect(calls).toEqual([]);
    });
  });

  test('tells of what stands against restoring the branch before anything is made', async () => {
    await withRun(
      {
        activities: {
          readNeonHistory: async () => ({ ...(await historyOf()), refusal: 'the branch main is protected' }),
        },
      },
      async (run, calls) => {
        await until(run, ({ awaits }) => awaits === 'operator');
        expect(stateOf({ steps: (await run.query(statusQuery)).steps } as RunReport, 'moment')).toBe('waiting');
        expect(calls).not.toContain('probeMoment');
        await run.signal(abortSignal, { by: 'ann' });
        expect((await run.result()).outcome).toBe('aborted');
      },
    );
  });
});

async function historyOf() {
  const { history } = await import('../support/fake-postgres.ts');
  return history;
}
