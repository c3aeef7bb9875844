import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import type { RecoveryActivities } from '../../activities/contract.ts';
import { withFailures } from '../../activities/fail.ts';
import { RecoveryError } from '../../domain/failures.ts';
import type { RunStatus } from '../../domain/report.ts';
import type { PartialLossInput } from '../../domain/run-input.ts';
import {
  abortSignal,
  approveUpdate,
  commitUpdate,
  rejectUpdate,
  retryStepUpdate,
  rollBackUpdate,
  skipStepUpdate,
  statusQuery,
} from '../../workflows/messages.ts';
import type { recoverPartialQdrantLoss } from '../../workflows/recover-partial-qdrant-loss.ts';
import { damage, fakeStack } from '../support/fake-activities.ts';
import { timeSkippingServer, workflowBundle } from '../support/temporal.ts';

type Handle = WorkflowHandleWithFirstExecutionRunId<typeof recoverPartialQdrantLoss>;
let server: TestWorkflowEnvironment;

beforeAll(async () => {
  server = await timeSkippingServer();
});

afterAll(async () => {
  await server?.teardown();
});

/** Runs the runbook on a stack and hands the run to `talk`. */
async function withRun<T>(
  overrides: Parameters<typeof fakeStack>[0],
  talk: (run: Handle, calls: string[], environment: string) => Promise<T>,
  input: PartialLossInput = {},
): Promise<T> {
  // Every test has an environment of its own, so that a run which one leaves behind cannot hold another's lease.
  const environment = `test-${randomUUID().slice(0, 8)}`;
  const { activities, calls } = fakeStack(overrides, environment);
  const worker = await Worker.create({
    connection: server.nativeConnection,
    taskQueue: `recovery-${environment}`,
    workflowBundle: await workflowBundle(),
    activities: withFailures(activities),
  });
  return worker.runUntil(async () => {
    const run = await server.client.workflow.start<typeof recoverPartialQdrantLoss>('recoverPartialQdrantLoss', {
      taskQueue: `recovery-${environment}`,
      workflowId: `partial-loss/${randomUUID()}`,
      args: [input],
    });
    return talk(run, calls, environment);
  });
}

const LONGEST_MS = 30_000;

/** Looks, in real time, until what is seen is as wanted. */
async function look<T>(at: () => Promise<T>, wanted: (seen: T) => boolean): Promise<T> {
  for (const deadline = Date.now() + LONGEST_MS; ; await pause(50)) {
    const seen = await at();
    if (wanted(seen)) return seen;
    if (Date.now() > deadline) throw new Error(`the run did not come to it; its status is ${JSON.stringify(seen)}`);
  }
}

/** Waits until the run's status shows what is asked for. */
const until = (run: Handle, wanted: (status: RunStatus) => boolean): Promise<RunStatus> =>
  look(() => status(run), wanted);

const status = (run: Handle): Promise<RunStatus> => run.query(statusQuery);

async function approve(run: Handle): Promise<void> {
  const { planHash } = await until(run, (now) => now.planHash !== undefined);
  await run.executeUpdate(approveUpdate, { args: [{ plan: (planHash ?? '').slice(0, 12), approver: 'ann' }] });
}

describe('a run that goes well', () => {
  test('repairs, verifies, and commits by the clock when nobody says anything', async () => {
    await withRun({}, async (run, calls) => {
      await approve(run);
      const report = await run.result();
      expect(report).toMatchObject({
        outcome: 'recovered',
        verdict: 'pass',
        scenario: 'partial-loss',
        environment: expect.stringContaining('test-'),
      });
      expect(report.steps.find(({ name }) => name === 'commit')?.result).toBe('committed by the clock');
      expect(report.rtoSeconds).toBeLessThan(3_600);
      expect(calls.indexOf('captureCollection')).toBeLessThan(calls.indexOf('copyPoints'));
      expect(calls.filter((name) => name === 'dropScratch')).toHaveLength(2);
      expect(calls).not.toContain('revertPoints');
    });
  });

  test('changes nothing when nothing is damaged, and still proves the gates', async () => {
    await withRun({ reconcileStack: async () => damage({}) }, async (run, calls) => {
      const report = await run.result();
      expect(report).toMatchObject({ outcome: 'nothing-to-do', verdict: 'pass' });
      expect(calls).not.toContain('captureCollection');
    });
  });
});

