import type { Work } from '../progress.ts';
import { untilHealthy } from './healthy.ts';
import type { Tools } from './tools.ts';

/** The cluster as the service sees it now. @throws QDRANT_CLOUD_* */
export async function readPhase(
  { client }: Pick<Tools, 'client'>,
  signal: AbortSignal,
): Promise<{ phase: string; reason?: string | undefined }> {
  const { phase, reason } = (await client.until(signal).getCluster()).state;
  return { phase, ...(reason ? { reason } : {}) };
}

/**
 * Wakes a cluster that sleeps, and waits until it is healthy. One that is awake is left alone; one that wakes already, after a
 * lost answer, is only waited for.
 * @throws REPLACEMENT_FAILED when it does not come up, QDRANT_CLOUD_*
 */
export async function wakeCluster({ client, patience }: Tools, work: Work): Promise<{ phase: string }> {
  let asked = false;
  const { state } = await untilHealthy(client, client.config.clusterId, WAKING, { patience, work }, async (phase) => {
    if (phase !== 'SUSPENDED' || asked) return;
    asked = true;
    await client.until(work.signal).unsuspend();
  });
  return { phase: state.phase };
}

const WAKING = {
  phase: 'wake the cluster',
  what: 'the cluster',
  late: (minutes: number): string => `${minutes} min after it was asked to wake`,
};
