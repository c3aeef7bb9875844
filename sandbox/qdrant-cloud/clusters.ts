import { randomUUID } from 'node:crypto';
import type { Backups } from './backups.ts';
import { bringBack, empty } from './copies.ts';
import { CloudError } from './errors.ts';
import { freePort } from './gateway.ts';
import type { Ground } from './ground.ts';
import type { BackupRecord, ClusterRecord, Phase, RestoreRecord } from './model.ts';
import { LATEST } from './releases.ts';
import { Work } from './work.ts';

export type NewCluster = Pick<
  ClusterRecord,
  'name' | 'cloudProviderId' | 'cloudProviderRegionId' | 'configuration' | 'labels'
>;

/** What may be asked of a cluster, and the work that each takes. */
export class Clusters {
  readonly #ground: Ground;
  readonly #backups: Backups;
  readonly #work: Work;

  constructor(ground: Ground, backups: Backups) {
    this.#ground = ground;
    this.#backups = backups;
    this.#work = new Work(ground);
  }

  async create(fields: NewCluster, fromBackup: string | null = null): Promise<ClusterRecord> {
    const { state } = this.#ground;
    const version = fields.configuration.version ?? 'latest';
    const cluster: ClusterRecord = {
      ...fields,
      id: randomUUID(),
      createdAt: state.now().toISOString(),
      deletedAt: null,
      phase: 'CREATING',
      reason: '',
      version: version === 'latest' ? LATEST : version,
      restartedAt: null,
      fromBackup,
      port: await freePort(),
      place: null,
    };
    state.clusters.push(cluster);
    this.#create(cluster);
    return cluster;
  }

  /** The copy keeps provider, region, version and shape: only the name is the caller's. */
  createFromBackup(backup: BackupRecord, name: string): Promise<ClusterRecord> {
    expectWhole(backup);
    const { cloudProviderId, cloudProviderRegionId, configuration } = backup.clusterInfo;
    const fields = { name, cloudProviderId, cloudProviderRegionId, configuration: { ...configuration }, labels: [] };
    return this.create(fields, backup.id);
  }

  update(cluster: ClusterRecord, { name, labels, configuration }: NewCluster): ClusterRecord {
    this.#expectPhase(cluster, 'update', ['HEALTHY', 'NOT_READY']);
    const scales = configuration.numberOfNodes !== cluster.configuration.numberOfNodes;
    const version = configuration.version ?? cluster.version;
    const phase = version !== cluster.version ? 'UPGRADING' : scales ? 'SCALING' : 'UPDATING';
    Object.assign(cluster, { name, labels, configuration, version });
    void this.#settle(cluster, phase, this.#ground.delays.updateMs);
    return cluster;
  }

