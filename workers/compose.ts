import { createChatApp } from '../activities/app/client.ts';
import { createNeonActivities } from '../activities/neon/index.ts';
import { createConfigurationActivities } from '../activities/configuration/index.ts';
import { createEmbedder, createSourceTexts, readQuestions } from '../activities/content/index.ts';
import type { RecoveryActivities } from '../activities/contract.ts';
import type { QdrantCloudActivities } from '../activities/qdrant-cloud-contract.ts';
import type { DiscoveryActivities } from '../activities/discovery-contract.ts';
import type { ConfigurationActivities, DatabaseSetActivities } from '../activities/set-contract.ts';
import { withFailures } from '../activities/fail.ts';
import {
  checkReady,
  createDatabaseSetActivities,
  createPostgresActivities,
  createRowStore,
  markedPostgres,
} from '../activities/postgres/index.ts';
import { canLogIn, setPassword } from '../activities/postgres/login.ts';
import { createQdrantActivities } from '../activities/qdrant/index.ts';
import { createVectorStore } from '../activities/qdrant/vector-store.ts';
import { createRunActivities } from '../activities/run/index.ts';
import { webhookChannel } from '../activities/run/notify.ts';
import { createSetActivities } from '../activities/set/index.ts';
import { createRetentionActivities } from '../activities/set/prune.ts';
import { createQdrantCloudActivities } from '../activities/qdrant-cloud/index.ts';
import { createStackActivities, type StackPorts } from '../activities/stack/index.ts';
import { probeStore } from '../activities/store/probe.ts';
import { createArtifactStore } from '../activities/store/index.ts';
import type { Config } from '../config/schema.ts';
import { searchPath, workerEnvironment } from '../config/search-path.ts';
import type { MarkedStore } from '../domain/environment-mark.ts';
import type { ArtifactStore } from '../domain/artifacts.ts';
import { RecoveryError } from '../domain/failures.ts';
import type { ServerRef } from '../domain/servers.ts';
import type { RunSettings } from '../domain/settings.ts';
import type { VectorStore } from '../domain/vector-store.ts';
import { readLivePlace } from '../domain/live-place.ts';
import { appServerSettingsOf, composeAppServers } from './compose-app-servers.ts';
import { clusterSettingsOf, composeClusterRecovery, serverConfig } from './compose-cluster.ts';
import { followLive } from './follow-live.ts';
import { composeColdCopy } from './compose-cold.ts';
import { composeDiscovery } from './compose-discovery.ts';
import { composePostgresRecovery, databaseSettingsOf } from './compose-postgres.ts';
import { composeReindex } from './compose-reindex.ts';
import { composeSetActivities, planBackup, unconfigured } from './compose-sets.ts';

/**
 * Settings to clients to activities: the only place where systems are put together. Where there is another Qdrant that may
 * become the live one, every call looks up which one that is.
 */
export function composeActivities(settings: Config): RecoveryActivities {
  if (!settings.qdrantReplacement) return composeOn(settings, settings);
  const primary = composeOn(settings, settings);
  const store = createArtifactStore(settings.store);
  return followLive(Object.keys(primary), {
    live: async () => (await readLivePlace(store)).server,
    on: (server) => (server.kind === 'primary' ? primary : composeOn(settingsOn(settings, server), settings)),
  });
}

/** What the settings say of the primary server alone (its nodes, its disk, its cluster at Qdrant Cloud) is not true of another. */
function settingsOn(settings: Config, server: ServerRef): Config {
  const { qdrantCloud, backup, ...rest } = settings;
  const { coldStorage: _itsDisk, ...others } = backup;
  return {
    ...rest,
    qdrant: serverConfig(settings, server),
    backup: { ...others, nodes: [] },
    // A cluster that a run has made is backed up, scheduled and woken as the one that it replaced.
    ...(qdrantCloud && server.kind === 'cloud' ? { qdrantCloud: { ...qdrantCloud, clusterId: server.clusterId } } : {}),
  };
}

