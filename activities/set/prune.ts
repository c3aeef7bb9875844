import type { ArtifactStore } from '../../domain/artifacts.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { checksumsKeyOf, manifestKeyOf, setFolderOf } from '../../domain/names.ts';
import type { Removed } from '../../domain/retention-plan.ts';
import { planRetention, type Removal, type Retention, type RetentionPolicy } from '../../domain/retention.ts';
import { listStoredSets } from '../../domain/stored-set.ts';
import type { RetentionActivities } from '../contract.ts';
import { type Work, withProgress } from '../progress.ts';

export interface RetentionDependencies {
  readonly store: ArtifactStore;
  readonly environment: string;
  readonly policy: RetentionPolicy;
}

type Named = Pick<Removal, 'id' | 'manifestSha256'>;
type Kept = Removed['kept'][number];

/** Activities that take away sets which are not needed any more. */
export function createRetentionActivities(dependencies: RetentionDependencies): RetentionActivities {
  return {
    planPrune: () => withProgress({}, () => retentionNow(dependencies)),
    removeSets: ({ sets, resume }) => withProgress({ resume }, (work) => removeSets(dependencies, sets, work)),
  };
}

/** What the policy says of the store as it is now. */
export async function retentionNow({ store, environment, policy }: RetentionDependencies): Promise<Retention> {
  return planRetention(await listStoredSets(store), policy, { environment, now: new Date() });
}

/**
 * Removes the sets one after the other. The store is read anew before each: while a removal was approved and done, a
 * verification may have failed that makes an old set one of the last verified ones. A set that has been begun is finished
 * before a cancellation counts, since half of one is of use to nobody.
 */
export async function removeSets(
  dependencies: RetentionDependencies,
  sets: readonly Named[],
  work: Pick<Work, 'signal' | 'report'>,
): Promise<Removed> {
  const [removed, kept]: [string[], Kept[]] = [[], []];
  for (const [done, set] of sets.entries()) {
    work.signal.throwIfAborted();
    work.report({ phase: `remove ${set.id} (sets)`, done, total: sets.length });
    const needed = await whyNeeded(dependencies, set);
    const left = needed === undefined ? await removeSet(dependencies.store, set.id) : { whole: true, why: needed };
    if (left === undefined || !left.whole) removed.push(set.id);
    if (left) kept.push({ id: set.id, why: left.why });
  }
  work.report({ phase: 'removed (sets)', done: sets.length, total: sets.length });
  return { removed, kept };
}

/** Why a set must stay after all; `undefined` when it may go, or has no manifest any more. */
async function whyNeeded(
  dependencies: RetentionDependencies,
  { id, manifestSha256 }: Named,
): Promise<string | undefined> {
  const { keep, remove, refusal } = await retentionNow(dependencies);
  const found = remove.find((one) => one.id === id);
  if (found) return found.manifestSha256 === manifestSha256 ? undefined : 'its manifest is not the one of the plan';
  const kept = keep.find((one) => one.id === id);
  return kept && `${refusal ?? kept.why}: this was not so when the plan was made`;
}

/** @returns what the store keeps of it, if anything, and whether it is still a set */
async function removeSet(store: ArtifactStore, id: string): Promise<{ whole: boolean; why: string } | undefined> {
  const manifest = await removeUnlessLocked(store, manifestKeyOf(id));
  if (manifest !== undefined) return { whole: true, why: manifest };
  await removeUnlessLocked(store, checksumsKeyOf(id));
  const locked: string[] = [];
  for (const key of await store.list(`${setFolderOf(id)}/`)) {
    const why = await removeUnlessLocked(store, key);
    if (why !== undefined) locked.push(why);
  }
  await store.tidy(setFolderOf(id));
  const [first] = locked;
  if (first === undefined) return undefined;
  const others = locked.length > 1 ? `, and ${locked.length - 1} more objects of it` : '';
  return { whole: false, why: `without its manifest it is no set any more, but ${first}${others}` };
}

/** @returns until when the store keeps the object, in its own words; `undefined` when it is gone */
async function removeUnlessLocked(store: ArtifactStore, key: string): Promise<string | undefined> {
  try {
    await store.remove(key);
    return undefined;
  } catch (error) {
    if (error instanceof RecoveryError && error.code === 'STORE_LOCKED') return error.message;
    throw error;
  }
}
