import type { ArtifactStore } from '../../domain/artifacts.ts';
import { describeCounts } from '../../domain/damage.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { artifactsOf, isTorn, type RecoverySet } from '../../domain/recovery-set.ts';
import { type BrokenSet, isSetId, listStoredSets, readStoredSet, type StoredSet } from '../../domain/stored-set.ts';
import type { SetState } from '../../domain/verification.ts';
import type { Work } from '../progress.ts';
import { type Expected, misfit } from './fit.ts';

export interface Choice {
  readonly set: RecoverySet;
  readonly why: string;
}

/** A set of the store, or why it cannot be used. */
type Candidate = { readonly id: string } & (
  { readonly set: RecoverySet; readonly state: SetState } | { readonly wrong: RecoveryError }
);

/**
 * Picks the set to heal from: the newest verified one, else the newest. Sets whose parts disagree, or that failed a
 * verification, come last; sets that do not fit this stack not at all, unless one was asked for by name.
 * @throws NO_RECOVERY_SET, SET_NOT_FOUND, SET_MISMATCH, SET_TAMPERED, STORE_UNREACHABLE
 */
export async function choose(store: ArtifactStore, expected: Expected, setId: string | undefined): Promise<Choice> {
  if (setId !== undefined) return { set: await chooseNamed(store, expected, setId), why: 'asked for in the input' };
  const candidates = (await listStoredSets(store)).map((stored) => judge(expected, stored));
  const usable = candidates.filter((candidate) => 'set' in candidate);
  const sound = usable.filter(({ set, state }) => !isTorn(set) && state !== 'failed');
  const choice =
    sound.find(({ state }) => state === 'verified') ?? sound[0] ?? usable.find(({ state }) => state !== 'failed');
  if (!choice) throw nothingUsable(candidates);
  return { set: choice.set, why: explain(choice, candidates) };
}

/** The set that `choose` would take now; `undefined` where it would refuse every one. @throws STORE_* */
export async function bestSet(store: ArtifactStore, expected: Expected): Promise<string | undefined> {
  try {
    return (await choose(store, expected, undefined)).set.id;
  } catch (error) {
    if (error instanceof RecoveryError && !error.code.startsWith('STORE_')) return undefined;
    throw error;
  }
}

async function chooseNamed(store: ArtifactStore, expected: Expected, id: string): Promise<RecoverySet> {
  if (!isSetId(id)) throw new RecoveryError('SET_NOT_FOUND', `setId: ${id} is not the name of a set`);
  const stored = await readStoredSet(store, id);
  if (!stored) throw new RecoveryError('SET_NOT_FOUND', `setId: the store has no set ${id}`);
  const candidate = judge(expected, stored);
  if ('wrong' in candidate) throw candidate.wrong;
  return candidate.set;
}

function judge(expected: Expected, stored: StoredSet | BrokenSet): Candidate {
  const { id } = stored;
  if ('problem' in stored) return { id, wrong: new RecoveryError('SET_TAMPERED', stored.problem) };
  const wrong = misfit(stored.set, expected);
  return wrong === undefined
    ? { id, set: stored.set, state: stored.state }
    : { id, wrong: new RecoveryError('SET_MISMATCH', `${id}: ${wrong}`) };
}

function nothingUsable(candidates: readonly Candidate[]): RecoveryError {
  const newest = candidates.find((candidate) => 'wrong' in candidate);
  if (newest && 'wrong' in newest) return newest.wrong;
  const failed = candidates.map(({ id }) => id).join(', ');
  return new RecoveryError(
    'NO_RECOVERY_SET',
    failed === ''
      ? 'the store holds no recovery set'
      : `every set of the store failed its last verification (${failed}); name one in setId to use it all the same`,
  );
}

/** What was preferred, and why newer ones were not: a sentence for the plan. */
function explain(
  { set, state }: { readonly set: RecoverySet; readonly state: SetState },
  candidates: readonly Candidate[],
): string {
  const newer = candidates.slice(
    0,
    candidates.findIndex(({ id }) => id === set.id),
  );
  const preferred = isTorn(set)
    ? `the newest set, though its stack was damaged (${describeCounts(set.disagreements)}); there is no sound one`
    : state === 'verified'
      ? 'the newest verified set'
      : 'the newest set; none is verified yet';
  if (newer.length === 0) return preferred;
  const reasons = newer.map(whyNot);
  const more = reasons.length > 3 ? ` and ${reasons.length - 3} more` : '';
  return `${preferred}; passed over: ${reasons.slice(0, 3).join(', ')}${more}`;
}

function whyNot(candidate: Candidate): string {
  if ('wrong' in candidate) return candidate.wrong.message;
  const { id, set, state } = candidate;
  if (isTorn(set)) return `${id} is of a damaged stack (${describeCounts(set.disagreements)})`;
  return state === 'failed' ? `${id} failed its last verification` : `${id} is not verified`;
}

/**
 * Reads everything back, so that a set which cannot heal is noticed before anything is written. An attempt goes on after
 * the last artifact that the one before had read whole.
 * @throws SET_TAMPERED naming the artifact, STORE_UNREACHABLE
 */
export async function readBack(store: ArtifactStore, set: RecoverySet, work: Work): Promise<void> {
  const artifacts = artifactsOf(set);
  const total = artifacts.reduce((sum, { bytes }) => sum + bytes, 0);
  let [done, verified] = [0, 0];
  const before = new RegExp(`^${set.id}:(\\d+)$`).exec(work.resume?.cursor ?? '');
  for (const artifact of artifacts) {
    verified += 1;
    if (verified <= Number(before?.[1] ?? 0)) {
      done += artifact.bytes;
      continue;
    }
    for await (const piece of store.open(artifact)) {
      work.signal.throwIfAborted();
      done += piece.length;
      work.report({ phase: `read back ${set.id} (bytes)`, done, total, cursor: `${set.id}:${verified - 1}` });
    }
  }
}