/** Every activity, on the Qdrant that `config` names. */
function composeOn(config: Config, settings: Config): RecoveryActivities {
  const { qdrant, postgres, environment, embeddings } = config;
  const { identity: embedding } = embeddings;
  const store = createArtifactStore(config.store);
  const vectors = createVectorStore({ config: qdrant, embedding });
  const rows = postgres && createRowStore(postgres);
  const ports = portsOf(config, { store, vectors, rows });
  const neon =
    config.neon && createNeonActivities({ config: config.neon, url: postgres?.url, logins: { canLogIn, setPassword } });
  return withFailures({
    ...createRunActivities({
      settings: settingsOf(config),
      stores: [
        { system: 'qdrant', ...markedCollection(vectors, qdrant.collection) },
        ...(postgres ? [{ system: 'postgres', ...markedPostgres(postgres) } as const] : []),
      ],
      store,
      channel: config.notify.webhookUrl && webhookChannel(config.notify.webhookUrl.reveal()),
      resolveCollection: (name) => vectors.resolveCollection(name),
    }),
    ...createSetActivities({
      store,
      expected: { environment, collectionName: qdrant.collection, embedding },
      plan: () =>
        planBackup(config, {
          ready: async () => postgres && checkReady({ config: postgres, path: searchPath() }, config.backup.canary),
          probe: () => probeStore(config.store),
        }),
    }),
    ...createRetentionActivities({ store, environment, policy: config.retention }),
    ...createQdrantActivities({
      config: qdrant,
      store,
      embedding,
      rowsAmong: rows && (async (ids, signal) => new Set((await rows.readTexts(ids, signal)).map(({ id }) => id))),
    }),
    ...(postgres
      ? createPostgresActivities({ config: postgres, store, path: searchPath(), branchUrl: neon?.connectionUrlOf })
      : withoutPostgres),
    ...(neon?.activities ??
      unconfigured('neon', ['createBackupBranch', 'removeBackupBranch', 'checkSnapshotSchedule'] as const)),
    ...createStackActivities(ports),
    ...composeSetActivities(config, ports),
    ...optionalActivities(config, store),
    ...composePostgresRecovery(config, ports, neon),
    ...composeOthers(config, settings, ports),
  });
}

/** Whole runbooks, each composed in a file of its own. */
function composeOthers(config: Config, settings: Config, ports: StackPorts) {
  return {
    ...composeColdCopy(config, ports.store),
    ...composeClusterRecovery(config, settings, ports),
    ...composeReindex(config, ports),
    ...composeAppServers({ config, settings, ports }),
  };
}

function portsOf(config: Config, own: Pick<StackPorts, 'store' | 'vectors' | 'rows'>): StackPorts {
  return {
    ...own,
    embedder: createEmbedder(config.embeddings),
    sources: config.content && createSourceTexts(config.content),
    app: config.app && createChatApp(config.app),
    questions: () => readQuestions(config.goldenQuestions),
    fields: config.qdrant.fields,
  };
}

function settingsOf(config: Config): Omit<RunSettings, 'collection'> {
  const { environment, qdrant, embeddings, approval, objectives, commitWindowMinutes, postgres, app } = config;
  return {
    environment,
    collectionName: qdrant.collection,
    embedding: embeddings.identity,
    approval,
    objectives,
    commitWindowMinutes,
    hasPostgres: postgres !== undefined,
    hasRows: postgres?.tables.chunks !== undefined,
    hasApp: app !== undefined,
    postgres: databaseSettingsOf(config),
    cluster: clusterSettingsOf(config),
    appServers: appServerSettingsOf(config),
    escalateMinutes: config.cluster.escalateMinutes,
  };
}

function markedCollection(vectors: VectorStore, name: string): MarkedStore {
  return {
    title: `Qdrant collection ${name}`,
    readMark: () => vectors.readEnvironmentMark(name),
    writeMark: (environment) => vectors.writeEnvironmentMark(name, environment),
  };
}

/** A stack without Postgres is not asked for a dump; asking all the same is a mistake in the settings. */
const withoutPostgres: Pick<RecoveryActivities, 'dumpDatabase'> = {
  dumpDatabase: () =>
    Promise.reject(
      new RecoveryError('INVALID_CONFIGURATION', 'postgres: is not configured, so there is nothing to dump'),
    ),
};

/** What asks a system that not every stack has, or whatever there is. */
function optionalActivities(config: Config, store: ArtifactStore): OptionalActivities {
  return {
    ...composeDiscovery(config),
    ...(config.qdrantCloud
      ? createQdrantCloudActivities({ config: config.qdrantCloud })
      : unconfigured('qdrantCloud', [
          'ensureBackupSchedule',
          'takeManualBackup',
          'newestBackupAge',
          'deleteBackup',
          'wakeCluster',
        ] as const)),
    ...(config.postgres
      ? createDatabaseSetActivities({ config: config.postgres, store, path: searchPath() })
      : unconfigured('postgres', [
          'countRows',
          'plantCanaryRow',
          'restoreDumpBeside',
          'checkRestoredDump',
          'dropScratchDatabase',
          'listScratchDatabases',
        ] as const)),
    ...createConfigurationActivities({ config: config.configuration, store, environment: workerEnvironment() }),
  };
}

type OptionalActivities = QdrantCloudActivities &
  DiscoveryActivities &
  Pick<RecoveryActivities, 'wakeCluster'> &
  DatabaseSetActivities &
  ConfigurationActivities;