  restart(cluster: ClusterRecord): void {
    this.#expectPhase(cluster, 'restart', ['HEALTHY', 'NOT_READY']);
    const { state, jobs, places, delays } = this.#ground;
    void this.#work.begin(cluster, 'NOT_READY', 'restarting', async () => {
      await places.closeEndpoint(cluster);
      await jobs.pause(delays.restartMs);
      cluster.restartedAt = state.now().toISOString();
      return this.#wake(cluster);
    });
  }

  suspend(cluster: ClusterRecord): void {
    this.#expectPhase(cluster, 'suspend', ['HEALTHY', 'NOT_READY']);
    this.#suspend(cluster);
  }

  unsuspend(cluster: ClusterRecord): void {
    this.#expectPhase(cluster, 'unsuspend', ['SUSPENDED', 'FAILED_TO_RESUME']);
    this.#resume(cluster);
  }

  /** In place: the cluster is away meanwhile, and is afterwards what it was then, its shape too. */
  restore(backup: BackupRecord): void {
    const { state } = this.#ground;
    expectWhole(backup);
    const cluster = state.cluster(backup.clusterId);
    this.#expectPhase(cluster, 'restore', ['HEALTHY', 'NOT_READY']);
    const { id: backupId, clusterId } = backup;
    const createdAt = state.now().toISOString();
    const restore: RestoreRecord = { id: randomUUID(), createdAt, clusterId, backupId, status: 'RUNNING' };
    state.restores.push(restore);
    this.#restore(cluster, restore);
  }

  remove(cluster: ClusterRecord, deleteBackups: boolean): void {
    const { state } = this.#ground;
    if (deleteBackups)
      for (const backup of state.backups) if (backup.clusterId === cluster.id) this.#backups.remove(backup);
    if (cluster.deletedAt !== null) return;
    cluster.deletedAt = state.now().toISOString();
    this.#remove(cluster);
  }

  /** Goes on with what an earlier process had begun, and returns when the endpoints of what was up are open again. */
  async takeUp(): Promise<void> {
    const { state } = this.#ground;
    const up: Promise<void>[] = [];
    for (const cluster of state.clusters) {
      const restore = state.restores.find(({ clusterId, status }) => clusterId === cluster.id && status === 'RUNNING');
      if (cluster.phase === 'DELETING') this.#remove(cluster);
      else if (restore) this.#restore(cluster, restore);
      else if (cluster.phase === 'CREATING') this.#create(cluster);
      else if (cluster.phase === 'SUSPENDING') this.#suspend(cluster);
      else if (cluster.phase === 'RESUMING') this.#resume(cluster);
      else if (!['SUSPENDED', 'FAILED_TO_CREATE', 'FAILED_TO_RESUME'].includes(cluster.phase))
        up.push(this.#settle(cluster, 'NOT_READY', 0));
    }
    await Promise.all(up);
  }

  #create(cluster: ClusterRecord): void {
    const { jobs, delays, faults, places, state } = this.#ground;
    void this.#work.begin(cluster, 'CREATING', '', async () => {
      await jobs.pause(delays.createMs);
      if (faults.take('create-fails')) throw new Error('told to fail');
      cluster.place ??= await places.assign();
      state.save();
      const server = await places.start(cluster);
      if (cluster.fromBackup === null) await empty(server);
      else await this.#bringBack(cluster, state.backup(cluster.fromBackup));
      return this.#wake(cluster);
    });
  }

  #suspend(cluster: ClusterRecord): void {
    const { jobs, delays, places } = this.#ground;
    void this.#work.begin(cluster, 'SUSPENDING', '', async () => {
      await places.closeEndpoint(cluster);
      await jobs.pause(delays.suspendMs);
      return 'SUSPENDED';
    });
  }

  #resume(cluster: ClusterRecord): void {
    const { jobs, delays, faults } = this.#ground;
    void this.#work.begin(cluster, 'RESUMING', '', async () => {
      await jobs.pause(delays.resumeMs);
      if (faults.take('resume-fails')) throw new Error('told to fail');
      return this.#wake(cluster);
    });
  }

  #restore(cluster: ClusterRecord, restore: RestoreRecord): void {
    const { jobs, delays, places, state } = this.#ground;
    void this.#work.begin(cluster, 'NOT_READY', 'a backup is being restored', async () => {
      await places.closeEndpoint(cluster);
      await jobs.pause(delays.restoreMs);
      try {
        const backup = state.backup(restore.backupId);
        await this.#bringBack(cluster, backup);
        cluster.configuration = { ...backup.clusterInfo.configuration };
        restore.status = 'SUCCEEDED';
      } catch (error) {
        if (!jobs.signal.aborted) restore.status = 'FAILED';
        throw error;
      }
      return this.#wake(cluster);
    });
  }

  #remove(cluster: ClusterRecord): void {
    const { jobs, delays, places, state } = this.#ground;
    void this.#work.begin(cluster, 'DELETING', '', async () => {
      await jobs.pause(delays.deleteMs);
      await places.release(cluster);
      if (cluster.place?.kind === 'given') state.gone.push(cluster.id);
      state.forget(state.clusters, cluster.id);
      return 'DELETING';
    });
  }

  #settle(cluster: ClusterRecord, phase: Phase, ms: number): Promise<void> {
    return this.#work.begin(cluster, phase, '', async () => {
      await this.#ground.jobs.pause(ms);
      return this.#wake(cluster);
    });
  }

  async #bringBack(cluster: ClusterRecord, backup: BackupRecord): Promise<void> {
    const { faults, places } = this.#ground;
    const server = await places.start(cluster);
    if (faults.take('restore-fails')) throw new Error('told to fail');
    await bringBack(server, this.#backups.folderOf(backup));
  }

  async #wake(cluster: ClusterRecord): Promise<Phase> {
    const { places } = this.#ground;
    await places.start(cluster);
    await places.openEndpoint(cluster);
    return 'HEALTHY';
  }

  #expectPhase({ id, name, phase }: ClusterRecord, what: string, phases: readonly Phase[]): void {
    if (!phases.includes(phase) || this.#work.isUnderWay(id))
      throw new CloudError('FAILED_PRECONDITION', `cannot ${what} cluster ${name} while it is ${phase}`);
  }
}

function expectWhole({ displayName, status, deletedAt }: BackupRecord): void {
  if (status !== 'SUCCEEDED' || deletedAt !== null)
    throw new CloudError(
      'FAILED_PRECONDITION',
      `backup ${displayName} cannot be restored: it is ${deletedAt === null ? status : 'deleted'}`,
    );
}