describe('a plan that nobody may carry out', () => {
  test('ends without a change when it is rejected', async () => {
    await withRun({}, async (run, calls) => {
      await until(run, (now) => now.planHash !== undefined);
      await run.executeUpdate(rejectUpdate, { args: [{ by: 'bob', reason: 'not now' }] });
      expect(await run.result()).toMatchObject({ outcome: 'rejected', verdict: 'fail' });
      expect(calls).not.toContain('captureCollection');
    });
  });

  test('ends without a change when nobody approves in time', async () => {
    await withRun({}, async (run, calls) => {
      expect(await run.result()).toMatchObject({ outcome: 'expired' });
      expect(calls).not.toContain('captureCollection');
    });
  });

  test('refuses a stale hash, and keeps the refusal in the record', async () => {
    await withRun({}, async (run) => {
      await until(run, (now) => now.planHash !== undefined);
      await expect(
        run.executeUpdate(approveUpdate, { args: [{ plan: '0123456789ab', approver: 'eve' }] }),
      ).rejects.toMatchObject({
        cause: { type: 'STALE_PLAN', message: expect.stringContaining('plan') },
      });
      await approve(run);
      const report = await run.result();
      expect(report.decisions).toEqual([
        expect.objectContaining({ what: 'approve', by: 'eve', refused: expect.any(String) }),
        expect.objectContaining({ what: 'approve', by: 'ann' }),
      ]);
    });
  });

  test('refuses whom the policy does not name, and the initiator where four eyes are asked for', async () => {
    const approval = {
      approvers: ['ann', 'test', 'Test', 'your name'],
      required: 1,
      initiatorMayApprove: false,
      timeoutMinutes: 60,
    };
    await withRun({ approval }, async (run) => {
      const { planHash = '' } = await until(run, (now) => now.planHash !== undefined);
      for (const approver of ['eve', 'test', 'Test', 'your name', undefined]) {
        const refused = run.executeUpdate(approveUpdate, {
          args: [{ plan: planHash, ...(approver ? { approver } : {}) }],
        });
        await expect(refused).rejects.toMatchObject({ cause: { type: 'APPROVAL_REFUSED' } });
      }
      await approve(run);
      expect(await run.result()).toMatchObject({ outcome: 'recovered' });
    });
  });
});

