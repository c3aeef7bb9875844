import { RecoveryError } from '../../domain/failures.ts';
import type { Work } from '../progress.ts';
import { sleep } from '../sleep.ts';
import type { Cluster } from './answers.ts';
import type { QdrantCloudClient } from './client.ts';
import type { Patience } from './tools.ts';

/** A cluster that is waited for, in words. */
export interface Awaited {
  /** For progress: `wake the cluster`. */
  readonly phase: string;
  /** For messages: `the cluster`. */
  readonly what: string;
  /** How long it was waited for, as the end of a sentence. */
  readonly late: (minutes: number) => string;
}

/**
 * Looks until a cluster is healthy. `see` gets every state in which it is neither that nor failed, to do something about it.
 * @throws REPLACEMENT_FAILED when it has failed, is gone, or takes too long; QDRANT_CLOUD_*
 */
export async function untilHealthy(
  client: QdrantCloudClient,
  id: string,
  { phase: doing, what, late }: Awaited,
  { patience: { wakeMs, pollMs }, work }: { patience: Patience; work: Work },
  see: (phase: string) => Promise<void> = async () => undefined,
): Promise<Cluster> {
  const { report, signal } = work;
  const looking = client.until(signal);
  for (let waited = 0; waited <= wakeMs; waited += pollMs) {
    const cluster = await looking.getCluster(id);
    const { phase, reason } = cluster.state;
    report({ phase: `${doing}: ${phase}`, done: Math.round(waited / 1000), total: Math.round(wakeMs / 1000) });
    if (phase === 'HEALTHY') return cluster;
    if (phase.startsWith('FAILED') || phase === 'NOT_FOUND') throw gaveUp(what, phase, reason);
    await see(phase);
    await sleep(pollMs, signal);
  }
  throw new RecoveryError('REPLACEMENT_FAILED', `${what} was not healthy ${late(Math.round(wakeMs / 60_000))}`);
}

/** A state that no waiting mends. */
export function gaveUp(what: string, phase: string, reason?: string | null): RecoveryError {
  return new RecoveryError('REPLACEMENT_FAILED', `Qdrant Cloud says ${phase} of ${what}${reason ? `: ${reason}` : ''}`);
}
