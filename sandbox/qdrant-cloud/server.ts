import type { FastifyInstance } from 'fastify';
import { backupRoutes } from './backup-routes.ts';
import { Backups } from './backups.ts';
import { clusterRoutes } from './cluster-routes.ts';
import { keyRoutes } from './key-routes.ts';
import { Clusters } from './clusters.ts';
import { buildFaultPort, Faults } from './faults.ts';
import { freePort } from './gateway.ts';
import type { Ground } from './ground.ts';
import { Jobs } from './jobs.ts';
import type { ClusterRecord } from './model.ts';
import { type CloudOptions, cloudOptionsSchema, type CloudSettings } from './options.ts';
import { Places } from './places.ts';
import { LATEST } from './releases.ts';
import { buildApi } from './routes.ts';
import { Schedules } from './schedules.ts';
import { CloudState } from './state.ts';

const LOOK_EVERY_MS = 1_000;
/** Of the smallest package; no other is known here. */
const PACKAGE = '7c939d96-d671-4051-aa16-3b8b7130fa42';

/** A running stand-in. */
export interface QdrantCloud {
  readonly url: string;
  /** Where the fault switches and the clock are. */
  readonly faultsUrl: string;
  close(): Promise<void>;
}

/**
 * Starts the stand-in of Qdrant Cloud's management API, over what its folder holds.
 * @throws z.ZodError naming the settings that are wrong
 */
export async function startQdrantCloud(
  options: CloudOptions,
  tell: (message: string) => void = () => undefined,
): Promise<QdrantCloud> {
  const settings = cloudOptionsSchema.parse(options);
  const state = new CloudState(settings.data);
  const jobs = new Jobs(tell);
  const places = new Places(settings, state);
  const { accountId, delays } = settings;
  const ground: Ground = { state, faults: new Faults(), jobs, places, delays, accountId, tell };
  const backups = new Backups(ground);
  const schedules = new Schedules(ground, backups);
  const clusters = new Clusters(ground, backups);
  await addGiven(settings, state);
  const settle = (): void => {
    backups.expire();
    schedules.look();
  };
  const routes = [
    ...backupRoutes({ ground, backups, schedules, clusters }),
    ...clusterRoutes(ground, clusters),
    ...keyRoutes(ground),
  ];
  const api = buildApi({ ground, keys: settings.keys, routes, settle });
  const setClock = (offsetMs: number): void => {
    state.clockOffsetMs = offsetMs;
    settle();
    state.save();
  };
  const faultPort = buildFaultPort({ faults: ground.faults, setClock });
  backups.takeUp();
  schedules.takeUp();
  const timer = setInterval(settle, LOOK_EVERY_MS);
  const close = async (): Promise<void> => {
    clearInterval(timer);
    await Promise.all([jobs.close(), api.close(), faultPort.close()]);
    await places.close();
    state.save();
  };
  try {
    await clusters.takeUp();
    const { host } = settings;
    const url = await listen(api, host, settings.port);
    return { url, faultsUrl: await listen(faultPort, host, settings.faultPort), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function listen(app: FastifyInstance, host: string, port: number): Promise<string> {
  return app.listen({ host, port });
}

/** The clusters that the settings name: made once, and pointed at where their servers are this time. */
async function addGiven({ clusters }: CloudSettings, state: CloudState): Promise<void> {
  for (const { id, name, url, port } of clusters) {
    const known = state.clusters.find((cluster) => cluster.id === id);
    if (state.gone.includes(id)) continue;
    if (known) {
      Object.assign(known, { place: { kind: 'given', url }, port: port ?? known.port });
      continue;
    }
    const cluster: ClusterRecord = {
      id,
      name,
      createdAt: state.now().toISOString(),
      deletedAt: null,
      cloudProviderId: 'aws',
      cloudProviderRegionId: 'eu-central-1',
      labels: [],
      configuration: { numberOfNodes: 1, packageId: PACKAGE, version: LATEST },
      phase: 'HEALTHY',
      reason: '',
      version: LATEST,
      restartedAt: null,
      fromBackup: null,
      port: port ?? (await freePort()),
      place: { kind: 'given', url },
    };
    state.clusters.push(cluster);
  }
  state.save();
}
