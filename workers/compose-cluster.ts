import type { ClusterActivities } from '../activities/cluster-contract.ts';
import { createRepointActivities } from '../activities/app/repoint.ts';
import { createCollectionActivities, createProbe } from '../activities/qdrant/cluster.ts';
import { ClusterClient } from '../activities/qdrant-cloud/cluster-client.ts';
import { createPhaseReader } from '../activities/qdrant-cloud/index.ts';
import { readClusterKeys } from '../activities/qdrant-cloud/key-file.ts';
import { createCloudReplacement } from '../activities/qdrant-cloud/replacement.ts';
import { createServerFacts } from '../activities/qdrant/facts.ts';
import { createStandbyReplacement } from '../activities/replacement/standby.ts';
import { recordLivePlace } from '../activities/run/live-place.ts';
import { readLivePlace } from '../domain/live-place.ts';
import { withProgress } from '../activities/progress.ts';
import { checkEmbeddingSpace, type StackPorts } from '../activities/stack/index.ts';
import type { QdrantCloudConfig } from '../config/qdrant-cloud.ts';
import type { CloudReplacementConfig, StandbyConfig } from '../config/qdrant-replacement.ts';
import type { Config, QdrantConfig } from '../config/schema.ts';
import { Secret } from '../config/secret.ts';
import { workerEnvironment } from '../config/search-path.ts';
import { RecoveryError } from '../domain/failures.ts';
import { PRIMARY, type ServerRef } from '../domain/servers.ts';
import type { ClusterSettings } from '../domain/settings.ts';
import { unconfigured } from './compose-sets.ts';

const REPLACEMENT = ['surveyReplacement', 'bringUpReplacement', 'releaseReplacement'] as const;
const QUESTION = 'Are you there?';

/**
 * Everything that replaces a Qdrant cluster, done on the server that `config.qdrant` names.
 * @param settings the settings as they were written, whichever server is the live one
 */
export function composeClusterRecovery(
  config: Config,
  settings: Config,
  ports: StackPorts,
): Omit<ClusterActivities, 'wakeCluster'> {
  const { qdrant, cluster, backup, embeddings } = config;
  const { store, app } = ports;
  const embedding = embeddings.identity;
  return {
    ...createCollectionActivities({
      config: qdrant,
      nodes: backup.nodes.map((url) => ({ ...qdrant, url })),
      store,
      embedding,
      recallFloor: cluster.recallFloor,
    }),
    ...createProbe({
      config: qdrant,
      embedding,
      checkHealth: app && ((signal) => app.checkHealth(signal)),
      ask: app && ((signal) => app.ask(QUESTION, signal)),
      readPhase: config.qdrantCloud && createPhaseReader(config.qdrantCloud),
    }),
    ...composeReplacement(settings, store),
    ...createRepointActivities({
      config: config.app,
      accessTo: async (server) => serverConfig(settings, server),
      variables: workerEnvironment(),
    }),
    checkEmbeddingSpace: (input) =>
      withProgress({}, (work) => checkEmbeddingSpace(ports, { floor: cluster.similarityFloor }, input, work)),
    readLivePlace: async () => {
      const { epoch, server } = await readLivePlace(store);
      return { epoch, server, url: new URL(serverConfig(settings, server).url).origin };
    },
    recordLivePlace: (input) => recordLivePlace(store, input),
  };
}

/** By configuration: a new cluster of Qdrant Cloud, or the other one of two servers. */
function composeReplacement(settings: Config, store: StackPorts['store']): Replacement {
  const { standby, cloud } = settings.qdrantReplacement ?? {};
  if (standby) return followOther(settings, standby, store);
  if (!cloud) return unconfigured('qdrantReplacement', REPLACEMENT);
  if (!settings.qdrantCloud) return unconfigured('qdrantCloud', REPLACEMENT);
  return makeAnother(settings, cloud, settings.qdrantCloud, store);
}

/** Another cluster is made like the one that is live, which may be one that was made before. */
function makeAnother(
  settings: Config,
  config: CloudReplacementConfig,
  account: QdrantCloudConfig,
  store: StackPorts['store'],
): Replacement {
  const like = async (): Promise<Replacement> => {
    const { server: live } = await readLivePlace(store);
    const { clusterId } = live.kind === 'cloud' ? live : account;
    return createCloudReplacement({
      config,
      client: new ClusterClient({ ...account, clusterId }),
      versionOf: async (server, signal) => {
        const facts = createServerFacts(serverConfig(settings, server));
        // The collections are told only to whoever has the key.
        await facts.collections(signal);
        return facts.version(signal);
      },
    });
  };
  return later(like);
}

