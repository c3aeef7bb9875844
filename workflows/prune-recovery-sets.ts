import { workflowInfo } from '@temporalio/workflow';
import { leaseIdOf } from '../domain/names.ts';
import {
  describeListing,
  describeRemoved,
  describeRetention,
  planRemoval,
  retentionGates,
  verifiedGate,
} from '../domain/retention-plan.ts';
import type { Removal, Retention } from '../domain/retention.ts';
import { pruneInputSchema } from '../domain/run-input.ts';
import { failureWith } from './failure.ts';
import type { Hands } from './hands.ts';
import type { Run } from './run.ts';
import { runbook } from './runbook.ts';

const steps = {
  list: { title: 'List the recovery sets of the store', phase: 'detect' },
  plan: { title: 'Decide what is kept and what can go', phase: 'decide' },
  approve: { title: 'Wait for approval of the plan', phase: 'decide' },
  remove: { title: 'Remove the sets, the manifest of each first', phase: 'restore' },
  prove: { title: 'List the store again', phase: 'verify' },
} as const;
type PruneRun = Run<keyof typeof steps>;

/** Takes away recovery sets that the policy lets go. Only verified sets count, and the last of them always stay. */
export const pruneRecoverySets = runbook(
  { scenario: 'prune', input: pruneInputSchema, steps, success: 'completed', lease: 'retention' },
  async (run) => {
    const before = await run.must('list', (act) => act.planPrune(), describeListing);
    await run.must('plan', async () => mustBeVerified(before), describeRetention);
    if (before.remove.length === 0) return nothingToDo(run, before);
    const { environment, runId } = run.place;
    await run.approval('approve', planRemoval(before, { environment, runId, store: 'the artifact store' }));
    await remove(run, before);
  },
);

/** Nobody removes a backup while it is not known whether the others are good. */
function mustBeVerified(retention: Retention): Retention {
  if (retention.refusal === undefined) return retention;
  throw failureWith('VERIFICATION_OVERDUE', retention.refusal);
}

function nothingToDo(run: PruneRun, before: Retention): never {
  run.judge([verifiedGate(before, before)]);
  return run.nothingToDo();
}

async function remove(run: PruneRun, before: Retention): Promise<void> {
  const sets = before.remove.map(({ id, manifestSha256 }) => ({ id, manifestSha256 }));
  run.undo('See whether anything was removed, which cannot be brought back', (act) => mustBeThere(act, before.remove));
  const done = await run.must(
    'remove',
    async (act) => {
      await mustBeAlone(act, run.settings.environment);
      return act.removeSets({ sets });
    },
    describeRemoved,
  );
  await run.verify('prove', async (act) => retentionGates(before, done, await act.planPrune()));
}

/** A recovery may be healing from any set, named by whoever started it. */
async function mustBeAlone(act: Hands, environment: string): Promise<void> {
  const holder = await act.findLeaseHolder({ leaseId: leaseIdOf(environment) });
  if (!holder || holder.workflowId === workflowInfo().workflowId) return;
  throw failureWith('RUN_IN_PROGRESS', `${environment}: ${holder.workflowId} is in progress and may need any set`);
}

async function mustBeThere(act: Hands, planned: readonly Removal[]): Promise<void> {
  const { keep, remove } = await act.planPrune();
  const there = new Set([...keep, ...remove].map(({ id }) => id));
  const gone = planned.filter(({ id }) => !there.has(id)).map(({ id }) => id);
  if (gone.length > 0) throw failureWith('SET_NOT_FOUND', `removed for good: ${gone.join(', ')}`);
}
