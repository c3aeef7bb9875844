import { cancellationSignal } from '@temporalio/activity';
import type { QdrantCloudConfig } from '../../config/qdrant-cloud.ts';
import type { ReplacementActivities } from '../cluster-contract.ts';
import type { QdrantCloudActivities } from '../qdrant-cloud-contract.ts';
import { withProgress } from '../progress.ts';
import { newestBackupAge } from './age.ts';
import { deleteBackup, takeManualBackup } from './backup.ts';
import { QdrantCloudClient } from './client.ts';
import { ensureBackupSchedule } from './schedule.ts';
import { PATIENCE, type Patience, type Tools } from './tools.ts';
import { readPhase, wakeCluster } from './wake.ts';

/** How Qdrant Cloud says that the cluster is. */
export function createPhaseReader(config: QdrantCloudConfig): (signal: AbortSignal) => ReturnType<typeof readPhase> {
  const client = new QdrantCloudClient(config);
  return (signal) => readPhase({ client }, signal);
}

interface Parts {
  readonly config: QdrantCloudConfig;
  readonly patience?: Partial<Patience>;
}

/** Backups that Qdrant Cloud keeps of the cluster. To be wrapped in `withFailures`. */
export function createQdrantCloudActivities({
  config,
  patience: given,
}: Parts): QdrantCloudActivities & Pick<ReplacementActivities, 'wakeCluster'> {
  const patience = { ...PATIENCE, ...given };
  const tools: Tools = { config, patience, client: new QdrantCloudClient(config, patience.answerMs) };
  return {
    wakeCluster: (input) => withProgress(input, (work) => wakeCluster(tools, work)),
    ensureBackupSchedule: (input) => ensureBackupSchedule(tools, input, cancellationSignal()),
    takeManualBackup: ({ displayName, retentionDays = config.schedule.retentionDays, ...resume }) =>
      withProgress(resume, (work) => takeManualBackup(tools, { displayName, retentionDays }, work)),
    newestBackupAge: () => newestBackupAge(tools, cancellationSignal()),
    deleteBackup: (input) => deleteBackup(tools, input, cancellationSignal()),
  };
}
