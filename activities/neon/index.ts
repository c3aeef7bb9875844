import type { NeonConfig } from '../../config/neon.ts';
import type { Secret } from '../../config/secret.ts';
import { withProgress } from '../progress.ts';
import type { NeonRecoveryActivities } from '../postgres-contract.ts';
import type { NeonBackupActivities } from '../set-contract.ts';
import { createBackupBranch, removeBackupBranch } from './backup-branch.ts';
import { NeonClient } from './client.ts';
import { connectionUrlOf } from './connection.ts';
import { type Logins, restartCompute, restoreLogin } from './login.ts';
import {
  findBranch,
  listRecoveryBranches,
  makeRecoveryBranch,
  readNeonHistory,
  releaseBranch,
  removeRecoveryBranches,
} from './recovery-branches.ts';
import { putBranchBack, restoreBranch } from './restore.ts';
import { checkSnapshotSchedule } from './schedule.ts';
import { PATIENCE, type Patience, type Tools } from './tools.ts';

interface Parts {
  readonly config: NeonConfig;
  /** How the app connects: tells the role and the database that are read on a branch, and how TLS is checked. */
  readonly url?: Secret | undefined;
  readonly patience?: Partial<Patience> | undefined;
  /** What only a connection can tell: needed to see that the app's address still works after a restore. */
  readonly logins: Logins;
}

/** What the control plane gives: activities, to be wrapped in `withFailures`, and what only other activities may have. */
export interface NeonParts {
  readonly activities: NeonBackupActivities;
  /** The same for recovering Postgres. */
  readonly recovery: NeonRecoveryActivities;
  /** The address of a backup's branch, for what dumps it. To be called within an activity. Holds a password. */
  connectionUrlOf(branchId: string): Promise<Secret>;
}

/** Backups as branches of a project on Neon. */
export function createNeonActivities({ config, url, patience: given, logins }: Parts): NeonParts {
  const patience = { ...PATIENCE, ...given };
  const tools: Tools = { config, patience, url, client: new NeonClient(config, patience) };
  return {
    activities: {
      createBackupBranch: ({ setId, resume }) =>
        withProgress({ resume }, (work) => createBackupBranch(tools, { setId }, work)),
      removeBackupBranch: (input) => withProgress({}, (work) => removeBackupBranch(tools, input, work)),
      checkSnapshotSchedule: () => withProgress({}, (work) => checkSnapshotSchedule(tools, work)),
    },
    recovery: recoveryActivities(tools, logins),
    connectionUrlOf: (branchId) => withProgress({}, (work) => connectionUrlOf(tools, branchId, work)),
  };
}

function recoveryActivities(tools: Tools, logins: Logins): NeonRecoveryActivities {
  return {
    readNeonHistory: () => withProgress({}, (work) => readNeonHistory(tools, work)),
    findBranch: (input) => withProgress({}, (work) => findBranch(tools, input, work)),
    makeRecoveryBranch: ({ resume, ...input }) =>
      withProgress({ resume }, (work) => makeRecoveryBranch(tools, input, work)),
    removeRecoveryBranches: ({ resume, ...input }) =>
      withProgress({ resume }, (work) => removeRecoveryBranches(tools, input, work)),
    listRecoveryBranches: (input) => withProgress({}, (work) => listRecoveryBranches(tools, input, work)),
    restoreBranch: ({ resume, ...input }) => withProgress({ resume }, (work) => restoreBranch(tools, input, work)),
    putBranchBack: ({ resume, ...input }) => withProgress({ resume }, (work) => putBranchBack(tools, input, work)),
    releaseBranch: (input) => withProgress({}, (work) => releaseBranch(tools, input, work)),
    restoreLogin: (input) => withProgress(input, (work) => restoreLogin(tools, logins, work)),
    restartCompute: (input) => withProgress(input, (work) => restartCompute(tools, work)),
  };
}
