import { createHash } from 'node:crypto';
import type { Artifact, ArtifactStore } from '../../domain/artifacts.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { checksumsKeyOf, manifestKeyOf } from '../../domain/names.ts';
import { type RecoverySet, recoverySetSchema } from '../../domain/recovery-set.ts';
import { checksumsOf } from '../../domain/stored-set.ts';
import { putBytes } from '../lines.ts';
import { type Expected, misfit } from './fit.ts';

/**
 * Writes the checksums and then the manifest, which makes a set of what was only files until now. A repeat after a lost answer finds the same
 * manifest there, and that is as good as having written it.
 * @throws SET_MISMATCH for parts that could never heal this stack, SET_TAMPERED, STORE_UNREACHABLE, DISK_FULL
 */
export async function seal(store: ArtifactStore, expected: Expected, given: RecoverySet): Promise<Artifact> {
  const set = recoverySetSchema.parse(given);
  const wrong = misfit(set, expected);
  if (wrong !== undefined)
    throw new RecoveryError('SET_MISMATCH', `the collection is not what the configuration says: ${wrong}`);
  const manifest = Buffer.from(`${JSON.stringify(set, null, 2)}\n`);
  const sums = checksumsOf(set, createHash('sha256').update(manifest).digest('hex'));
  // The manifest comes last: before it there is no set, so none is ever without its checksums.
  await putOnce(store, checksumsKeyOf(set.id), Buffer.from(sums));
  return putOnce(store, manifestKeyOf(set.id), manifest);
}

async function putOnce(store: ArtifactStore, key: string, bytes: Buffer): Promise<Artifact> {
  const there = await store.readSmall(key);
  if (!there) return putBytes(store, key, bytes);
  if (!bytes.equals(there))
    throw new RecoveryError('SET_TAMPERED', `${key} is there already, and is not what this run would write`);
  return { key, sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length };
}
