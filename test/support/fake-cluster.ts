import type { ClusterActivities } from '../../activities/cluster-contract.ts';
import type { ClusterProbe, Look } from '../../domain/cluster-probe.ts';
import { PRIMARY } from '../../domain/servers.ts';
import type { ClusterSettings } from '../../domain/settings.ts';
import { green } from './fake-values.ts';

export const clusterSettings: ClusterSettings = {
  confirm: { rounds: 3, everySeconds: 0.05 },
  watchSeconds: 30,
  watchPatience: 3,
  replacement: 'standby',
  repoint: true,
};

const WELL: readonly Look['depth'][] = ['process', 'ready', 'key', 'collection', 'query', 'app'];

/** A round of looks that finds everything well, but for what is given. */
export function probeWith(findings: Partial<Record<Look['depth'], Look['finding']>> = {}): ClusterProbe {
  return {
    at: '2026-01-02T00:00:00.000Z',
    looks: WELL.map((depth) => ({ depth, finding: findings[depth] ?? 'ok', said: '', milliseconds: 1 })),
    version: '1.18.3',
  };
}

/** A cluster that is gone. */
export const GONE = probeWith({
  process: 'refused',
  ready: 'untried',
  key: 'untried',
  collection: 'untried',
  query: 'untried',
  app: 'unavailable',
});

/** A cluster with a standby, on which everything goes well. */
export function fakeCluster(): ClusterActivities {
  const standby = { kind: 'standby' } as const;
  return {
    probeCluster: async () => probeWith(),
    readLivePlace: async () => ({ epoch: 0, server: PRIMARY, url: 'http://primary' }),
    recordLivePlace: async ({ epoch, server }) => ({
      version: 1,
      epoch,
      server,
      since: '2026-01-02T00:00:00.000Z',
      workflowId: 'w',
      runId: 'r',
    }),
    surveyReplacement: async () => ({ server: standby, what: 'the standby http://standby', gates: [], unknown: [] }),
    bringUpReplacement: async () => ({ server: standby, url: 'http://standby', version: '1.18.3' }),
    releaseReplacement: async () => undefined,
    wakeCluster: async () => ({ phase: 'HEALTHY' }),
    createCollection: async () => [],
    finishCollection: async () => [],
    restoreInto: async () => ({ points: 100 }),
    dropMade: async () => undefined,
    setAliases: async ({ aliases }) => ({ before: aliases.map((alias) => ({ alias, collection: null })) }),
    revertAliases: async () => undefined,
    awaitOptimized: async () => ({ status: 'green', indexed: 100, points: 100 }),
    checkQueries: async () => [green('filters')],
    checkTransport: async () => [green('transport')],
    checkEmbeddingSpace: async () => ({ gate: green('embedding space'), leastCosine: 1, looked: 32 }),
    repointApp: async () => ({ repointed: true, said: 'it uses the standby' }),
  };
}