describe('a run that meets trouble', () => {
  test('waits out an outage, says so, and goes on from the progress of the failed call', async () => {
    const resumed: unknown[] = [];
    let calls = 0;
    const copyPoints: RecoveryActivities['copyPoints'] = async ({ resume }) => {
      resumed.push(resume);
      calls += 1;
      if (calls < 4) throw new RecoveryError('QDRANT_UNREACHABLE', 'qdrant: connection refused');
      return { written: 10, newer: 0 };
    };
    let assessed = 0;
    const reconcileStack: RecoveryActivities['reconcileStack'] = async () =>
      (assessed += 1) > 1 ? damage({}) : damage({ missing: 10 }, 10);
    await withRun({ copyPoints, reconcileStack }, async (run) => {
      await approve(run);
      const report = await run.result();
      expect(report).toMatchObject({ outcome: 'recovered', verdict: 'pass' });
      expect(report.steps.find(({ name }) => name === 'copyBack')).toEqual(
        expect.objectContaining({ attempts: 4, state: 'done', result: '10 written' }),
      );
      expect(report.steps.find(({ name }) => name === 'copyBack')?.failure).toBeUndefined();
      expect(resumed).toHaveLength(4);
    });
  });

  test('asks a person when a step cannot go on, refuses a skip that is not safe, and tries again on retryStep', async () => {
    let restored = 0;
    const restoreBeside: RecoveryActivities['restoreBeside'] = async () => {
      if ((restored += 1) === 1) throw new RecoveryError('RESTORE_INCOMPLETE', 'scratch: 99 of 100 points');
      return { points: 100 };
    };
    await withRun({ restoreBeside }, async (run) => {
      await approve(run);
      const waiting = await until(run, (now) => now.awaits === 'operator');
      expect(waiting.awaiting).toContain('scratch: 99 of 100 points');
      await expect(run.executeUpdate(skipStepUpdate, { args: [{ reason: 'no' }] })).rejects.toMatchObject({
        cause: { type: 'NOT_NOW' },
      });
      await run.executeUpdate(retryStepUpdate, { args: [{ by: 'ann' }] });
      expect(await run.result()).toMatchObject({ outcome: 'recovered', verdict: 'pass' });
    });
  });

  test('keeps a repair whose gate stays red when a person says so, and does not call it proven', async () => {
    let compared = 0;
    const compareShape: RecoveryActivities['compareShape'] = async () =>
      (compared += 1) > 1 ? [{ path: 'hnsw_config.m', expected: '16', observed: '4' }] : [];
    await withRun({ compareShape }, async (run, calls) => {
      await approve(run);
      const waiting = await until(run, (now) => now.awaits === 'operator');
      expect(waiting.awaiting).toContain('hnsw_config.m: 4 instead of 16');
      await run.executeUpdate(skipStepUpdate, { args: [{ by: 'ann', reason: 'tuned by hand' }] });
      const report = await run.result();
      expect(report).toMatchObject({ outcome: 'recovered', verdict: 'fail' });
      expect(report.rtoSeconds).toBeUndefined();
      expect(calls).not.toContain('revertPoints');
    });
  });

  test('ends before it writes when the app has left the collection while the plan waited', async () => {
    await withRun({ resolveCollection: async () => ({ collection: 'another' }) }, async (run, calls) => {
      await approve(run);
      await expect(run.result()).rejects.toMatchObject({
        cause: { type: 'STALE_PLAN', message: expect.stringContaining('another') },
      });
      expect(calls).not.toContain('captureCollection');
    });
  });

  test('can be aborted while it does not even know where it is', async () => {
    const openRun: RecoveryActivities['openRun'] = async () => {
      throw new RecoveryError('QDRANT_UNREACHABLE', 'qdrant: connection refused');
    };
    await withRun({ openRun }, async (run) => {
      await until(run, (now) => now.awaits === 'outage');
      await run.signal(abortSignal, { by: 'ann', reason: 'later' });
      await expect(run.result()).rejects.toMatchObject({
        cause: { type: 'ABORTED', message: expect.stringContaining('ann') },
      });
    });
  });

  test('is unproven, not passed, when a gate was skipped where that is allowed', async () => {
    await withRun(
      {
        checkRetrieval: async () => [
          { name: 'retrieval', verdict: 'unproven', expected: 'answers', observed: 'no question' },
        ],
      },
      async (run) => {
        await approve(run);
        await until(run, (now) => now.awaiting?.includes('skipStep') ?? false);
        await run.executeUpdate(skipStepUpdate, { args: [{ by: 'ann', reason: 'asked by hand' }] });
        expect(await run.result()).toMatchObject({ outcome: 'recovered', verdict: 'unproven' });
      },
    );
  });

  test('ends and undoes when a store must not be touched any more', async () => {
    const copyPoints: RecoveryActivities['copyPoints'] = async () => {
      throw new RecoveryError('SET_TAMPERED', 'snapshot: the hash differs');
    };
    await withRun({ copyPoints }, async (run, calls) => {
      await approve(run);
      await expect(run.result()).rejects.toMatchObject({ cause: { type: 'SET_TAMPERED' } });
      expect(calls).toContain('revertPoints');
    });
  });
});

