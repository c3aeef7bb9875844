import { condition, defineSignal, setHandler } from '@temporalio/workflow';

export const releaseLeaseSignal = defineSignal('releaseLease');

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