type Replacement = Pick<ClusterActivities, (typeof REPLACEMENT)[number]>;

/** What was replaced once may take its place again. */
function followOther(settings: Config, standby: StandbyConfig, store: StackPorts['store']): Replacement {
  const other = async (): Promise<Replacement> => {
    const { server: live } = await readLivePlace(store);
    const server: ServerRef = live.kind === 'standby' ? PRIMARY : { kind: 'standby' };
    const config = serverConfig(settings, server);
    return createStandbyReplacement({
      server,
      url: config.url,
      // The commands are the standby's.
      ...(server.kind === 'standby' ? { start: standby.start, stop: standby.stop } : {}),
      facts: createServerFacts(config),
      environment: settings.environment,
      variables: workerEnvironment(),
      secrets: [config.apiKey, config.readOnlyApiKey].flatMap((key) => (key ? [key.reveal()] : [])),
    });
  };
  return later(other);
}

/** What it is depends on the server that is live at the time of each call. */
function later(made: () => Promise<Replacement>): Replacement {
  return {
    surveyReplacement: async (input) => (await made()).surveyReplacement(input),
    bringUpReplacement: async (input) => (await made()).bringUpReplacement(input),
    releaseReplacement: async (input) => (await made()).releaseReplacement(input),
  };
}

/** How a server is reached. @throws INVALID_CONFIGURATION for one that the settings do not know */
export function serverConfig({ qdrant, qdrantReplacement }: Config, server: ServerRef): QdrantConfig {
  if (server.kind === 'primary') return qdrant;
  const { apiKey: _key, readOnlyApiKey: _reading, ...rest } = qdrant;
  if (server.kind === 'cloud')
    return { ...rest, url: server.url, ...keysOf(qdrantReplacement?.cloud, server.clusterId) };
  const { standby } = qdrantReplacement ?? {};
  if (!standby) throw unknownServer('qdrantReplacement.standby', 'is not configured here');
  const { url, apiKey, readOnlyApiKey } = standby;
  return { ...rest, url, ...(apiKey ? { apiKey } : {}), ...(readOnlyApiKey ? { readOnlyApiKey } : {}) };
}

function keysOf(
  cloud: CloudReplacementConfig | undefined,
  clusterId: string,
): Pick<QdrantConfig, 'apiKey' | 'readOnlyApiKey'> {
  if (!cloud) throw unknownServer('qdrantReplacement.cloud', 'is not configured here');
  const keys = readClusterKeys(cloud.keyFile, clusterId);
  if (!keys)
    throw unknownServer('qdrantReplacement.cloud.keyFile', `${cloud.keyFile} has no key of cluster ${clusterId}`);
  return { apiKey: new Secret(keys.manage.key), readOnlyApiKey: new Secret(keys.read.key) };
}

function unknownServer(setting: string, what: string): RecoveryError {
  return new RecoveryError(
    'INVALID_CONFIGURATION',
    `${setting}: is the live Qdrant, or about to be, by the records of the store, and ${what}`,
  );
}

/** What a runbook may know of how a failed cluster is replaced. */
export function clusterSettingsOf({ cluster, qdrantReplacement, qdrantCloud, app }: Config): ClusterSettings {
  const { confirm, watchSeconds, watchPatience, pricePerThousandTexts } = cluster;
  return {
    confirm,
    watchSeconds,
    watchPatience,
    replacement: replacementOf(qdrantReplacement),
    repoint: app?.vectors !== undefined,
    ...(qdrantCloud ? { cloud: { accountId: qdrantCloud.accountId, clusterId: qdrantCloud.clusterId } } : {}),
    ...(pricePerThousandTexts === undefined ? {} : { pricePerThousandTexts }),
  };
}

function replacementOf(configured: Config['qdrantReplacement']): ClusterSettings['replacement'] {
  if (!configured) return 'none';
  if (configured.standby) return 'standby';
  return configured.cloud?.from === 'backup' ? 'cloud-backup' : 'cloud';
}