describe('undoing', () => {
  test('an abort in the middle of the copy puts everything back, and removes what was made beside', async () => {
    let started = (): void => undefined;
    const copying = new Promise<void>((resolve) => (started = resolve));
    const { Context } = await import('@temporalio/activity');
    const copyPoints: RecoveryActivities['copyPoints'] = async () => {
      started();
      const { cancelled, heartbeat } = Context.current();
      const beat = setInterval(() => heartbeat(), 100);
      try {
        return await cancelled;
      } finally {
        clearInterval(beat);
      }
    };
    await withRun({ copyPoints }, async (run, calls) => {
      await approve(run);
      await copying;
      await run.signal(abortSignal, { by: 'ann', reason: 'wrong moment' });
      expect(await run.result()).toMatchObject({
        outcome: 'aborted',
        verdict: 'fail',
        undo: expect.arrayContaining([expect.objectContaining({ outcome: 'done' })]),
      });
      expect(calls).toContain('revertPoints');
      expect(calls.at(-1)).toBe('notify');
    });
  });

  test('rollBack within the commit window undoes; afterwards it is refused', async () => {
    await withRun({}, async (run, calls) => {
      await approve(run);
      await until(run, (now) => now.awaiting?.startsWith('commit') ?? false);
      await run.executeUpdate(rollBackUpdate, { args: [{ by: 'ann' }] });
      const report = await run.result();
      expect(report).toMatchObject({ outcome: 'rolled-back', verdict: 'fail' });
      expect(report.rtoSeconds).toBeUndefined();
      expect(calls).toContain('revertPoints');
    });
  });

  test('commit keeps the recovery', async () => {
    await withRun({}, async (run, calls) => {
      await approve(run);
      await until(run, (now) => now.awaiting?.startsWith('commit') ?? false);
      await run.executeUpdate(commitUpdate, { args: [{ by: 'ann' }] });
      expect(await run.result()).toMatchObject({ outcome: 'recovered' });
      expect(calls).not.toContain('revertPoints');
    });
  });

  test('a failed undo is reported and does not keep the rest from being undone', async () => {
    const revertPoints: RecoveryActivities['revertPoints'] = async () => {
      throw new RecoveryError('QDRANT_REFUSED', 'qdrant: no');
    };
    await withRun({ revertPoints }, async (run, calls) => {
      await approve(run);
      await until(run, (now) => now.awaiting?.startsWith('commit') ?? false);
      await run.executeUpdate(rollBackUpdate, { args: [{}] });
      const report = await run.result();
      expect(report.undo).toContainEqual(
        expect.objectContaining({ outcome: 'failed', message: expect.stringContaining('qdrant: no') }),
      );
      expect(calls).toContain('dropScratch');
    });
  });
});

describe('what is refused before anything is written', () => {
  test.each([
    ['an unknown field', { typo: 1 }, /typo/],
    ['a wrong type', { depth: 'deep' }, /depth/],
    ['a time that is none', { faultDeclaredAt: 'yesterday' }, /faultDeclaredAt/],
    ['a fault in the future', { faultDeclaredAt: '2999-01-01T00:00:00Z' }, /faultDeclaredAt.*future/],
    ['orphans to drop unseen', { dropOrphans: true, depth: 'ids' }, /dropOrphans/],
  ])('%s in the input', async (_what, input, message) => {
    await withRun(
      {},
      async (run, calls) => {
        await expect(run.result()).rejects.toMatchObject({
          cause: { type: 'INVALID_INPUT', message: expect.stringMatching(message) },
        });
        expect(calls).toEqual([]);
      },
      input as PartialLossInput,
    );
  });

  test('a second run at the same time, naming the first', async () => {
    await withRun({}, async (first, calls, environment) => {
      await until(first, (now) => now.planHash !== undefined);
      const second = await server.client.workflow.start('recoverPartialQdrantLoss', {
        taskQueue: `recovery-${environment}`,
        workflowId: randomUUID(),
        args: [{}],
      });
      // Waiting for a result lets the test server's clock jump, past the first run's approval too: so only look.
      const state = async (): Promise<string> => (await second.describe()).status.name;
      await look(state, (name) => name !== 'RUNNING');
      await first.executeUpdate(rejectUpdate, { args: [{}] });
      await expect(second.result()).rejects.toMatchObject({
        cause: { type: 'RUN_IN_PROGRESS', message: expect.stringContaining('the-other-run') },
      });
      await first.result();
      expect(calls).toContain('findLeaseHolder');
    });
  });

  test.each(['WRONG_ENVIRONMENT', 'UNMARKED_ENVIRONMENT'] as const)('%s', async (code) => {
    const openRun: RecoveryActivities['openRun'] = async () => {
      throw new RecoveryError(code, 'environment: not this one');
    };
    await withRun({ openRun }, async (run, calls) => {
      await expect(run.result()).rejects.toMatchObject({ cause: { type: code } });
      expect(calls.filter((name) => name !== 'notify')).toEqual(['openRun']);
    });
  });
});
