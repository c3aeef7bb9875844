import type { NeonConfig } from '../../config/neon.ts';
import type { Secret } from '../../config/secret.ts';
import { withProgress } from '../progress.ts';
import type { NeonBackupActivities } from '../set-contract.ts';
import { createBackupBranch, removeBackupBranch } from './backup-branch.ts';
import { NeonClient } from './client.ts';
import { connectionUrlOf } from './connection.ts';
import { checkSnapshotSchedule } from './schedule.ts';
import { PATIENCE, type Patience, type Tools } from './tools.ts';

interface Parts {
  readonly config: NeonConfig;
  /** How the app connects: tells the role and the database that are read on a branch, and how TLS is checked. */
  readonly url?: Secret | undefined;
  readonly patience?: Partial<Patience> | undefined;
}

/** What the control plane gives: activities, to be wrapped in `withFailures`, and what only other activities may have. */
export interface NeonParts {
  readonly activities: NeonBackupActivities;
  /** The address of a backup's branch, for what dumps it. To be called within an activity. Holds a password. */
  connectionUrlOf(branchId: string): Promise<Secret>;
}

/** Backups as branches of a project on Neon. */
export function createNeonActivities({ config, url, patience: given }: Parts): NeonParts {
  const patience = { ...PATIENCE, ...given };
  const tools: Tools = { config, patience, url, client: new NeonClient(config, patience) };
  return {
    activities: {
      createBackupBranch: ({ setId, resume }) =>
        withProgress({ resume }, (work) => createBackupBranch(tools, { setId }, work)),
      removeBackupBranch: (input) => withProgress({}, (work) => removeBackupBranch(tools, input, work)),
      checkSnapshotSchedule: () => withProgress({}, (work) => checkSnapshotSchedule(tools, work)),
    },
    connectionUrlOf: (branchId) => withProgress({}, (work) => connectionUrlOf(tools, branchId, work)),
  };
}
