import { createHash } from 'node:crypto';
import type { Artifact, ArtifactStore } from '../../domain/artifacts.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { describeCount } from '../../domain/format.ts';
import { checksumsKeyOf, manifestKeyOf, setFolderOf, verificationKeyOf } from '../../domain/names.ts';
import { artifactsOf, bytesOf, type RecoverySet } from '../../domain/recovery-set.ts';
import { isSetId, listStoredSets, readStoredSet } from '../../domain/stored-set.ts';
import type { Gate } from '../../domain/verdict.ts';
import { type Verification, verificationSchema } from '../../domain/verification.ts';
import { putBytes } from '../lines.ts';
import type { Work } from '../progress.ts';
import type { PickedSet } from '../set-contract.ts';
import { type Expected, misfit } from './fit.ts';

const NAMED = 5;

/**
 * The set to verify: the one that is asked for, else the newest. A broken one is an answer and not a failure, since to
 * say so is what a verification is for.
 * @throws NO_RECOVERY_SET, SET_NOT_FOUND, STORE_*
 */
export async function pickSet(store: ArtifactStore, expected: Expected, setId: string | undefined): Promise<PickedSet> {
  const stored = setId === undefined ? await newest(store, expected) : await named(store, setId);
  if (!stored) {
    throw setId === undefined
      ? new RecoveryError('NO_RECOVERY_SET', 'the store holds no recovery set')
      : new RecoveryError('SET_NOT_FOUND', `setId: the store has no set ${setId}`);
  }
  if ('problem' in stored) return stored;
  const { id, set, manifestSha256 } = stored;
  const wrong = misfit(set, expected);
  if (wrong !== undefined) return { id, problem: `${id} is of something else: ${wrong}` };
  return { id, set, manifestSha256, why: setId === undefined ? 'the newest set' : 'asked for in the input' };
}

/** A store may be shared: sets of other environments are theirs to verify. What a broken one was of, nobody can tell. */
async function newest(store: ArtifactStore, { environment }: Expected): ReturnType<typeof readStoredSet> {
  const sets = await listStoredSets(store);
  // What does not even have the name of a set was never one.
  return sets.find((stored) => ('problem' in stored ? isSetId(stored.id) : stored.set.environment === environment));
}

async function named(store: ArtifactStore, setId: string): ReturnType<typeof readStoredSet> {
  return isSetId(setId) ? readStoredSet(store, setId) : undefined;
}

/** Reads every object of a set to its end. All that is wrong is named, not only the first. */
export async function checkObjects(store: ArtifactStore, set: RecoverySet, work: Work): Promise<Gate[]> {
  const artifacts = artifactsOf(set);
  const total = bytesOf(set);
  const wrong: string[] = [];
  let done = 0;
  for (const artifact of artifacts) {
    try {
      for await (const _ of store.open(artifact)) work.signal.throwIfAborted();
    } catch (error) {
      if (!(error instanceof RecoveryError && error.code === 'SET_TAMPERED')) throw error;
      wrong.push(error.message);
    }
    done += artifact.bytes;
    work.report({ phase: `read back ${set.id} (bytes)`, done, total });
  }
  const more = wrong.length > NAMED ? ` and ${wrong.length - NAMED} more` : '';
  return [
    {
      name: 'objects',
      verdict: wrong.length === 0 ? 'pass' : 'fail',
      expected: `${artifacts.length} objects, ${describeCount(total)} bytes, each with the size and SHA-256 of the manifest`,
      observed: wrong.length === 0 ? 'all of them' : `${wrong.slice(0, NAMED).join('; ')}${more}`,
    },
  ];
}

/** Puts the record of a verification beside the manifest. Twice the same record is one record. */
export async function recordVerification(store: ArtifactStore, given: Verification): Promise<Artifact> {
  const record = verificationSchema.parse(given);
  const bytes = Buffer.from(`${JSON.stringify(record, null, 2)}\n`);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const key = verificationKeyOf(record.setId, record.at, sha256);
  if (await store.readSmall(key)) return { key, sha256, bytes: bytes.length };
  return putBytes(store, key, bytes);
}

/** Takes away the objects of a set that was never finished. A finished one stays: it goes by retention. */
export async function discardSet(store: ArtifactStore, setId: string): Promise<{ removed: number }> {
  if (!isSetId(setId)) throw new RecoveryError('SET_NOT_FOUND', `setId: ${setId} is not the name of a set`);
  if (await store.readSmall(manifestKeyOf(setId))) return { removed: 0 };
  const keys = await store.list(`${setFolderOf(setId)}/`);
  const removed = await removeAll(store, keys);
  await store.tidy(setFolderOf(setId));
  return { removed };
}

/** Removes what lost attempts left in the folder of a finished set: nothing that its manifest names, and no record. */
export async function sweepSet(store: ArtifactStore, set: RecoverySet): Promise<{ removed: number }> {
  const folder = `${setFolderOf(set.id)}/`;
  const kept = new Set([...artifactsOf(set).map(({ key }) => key), manifestKeyOf(set.id), checksumsKeyOf(set.id)]);
  const keys = (await store.list(folder)).filter((key) => !kept.has(key) && !key.startsWith(`${folder}verifications/`));
  const removed = await removeAll(store, keys);
  await store.tidy(setFolderOf(set.id));
  return { removed };
}

/** What a lock keeps stays until the lock ends: it is no part of any set, and no reason to hold a backup up. */
async function removeAll(store: ArtifactStore, keys: readonly string[]): Promise<number> {
  let removed = 0;
  for (const key of keys) {
    try {
      await store.remove(key);
      removed += 1;
    } catch (error) {
      if (!(error instanceof RecoveryError && error.code === 'STORE_LOCKED')) throw error;
    }
  }
  return removed;
}
