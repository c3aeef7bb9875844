import { RecoveryError } from '../../domain/failures.ts';
import type { Work } from '../progress.ts';
import { sleep } from '../sleep.ts';
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
export async function wakeCluster(tools: Tools, { report, signal }: Work): Promise<{ phase: string }> {
  const { patience } = tools;
  let asked = false;
  for (let waited = 0; waited <= patience.wakeMs; waited += patience.pollMs) {
    const { phase, reason = '' } = await readPhase(tools, signal);
    report({
      phase: `wake the cluster: ${phase}`,
      done: Math.round(waited / 1000),
      total: Math.round(patience.wakeMs / 1000),
    });
    if (phase === 'HEALTHY') return { phase };
    if (phase.startsWith('FAILED') || phase === 'NOT_FOUND')
      throw new RecoveryError(
        'REPLACEMENT_FAILED',
        `Qdrant Cloud says ${phase} of the cluster${reason === '' ? '' : `: ${reason}`}`,
      );
    if (phase === 'SUSPENDED' && !asked) {
      asked = true;
      await tools.client.until(signal).unsuspend();
    }
    await sleep(patience.pollMs, signal);
  }
  const minutes = Math.round(patience.wakeMs / 60_000);
  throw new RecoveryError(
    'REPLACEMENT_FAILED',
    `the cluster was not healthy ${minutes} min after it was asked to wake`,
  );
}
