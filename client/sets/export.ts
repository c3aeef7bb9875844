import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Artifact, type ArtifactStore, contentOf } from '../../domain/artifacts.ts';
import { checksumsKeyOf, manifestKeyOf, setFolderOf } from '../../domain/names.ts';
import { artifactsOf } from '../../domain/recovery-set.ts';
import type { StoredSet } from '../../domain/stored-set.ts';
import { problem, wrongUse } from '../problem.ts';
import { writeNew } from './write-new.ts';

const SEALED = /\.age$/;

/** One file of an export: where it lies in the folder, and what it holds. */
interface Part {
  readonly name: string;
  readonly sha256: string;
  readonly bytes: number;
  open(): AsyncIterable<Uint8Array>;
}

export interface Exported {
  readonly files: number;
  readonly bytes: number;
}

/**
 * Writes a whole set into a folder, every object compared with its hash on the way, with a `SHA256SUMS` that
 * `sha256sum --check` reads. As the objects lie in the store (encrypted ones stay so, and no key is needed), or decrypted.
 * @throws Problem (exit 2) when the folder is not empty; the store's failures, and then nothing is left in the folder
 */
export async function exportSet(
  store: ArtifactStore,
  found: StoredSet,
  { to, decrypt, tell }: { to: string; decrypt: boolean; tell: (line: string) => void },
): Promise<Exported> {
  await mustBeEmpty(to);
  const parts = [
    ...artifactsOf(found.set).map((artifact) => partOf(store, found.id, artifact, decrypt)),
    ...(await records(store, found)),
  ];
  const written: string[] = [];
  try {
    for (const part of parts) {
      tell(part.name);
      await mkdir(dirname(join(to, part.name)), { recursive: true });
      await writeNew(join(to, part.name), part.open());
      written.push(part.name);
    }
    await writeNew(join(to, 'SHA256SUMS'), bytesOf(await sumsOf(store, found, parts, decrypt)));
  } catch (error) {
    // Half a set must not be taken for one. What somebody else has put there meanwhile is theirs.
    await clear(to, written);
    throw error;
  }
  return { files: parts.length + 1, bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0) };
}

function partOf(store: ArtifactStore, id: string, artifact: Artifact, decrypt: boolean): Part {
  const name = nameIn(id, artifact.key);
  // Without `plain` the store hands out what lies there, and compares that.
  const { key, sha256, bytes } = artifact;
  if (!decrypt || !artifact.plain) return { name, sha256, bytes, open: () => store.open({ key, sha256, bytes }) };
  return { name: name.replace(SEALED, ''), ...contentOf(artifact), open: () => store.open(artifact) };
}

/** The manifest and the verifications: read and compared already, when the set was found. */
async function records(store: ArtifactStore, { id }: StoredSet): Promise<Part[]> {
  const keys = [...(await store.list(`${setFolderOf(id)}/verifications/`)), manifestKeyOf(id)];
  return Promise.all(
    keys.map(async (key) => {
      const bytes = await readKnown(store, key);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      return { name: nameIn(id, key), sha256, bytes: bytes.length, open: () => bytesOf(bytes) };
    }),
  );
}

async function sumsOf(
  store: ArtifactStore,
  { id }: StoredSet,
  parts: readonly Part[],
  decrypt: boolean,
): Promise<Uint8Array> {
  if (!decrypt) return readKnown(store, checksumsKeyOf(id));
  return Buffer.from(parts.map(({ sha256, name }) => `${sha256}  ${name}\n`).join(''));
}

async function readKnown(store: ArtifactStore, key: string): Promise<Uint8Array> {
  const bytes = await store.readSmall(key);
  if (!bytes) throw problem('notPassed', 'SET_TAMPERED', `${key} is gone: somebody removes this set just now`);
  return bytes;
}

async function mustBeEmpty(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
    if (code !== 'EEXIST' && code !== 'ENOTDIR') throw error;
    throw wrongUse(`${folder} is a file, or lies below one`, 'Name a folder that is empty or does not exist.');
  });
  if ((await readdir(folder)).length > 0)
    throw wrongUse(
      `${folder} is not empty, and nothing is written among other files`,
      'Name a folder that is empty or does not exist.',
    );
}

async function clear(folder: string, written: readonly string[]): Promise<void> {
  for (const name of written) await rm(join(folder, name), { force: true });
  for (const name of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (name.isDirectory()) await rmdir(join(name.parentPath, name.name)).catch(() => undefined);
}

/** @throws Problem for a key that would lead out of the folder: a manifest may come from anybody */
function nameIn(id: string, key: string): string {
  const name = key.slice(setFolderOf(id).length + 1);
  if (name.split('/').every((step) => step !== '' && !step.startsWith('.'))) return name;
  throw problem('notPassed', 'SET_TAMPERED', `${key} is not a name inside a set`);
}

async function* bytesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
