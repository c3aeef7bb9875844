import type { Ground } from './ground.ts';
import type { BackupRecord, ClusterRecord, RestoreRecord, ScheduleRecord } from './model.ts';

/** Records as the API shows them. Fields that have no value are null or not there, as protobuf's JSON has it. */

export function backupMessage(accountId: string, backup: BackupRecord): object {
  const { status, backupScheduleId, retentionPeriod, clusterInfo, ...rest } = backup;
  return {
    ...rest,
    accountId,
    status: `BACKUP_STATUS_${status}`,
    ...(backupScheduleId === null ? {} : { backupScheduleId }),
    ...(retentionPeriod === null ? {} : { retentionPeriod }),
    clusterInfo: { ...clusterInfo, restorePackageId: clusterInfo.configuration.packageId },
  };
}

export function scheduleMessage(accountId: string, schedule: ScheduleRecord): object {
  const { status, displayName, retentionPeriod, ...rest } = schedule;
  return {
    ...rest,
    accountId,
    status: `BACKUP_SCHEDULE_STATUS_${status}`,
    ...(displayName === null ? {} : { displayName }),
    ...(retentionPeriod === null ? {} : { retentionPeriod }),
  };
}

export function restoreMessage(accountId: string, { status, ...rest }: RestoreRecord): object {
  return { ...rest, accountId, deletedAt: null, status: `BACKUP_RESTORE_STATUS_${status}` };
}

/** A cluster that is up is asked whether it really is. */
export async function clusterMessage({ accountId, places }: Ground, cluster: ClusterRecord): Promise<object> {
  const { phase, reason, version, restartedAt, fromBackup: _, port, place, configuration, ...rest } = cluster;
  const up = phase === 'HEALTHY' && place !== null && (await places.server(cluster).isReady());
  const down = phase === 'HEALTHY' && !up;
  const endpoint = { url: 'http://127.0.0.1', restPort: port, grpcPort: 6334 };
  const node = up ? 'HEALTHY' : phase === 'SUSPENDED' ? 'SUSPENDED' : 'UNHEALTHY';
  return {
    ...rest,
    accountId,
    configuration: { ...configuration, version },
    state: {
      version,
      nodesUp: up ? configuration.numberOfNodes : 0,
      restartedAt,
      phase: `CLUSTER_PHASE_${down ? 'NOT_READY' : phase}`,
      reason: down ? 'the node does not answer' : reason,
      endpoint,
      nodes: [{ name: `${rest.name}-0`, version, endpoint, state: `CLUSTER_NODE_STATE_${node}` }],
      jwtRbac: false,
    },
  };
}
