import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { withFailures } from '../../activities/fail.ts';
import { planRetention, type Retention, retentionPolicySchema } from '../../domain/retention.ts';
import type { RunStatus } from '../../domain/report.ts';
import { approveUpdate, rejectUpdate, statusQuery } from '../../workflows/messages.ts';
import type { pruneRecoverySets } from '../../workflows/prune-recovery-sets.ts';
import { fakeStack } from '../support/fake-activities.ts';
import { timeSkippingServer, workflowBundle } from '../support/temporal.ts';

type Handle = WorkflowHandleWithFirstExecutionRunId<typeof pruneRecoverySets>;
type Overrides = Parameters<typeof fakeStack>[0];
const policy = retentionPolicySchema.parse({});
const [OLD, NEW, NEWEST] = [
  'set-20251001T000000Z-aaaaaa',
  'set-20260101T000000Z-aaaaaa',
  'set-20260102T000000Z-aaaaaa',
];
const keep: Retention['keep'] = [NEWEST, NEW].map((id) => ({ id, because: 'verified', why: 'one of the last' }));
const removal = {
  id: OLD,
  manifestSha256: 'a'.repeat(64),
  takenAt: '2025-10-01T00:00:00Z',
  state: 'verified',
  bytes: 1_000,
  why: 'it is 93 days old',
} as const;
const before: Retention = { at: '2026-01-02T00:00:00Z', policy, verified: [NEWEST, NEW, OLD], keep, remove: [removal] };
const after: Retention = { ...before, verified: [NEWEST, NEW], remove: [] };

let server: TestWorkflowEnvironment;

beforeAll(async () => {
  server = await timeSkippingServer();
});

afterAll(async () => {
  await server?.teardown();
});

async function withRun(overrides: Overrides, talk: (run: Handle, calls: string[]) => Promise<void>): Promise<void> {
  const environment = `test-${randomUUID().slice(0, 8)}`;
  const free = { findLeaseHolder: async () => null };
  const { activities, calls } = fakeStack({ ...free, ...overrides }, environment);
  const worker = await Worker.create({
    connection: server.nativeConnection,
    taskQueue: `recovery-${environment}`,
    workflowBundle: await workflowBundle(),
    activities: withFailures(activities),
  });
  await worker.runUntil(async () => {
    const run = await server.client.workflow.start<typeof pruneRecoverySets>('pruneRecoverySets', {
      taskQueue: `recovery-${environment}`,
      workflowId: `prune/${randomUUID()}`,
      args: [{}],
    });
    await talk(run, calls);
  });
}

/** A store that holds the old set until it is removed. */
function holding(): { store: NonNullable<Overrides>; asked: unknown[] } {
  const asked: unknown[] = [];
  return {
    asked,
    store: {
      planPrune: async () => (asked.length === 0 ? before : after),
      removeSets: async (input) => {
        asked.push(input);
        return { removed: input.sets.map(({ id }) => id), kept: [] };
      },
    },
  };
}

async function planOf(run: Handle): Promise<RunStatus> {
  for (const deadline = Date.now() + 30_000; ;) {
    const status = await run.query(statusQuery);
    if (status.awaits === 'approval') return status;
    if (Date.now() > deadline) throw new Error(`no plan was proposed: ${JSON.stringify(status)}`);
  }
}

async function approve(run: Handle): Promise<RunStatus> {
  const status = await planOf(run);
  await run.executeUpdate(approveUpdate, { args: [{ plan: (status.planHash ?? '').slice(0, 12), approver: 'ann' }] });
  return status;
}

describe('pruning recovery sets', () => {
  test('shows what goes and why, removes exactly that when it is approved, and proves it by a listing', async () => {
    const { store, asked } = holding();
    await withRun(store, async (run) => {
      const { plan } = await approve(run);
      expect(plan?.steps[0]).toEqual({ step: 'remove', what: `remove ${OLD} (1,000 bytes)`, why: removal.why });
      expect(plan?.steps[1]?.what).toContain(NEWEST);
      const report = await run.result();
      expect(report).toMatchObject({ scenario: 'prune', outcome: 'completed', verdict: 'pass', undo: [] });
      expect(asked).toEqual([{ sets: [{ id: OLD, manifestSha256: removal.manifestSha256 }] }]);
      expect(report.gates.map(({ name }) => name)).toContain('what was to go is gone');
    });
  });

  test('ends nothing-to-do, with a pass, when nothing is to go', async () => {
    await withRun({ planPrune: async () => after }, async (run, calls) => {
      expect(await run.result()).toMatchObject({ outcome: 'nothing-to-do', verdict: 'pass' });
      expect(calls).not.toContain('removeSets');
    });
  });

  test('is refused while verification is overdue', async () => {
    const overdue = planRetention([], policy, { environment: 'test', now: new Date(before.at) });
    await withRun({ planPrune: async () => overdue }, async (run, calls) => {
      await expect(run.result()).rejects.toMatchObject({
        cause: { type: 'VERIFICATION_OVERDUE', message: expect.stringContaining('no set has passed') },
      });
      expect(calls).not.toContain('removeSets');
    });
  });

  test('removes nothing when the plan is rejected', async () => {
    const { store, asked } = holding();
    await withRun(store, async (run) => {
      await planOf(run);
      await run.executeUpdate(rejectUpdate, { args: [{ by: 'bob', reason: 'audit' }] });
      expect(await run.result()).toMatchObject({ outcome: 'rejected' });
      expect(asked).toEqual([]);
    });
  });

  test('removes nothing when a recovery began while the plan waited, since it may need any set', async () => {
    const { store, asked } = holding();
    let looked = 0;
    const recovery = { workflowId: 'partial-loss/at-night' };
    const busy = { findLeaseHolder: async () => ((looked += 1) === 1 ? null : recovery) };
    await withRun({ ...store, ...busy }, async (run) => {
      await approve(run);
      await expect(run.result()).rejects.toMatchObject({
        cause: { type: 'RUN_IN_PROGRESS', message: expect.stringContaining('partial-loss/at-night') },
      });
      expect(asked).toEqual([]);
    });
  });

  test('does not pass when a set that was to stay is gone afterwards, and says that nothing can be brought back', async () => {
    const { store } = holding();
    let listed = 0;
    const lossy: NonNullable<Overrides> = {
      ...store,
      planPrune: async () => ((listed += 1) === 1 ? before : { ...after, keep: keep.slice(1), verified: [NEW] }),
    };
    await withRun(lossy, async (run) => {
      await approve(run);
      for (const deadline = Date.now() + 30_000; ;) {
        if ((await run.query(statusQuery)).awaits === 'operator') break;
        if (Date.now() > deadline) throw new Error('the red gate asked nobody');
      }
      await run.signal('abort', {});
      const report = await run.result();
      expect(report).toMatchObject({ outcome: 'aborted', verdict: 'fail' });
      expect(report.undo).toEqual([
        expect.objectContaining({ outcome: 'failed', message: expect.stringContaining(`removed for good: ${OLD}`) }),
      ]);
    });
  });
});
