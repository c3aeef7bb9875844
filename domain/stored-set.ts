import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { ArtifactStore } from './artifacts.ts';
import { checksumsKeyOf, manifestKeyOf, setFolderOf } from './names.ts';
import { artifactsOf, type RecoverySet, recoverySetSchema } from './recovery-set.ts';
import { type SetState, stateOf, type Verification, verificationSchema } from './verification.ts';

type Reading = Pick<ArtifactStore, 'readSmall' | 'list'>;

/** A set as it stands in the store, with how far it is to be trusted. */
export interface StoredSet {
  readonly id: string;
  readonly set: RecoverySet;
  readonly manifestSha256: string;
  readonly state: SetState;
  /** Verifications of this very manifest, the oldest first. */
  readonly verifications: readonly Verification[];
}

/** A folder of the store that cannot be used as a set, and why: a sentence. */
export interface BrokenSet {
  readonly id: string;
  readonly problem: string;
}

const SET_ID = /^set-[A-Za-z0-9-]+$/;
const OF_MANIFEST = /^sets\/([^/]+)\/manifest\.json$/;

/** Whether this can be the name of a set at all. */
export function isSetId(id: string): boolean {
  return SET_ID.test(id);
}

/** What `SHA256SUMS` of a set says, for `sha256sum --check` in its folder. The manifest stands last. */
export function checksumsOf(set: RecoverySet, manifestSha256: string): string {
  const prefix = `${setFolderOf(set.id)}/`;
  const files = artifactsOf(set).map(({ key, sha256: hash }) => [hash, key] as const);
  return [...files, [manifestSha256, manifestKeyOf(set.id)] as const]
    .map(([hash, key]) => `${hash}  ${key.startsWith(prefix) ? key.slice(prefix.length) : key}\n`)
    .join('');
}

/** Every finished set of the store, and what looks like one and is none; the newest first. */
export async function listStoredSets(store: Reading): Promise<(StoredSet | BrokenSet)[]> {
  const keys = await store.list('sets/');
  const ids = keys.flatMap((key) => OF_MANIFEST.exec(key)?.[1] ?? []);
  // Ids begin with the time, so the newest is the last.
  const read = ids
    .sort()
    .reverse()
    .map((id) => readStoredSet(store, id, keys));
  return (await Promise.all(read)).filter((found) => found !== undefined);
}

/** One set by its name; `undefined` when the store has none of that name. */
export async function readStoredSet(
  store: Reading,
  id: string,
  known?: readonly string[],
): Promise<StoredSet | BrokenSet | undefined> {
  if (!isSetId(id)) return known && { id, problem: `${manifestKeyOf(id)}: ${id} is not a name that a set can have` };
  const manifest = await store.readSmall(manifestKeyOf(id));
  if (!manifest) return undefined;
  const set = parse(recoverySetSchema, manifest);
  if (set?.id !== id) return { id, problem: `${manifestKeyOf(id)} is not a manifest that we could have written` };
  const outside = artifactsOf(set).find(({ key }) => !key.startsWith(`${setFolderOf(id)}/`));
  if (outside) return { id, problem: `${manifestKeyOf(id)} names ${outside.key}, which belongs to another set` };
  const manifestSha256 = bytesToHex(sha256(manifest));
  const sums = await store.readSmall(checksumsKeyOf(id));
  if (!sums) return { id, problem: `${checksumsKeyOf(id)} is missing: the manifest cannot be proven to be unchanged` };
  if (new TextDecoder().decode(sums) !== checksumsOf(set, manifestSha256))
    return { id, problem: `${checksumsKeyOf(id)} does not fit ${manifestKeyOf(id)}: one of the two was changed` };
  return withRecords(store, { id, set, manifestSha256 }, known);
}

async function withRecords(
  store: Reading,
  found: Pick<StoredSet, 'id' | 'set' | 'manifestSha256'>,
  known: readonly string[] | undefined,
): Promise<StoredSet | BrokenSet> {
  const folder = `${setFolderOf(found.id)}/verifications/`;
  const keys = (known ?? (await store.list(folder))).filter((key) => key.startsWith(folder));
  const verifications: Verification[] = [];
  for (const key of keys.toSorted()) {
    const bytes = await store.readSmall(key);
    const record = bytes && parse(verificationSchema, bytes);
    if (!bytes || !record || !key.endsWith(`-${bytesToHex(sha256(bytes))}.json`))
      return { id: found.id, problem: `${key} is not what was written: the record of a verification was changed` };
    if (record.manifestSha256 === found.manifestSha256) verifications.push(record);
  }
  return { ...found, verifications, state: stateOf(found.manifestSha256, verifications) };
}

function parse<T>(
  schema: { safeParse(value: unknown): { success: true; data: T } | { success: false } },
  bytes: Uint8Array,
): T | undefined {
  try {
    const parsed = schema.safeParse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
