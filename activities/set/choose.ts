import type { Artifact, ArtifactStore } from '../../domain/artifacts.ts';
import { describeCounts, totalOf } from '../../domain/damage.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { manifestKeyOf } from '../../domain/names.ts';
import { type RecoverySet, recoverySetSchema } from '../../domain/recovery-set.ts';
import type { Work } from '../progress.ts';
import { type Expected, misfit } from './fit.ts';

const MANIFEST = /^sets\/([^/]+)\/manifest\.json$/;

export interface Choice {
  readonly set: RecoverySet;
  readonly why: string;
}

/** A set of the store, or why it cannot be used. */
type Candidate = { readonly id: string } & ({ readonly set: RecoverySet } | { readonly wrong: RecoveryError });

/**
 * Picks the set to heal from: the newest verified one, else the newest. Sets of a stack that was damaged when they were
 * taken come last, sets that do not fit this stack not at all, unless one was asked for by name.
 * @throws NO_RECOVERY_SET, SET_NOT_FOUND, SET_MISMATCH, SET_TAMPERED, STORE_UNREACHABLE
 */
export async function choose(store: ArtifactStore, expected: Expected, setId: string | undefined): Promise<Choice> {
  if (setId !== undefined) return { set: await chooseNamed(store, expected, setId), why: 'asked for in the input' };
  const ids = (await store.list('sets/')).flatMap((key) => MANIFEST.exec(key)?.[1] ?? []);
  // Ids begin with the time, so the newest is the last.
  const candidates = await Promise.all(
    ids
      .sort()
      .reverse()
      .map((id) => read(store, expected, id)),
  );
  const usable = candidates.flatMap((candidate) => ('set' in candidate ? [candidate.set] : []));
  const sound = usable.filter((candidate) => !isTorn(candidate));
  const set = sound.find(({ state }) => state === 'verified') ?? sound[0] ?? usable[0];
  if (!set) throw nothingUsable(candidates);
  return { set, why: explain(set, candidates) };
}

async function chooseNamed(store: ArtifactStore, expected: Expected, id: string): Promise<RecoverySet> {
  if (!/^set-[A-Za-z0-9-]+$/.test(id))
    throw new RecoveryError('SET_NOT_FOUND', `setId: ${id} is not the name of a set`);
  const candidate = await read(store, expected, id);
  if ('wrong' in candidate) throw candidate.wrong;
  return candidate.set;
}

async function read(store: ArtifactStore, expected: Expected, id: string): Promise<Candidate> {
  const bytes = await store.readSmall(manifestKeyOf(id));
  if (!bytes) return { id, wrong: new RecoveryError('SET_NOT_FOUND', `setId: the store has no set ${id}`) };
  const set = parseManifest(bytes);
  if (set?.id !== id)
    return {
      id,
      wrong: new RecoveryError('SET_TAMPERED', `${manifestKeyOf(id)} is not a manifest that we could have written`),
    };
  const wrong = misfit(set, expected);
  return wrong === undefined ? { id, set } : { id, wrong: new RecoveryError('SET_MISMATCH', `${id}: ${wrong}`) };
}

function parseManifest(bytes: Uint8Array): RecoverySet | undefined {
  try {
    return recoverySetSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch {
    return undefined;
  }
}

function nothingUsable(candidates: readonly Candidate[]): RecoveryError {
  const newest = candidates.find((candidate) => 'wrong' in candidate);
  return newest && 'wrong' in newest
    ? newest.wrong
    : new RecoveryError('NO_RECOVERY_SET', 'the store holds no recovery set');
}

/** What was preferred, and why newer ones were not: a sentence for the plan. */
function explain(set: RecoverySet, candidates: readonly Candidate[]): string {
  const newer = candidates.slice(
    0,
    candidates.findIndex(({ id }) => id === set.id),
  );
  const preferred = isTorn(set)
    ? `the newest set, though its stack was damaged (${describeCounts(set.disagreements)}); there is no sound one`
    : set.state === 'verified'
      ? 'the newest verified set'
      : 'the newest set; none is verified yet';
  if (newer.length === 0) return preferred;
  const reasons = newer.map(whyNot);
  const more = reasons.length > 3 ? ` and ${reasons.length - 3} more` : '';
  return `${preferred}; passed over: ${reasons.slice(0, 3).join(', ')}${more}`;
}

function whyNot(candidate: Candidate): string {
  if ('wrong' in candidate) return candidate.wrong.message;
  const { id, set } = candidate;
  return isTorn(set) ? `${id} is of a damaged stack (${describeCounts(set.disagreements)})` : `${id} is not verified`;
}

/** True when content was missing or wrong as the set was taken. Orphans beside it do a recovery no harm. */
function isTorn({ disagreements: { orphan: _harmless, ...wrong } }: RecoverySet): boolean {
  return totalOf({ ...wrong, orphan: 0 }) > 0;
}

/** Everything that a set consists of, besides its manifest. */
function artifactsOf({ qdrant, postgres, golden }: RecoverySet): Artifact[] {
  return [qdrant.snapshot, qdrant.index, golden, ...(postgres ? [postgres.dump] : [])];
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
