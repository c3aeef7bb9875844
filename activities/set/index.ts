import type { ArtifactStore } from '../../domain/artifacts.ts';
import type { SetActivities } from '../contract.ts';
import { withProgress } from '../progress.ts';
import { choose, readBack } from './choose.ts';
import type { Expected } from './fit.ts';
import { seal } from './seal.ts';

export interface SetDependencies {
  readonly store: ArtifactStore;
  /** What a set must be of, to be used here. */
  readonly expected: Expected;
}

/** Activities that choose and make recovery sets. */
export function createSetActivities({ store, expected }: SetDependencies): SetActivities {
  return {
    chooseRecoverySet: ({ setId, resume }) =>
      withProgress({ resume }, async (work) => {
        const choice = await choose(store, expected, setId);
        await readBack(store, choice.set, work);
        return choice;
      }),

    sealRecoverySet: async ({ set }) => ({ manifest: await seal(store, expected, set) }),
  };
}
