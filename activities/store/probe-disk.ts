import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactStore } from '../../domain/artifacts.ts';
import { RecoveryError } from '../../domain/failures.ts';
import type { Capability } from './probe.ts';

/** What a folder enforces. */
export async function probeDisk(store: ArtifactStore, directory: string, name: string): Promise<Capability[]> {
  await store.put(name, text('first'));
  try {
    const path = join(directory, name);
    return [
      await overwriting(store, name),
      await flushing(path),
      await readOnly(path),
      await space(store),
      { name: 'versioning', enforced: false, observed: 'a folder keeps no earlier versions' },
      { name: 'lock', enforced: false, observed: 'whoever may write the folder may remove files' },
    ];
  } finally {
    await store.remove(name);
  }
}

async function overwriting(store: ArtifactStore, name: string): Promise<Capability> {
  const refused = await store.put(name, text('second')).then(
    () => false,
    (error: unknown) => {
      if (error instanceof RecoveryError && error.message.includes('exists already')) return true;
      throw error;
    },
  );
  const observed = refused
    ? 'a second file of the same name is refused by the file system (hard link)'
    : 'a second file of the same name replaced the first';
  return { name: 'no-overwrite', enforced: refused, observed };
}

async function flushing(path: string): Promise<Capability> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
    return { name: 'flush', enforced: true, observed: 'files and folders are flushed to the disk before they count' };
  } catch (error) {
    return { name: 'flush', enforced: false, observed: `the file system does not flush (${String(error)})` };
  } finally {
    await handle.close();
  }
}

async function readOnly(path: string): Promise<Capability> {
  const mode = (await stat(path)).mode & 0o777;
  const enforced = (mode & 0o222) === 0;
  const bits = `0${mode.toString(8)}`;
  const observed = enforced
    ? `files are read-only (${bits}); their owner and root can change that`
    : `files can be written (${bits}): the file system does not keep their mode`;
  return { name: 'read-only', enforced, observed };
}

async function space(store: ArtifactStore): Promise<Capability> {
  const free = (await store.freeBytes()) ?? 0;
  return { name: 'free-space', enforced: free > 0, observed: `${free} bytes are free` };
}

async function* text(words: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(words);
}
