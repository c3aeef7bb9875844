import { cancellationSignal } from '@temporalio/activity';
import type { QdrantCloudConfig } from '../../config/qdrant-cloud.ts';
import type { QdrantCloudActivities } from '../contract.ts';
import { withProgress } from '../progress.ts';
import { newestBackupAge } from './age.ts';
import { deleteBackup, takeManualBackup } from './backup.ts';
import { QdrantCloudClient } from './client.ts';
import { ensureBackupSchedule } from './schedule.ts';
import { PATIENCE, type Patience, type Tools } from './tools.ts';

interface Parts {
  readonly config: QdrantCloudConfig;
  readonly patience?: Partial<Patience>;
}

/** Backups that Qdrant Cloud keeps of the cluster. To be wrapped in `withFailures`. */
export function createQdrantCloudActivities({ config, patience: given }: Parts): QdrantCloudActivities {
  const patience = { ...PATIENCE, ...given };
  const tools: Tools = { config, patience, client: new QdrantCloudClient(config, patience.answerMs) };
  return {
    ensureBackupSchedule: (input) => ensureBackupSchedule(tools, input, cancellationSignal()),
    takeManualBackup: ({ displayName, retentionDays = config.schedule.retentionDays, ...resume }) =>
      withProgress(resume, (work) => takeManualBackup(tools, { displayName, retentionDays }, work)),
    newestBackupAge: () => newestBackupAge(tools, cancellationSignal()),
    deleteBackup: (input) => deleteBackup(tools, input, cancellationSignal()),
  };
}
