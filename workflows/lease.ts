import {
  CancellationScope,
  type ChildWorkflowHandle,
  condition,
  defineSignal,
  ParentClosePolicy,
  setHandler,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { leaseIdOf, type LeaseKind } from '../domain/names.ts';
import { failureWith } from './failure.ts';
import { handsWith } from './hands.ts';

const releaseLeaseSignal = defineSignal('releaseLease');

/**
 * Held by a run for as long as it lasts. The fixed workflow id makes "one run per environment" the engine's own rule
 * instead of a lock of ours; as a child that dies with its parent, it cannot outlive even a terminated run.
 */
export async function holdRecoveryLease(): Promise<void> {
  let released = false;
  setHandler(releaseLeaseSignal, () => {
    released = true;
  });
  await condition(() => released);
}

export type Lease = ChildWorkflowHandle<typeof holdRecoveryLease>;

/**
 * Takes the environment's lease of that kind. What only reads the stack does not keep a recovery from starting, but does not
 * begin while one is in progress.
 * @throws RUN_IN_PROGRESS, naming the run that holds it
 */
export async function takeLease(environment: string, kind: LeaseKind = 'recovery'): Promise<Lease> {
  const leaseId = leaseIdOf(environment, kind);
  if (kind !== 'recovery') await refuseDuringRecovery(environment);
  try {
    // Out of reach of a cancellation: the lease must outlast the undo that follows it.
    return await CancellationScope.nonCancellable(() =>
      startChild(holdRecoveryLease, {
        workflowId: leaseId,
        parentClosePolicy: ParentClosePolicy.TERMINATE,
        staticSummary: `held by ${workflowInfo().workflowId}`.slice(0, 200),
      }),
    );
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    const holder = await handsWith('Who holds the lease?').findLeaseHolder({ leaseId });
    throw inProgress(environment, holder?.workflowId);
  }
}

/** @throws RUN_IN_PROGRESS when a recovery writes on the stack just now */
export async function refuseDuringRecovery(environment: string): Promise<void> {
  const holder = await handsWith('Is a recovery in progress?').findLeaseHolder({ leaseId: leaseIdOf(environment) });
  if (holder) throw inProgress(environment, holder.workflowId);
}

function inProgress(environment: string, holder = 'another run'): Error {
  return failureWith('RUN_IN_PROGRESS', `${environment}: ${holder} is in progress, and only one run may be`);
}

/** Gives the lease back. One that somebody terminated by hand is released already. */
export async function releaseLease(lease: Lease): Promise<void> {
  await lease.signal(releaseLeaseSignal).catch(() => undefined);
  await lease.result().catch(() => undefined);
}
