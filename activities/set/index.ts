import type { ArtifactStore } from '../../domain/artifacts.ts';
import type { SetActivities } from '../contract.ts';
import type { BackupActivities, BackupPlan, VerificationActivities } from '../set-contract.ts';
import { withProgress } from '../progress.ts';
import { bestSet, choose, readBack } from './choose.ts';
import type { Expected } from './fit.ts';
import { listMarks } from './marks.ts';
import { seal } from './seal.ts';
import { checkObjects, discardSet, pickSet, recordVerification, sweepSet } from './verify.ts';

export interface SetDependencies {
  readonly store: ArtifactStore;
  /** What a set must be of, to be used here. */
  readonly expected: Expected;
  /** What belongs into a set, and what the store enforces. */
  plan(): Promise<BackupPlan>;
}

type ActivitiesOfSets = SetActivities &
  Pick<BackupActivities, 'planBackup' | 'discardSet' | 'sweepSet'> &
  Pick<VerificationActivities, 'pickSet' | 'checkObjects' | 'recordVerification'>;

/** Activities that choose and make recovery sets. */
export function createSetActivities({ store, expected, plan }: SetDependencies): ActivitiesOfSets {
  return {
    chooseRecoverySet: ({ setId, resume }) =>
      withProgress({ resume }, async (work) => {
        const choice = await choose(store, expected, setId);
        await readBack(store, choice.set, work);
        return choice;
      }),

    listMarks: ({ after }) => listMarks(store, expected.environment, after),

    sealRecoverySet: async ({ set }) => ({ manifest: await seal(store, expected, set) }),

    planBackup: plan,
    discardSet: ({ setId }) => discardSet(store, setId),
    sweepSet: ({ set }) => sweepSet(store, set),
    pickSet: ({ setId }) => pickSet(store, expected, setId),
    checkObjects: ({ set, resume }) => withProgress({ resume }, (work) => checkObjects(store, set, work)),
    recordVerification: async ({ record }) => ({
      record: await recordVerification(store, record),
      instead: await bestSet(store, expected),
    }),
  };
}
