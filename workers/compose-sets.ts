import type { BackupPlan } from '../activities/set-contract.ts';
import { createQdrantSetActivities } from '../activities/qdrant/set-activities.ts';
import { createVectorStore } from '../activities/qdrant/vector-store.ts';
import { createStackSetActivities, type StackPorts } from '../activities/stack/index.ts';
import type { Config, QdrantConfig } from '../config/schema.ts';
import { RecoveryError } from '../domain/failures.ts';
import type { StorePart } from '../domain/set-parts.ts';

/** Everything about sets that runs on Qdrant, or on several systems at once. */
export function composeSetActivities(
  config: Config,
  ports: StackPorts,
): ReturnType<typeof createQdrantSetActivities> & ReturnType<typeof createStackSetActivities> {
  const { qdrant, embeddings, backup, environment } = config;
  const embedding = embeddings.identity;
  const verifyOn = verificationServer(config);
  return {
    ...createQdrantSetActivities({
      config: qdrant,
      nodes: backup.nodes.map((url) => ({ ...qdrant, url })),
      collections: backup.collections,
      samplePoints: backup.samplePoints,
      verifyOn,
      store: ports.store,
      embedding,
    }),
    ...createStackSetActivities(ports, {
      environment,
      ids: qdrant.idStrategy,
      verifyOn: createVectorStore({ config: verifyOn, embedding }),
    }),
  };
}

/** Where snapshots are tried out: a server of its own where one is configured, else the live one, under another name. */
function verificationServer({ qdrant, backup: { verifyQdrant } }: Config): QdrantConfig {
  if (!verifyQdrant) return qdrant;
  const { apiKey: _live, url: _liveUrl, ...rest } = qdrant;
  return { ...rest, url: verifyQdrant.url, ...(verifyQdrant.apiKey ? { apiKey: verifyQdrant.apiKey } : {}) };
}

/** What belongs into a set here, when what it takes is there: `ready` fails otherwise. */
export async function planBackup(
  { backup, configuration, qdrantCloud, neon }: Config,
  { ready, probe }: { ready: () => Promise<void>; probe: () => Promise<StorePart> },
): Promise<BackupPlan> {
  await ready();
  return {
    canary: backup.canary,
    tolerance: backup.tolerance,
    others: backup.nodes.length + backup.collections.length > 0,
    configuration: configuration !== undefined,
    neon: neon !== undefined,
    cloud: qdrantCloud ? { accountId: qdrantCloud.accountId, clusterId: qdrantCloud.clusterId } : null,
    store: await probe(),
  };
}

/** What can be asked for only where it is configured. */
export function unconfigured<K extends string>(setting: string, names: readonly K[]): Record<K, () => Promise<never>> {
  const refuse = (): Promise<never> =>
    Promise.reject(
      new RecoveryError('INVALID_CONFIGURATION', `${setting}: is not configured, so there is nothing to do`),
    );
  return Object.fromEntries(names.map((name) => [name, refuse])) as Record<K, () => Promise<never>>;
}
