import { createHash, randomUUID } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, rm, rmdir, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import type { Artifact, ArtifactStore } from '../../domain/artifacts.ts';
import { FileWriter } from './file-writer.ts';
import { freeBytesAt, hasCode, onDisk } from './failures.ts';
import { isKey } from './keys.ts';
import { exists, noStore, outside, tampered } from './refusals.ts';

/** Lists are decoded a piece at a time, and strings beyond 128 KB are collected late. */
const READ_SIZE = 1 << 17;

/** What a put writes until it is whole. */
const UNFINISHED = /^\..*\.part$/;

/** An artifact store in a folder. Files are read-only once published, and none is ever replaced. */
export function createDiskStore(directory: string): ArtifactStore {
  return new DiskStore(resolve(directory));
}

class DiskStore implements ArtifactStore {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async put(key: string, data: AsyncIterable<Uint8Array>): Promise<Artifact> {
    const path = this.#pathOf(key);
    const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.part`);
    await this.#io(dirname(path), () => mkdir(dirname(path), { recursive: true }));
    try {
      const written = await this.#write(temporary, data);
      await this.#publish(temporary, path, key);
      return { key, ...written };
    } finally {
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }

  async *open(artifact: Artifact): AsyncGenerator<Uint8Array> {
    const handle = await this.#openForReading(artifact);
    const hash = createHash('sha256');
    try {
      for (let at = 0; at < artifact.bytes;) {
        const size = Math.min(READ_SIZE, artifact.bytes - at);
        const { bytesRead, buffer } = await this.#io(artifact.key, () =>
          handle.read(Buffer.allocUnsafe(size), 0, size, at),
        );
        if (bytesRead === 0) throw tampered(artifact.key, `ends after ${at} of ${artifact.bytes} bytes`);
        at += bytesRead;
        const piece = buffer.subarray(0, bytesRead);
        hash.update(piece);
        yield piece;
      }
    } finally {
      await handle.close();
    }
    const found = hash.digest('hex');
    if (found !== artifact.sha256) throw tampered(artifact.key, `has SHA-256 ${found}, not ${artifact.sha256}`);
  }

  async readSmall(key: string): Promise<Uint8Array | undefined> {
    const path = this.#pathOf(key);
    return this.#io(path, () => readFile(path).catch(this.#unlessAbsent(undefined)));
  }

  async list(prefix: string): Promise<string[]> {
    if (prefix.split('/').includes('..')) throw outside(prefix);
    const folder = join(this.#root, prefix.slice(0, prefix.lastIndexOf('/') + 1));
    const entries = await this.#io(folder, () =>
      readdir(folder, { recursive: true, withFileTypes: true }).catch(this.#unlessAbsent([])),
    );
    const keys = entries
      .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
      .map((entry) => relative(this.#root, join(entry.parentPath, entry.name)));
    return keys.filter((key) => key.startsWith(prefix)).sort();
  }

  async remove(key: string): Promise<void> {
    const path = this.#pathOf(key);
    await this.#io(path, () => rm(path, { force: true }));
  }

  async tidy(folder: string): Promise<void> {
    const path = this.#pathOf(folder);
    await this.#io(path, async () => {
      const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(unlessAbsent([]));
      for (const entry of entries) {
        if (entry.isFile() && UNFINISHED.test(entry.name))
          await rm(join(entry.parentPath, entry.name), { force: true });
      }
      // The deepest first; one that is not empty stays, and that is what is wanted.
      const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
      for (const empty of [...folders.toSorted((a, b) => b.length - a.length), path])
        await rmdir(empty).catch(unlessStaying);
    });
  }

  async freeBytes(): Promise<number> {
    return this.#io(this.#root, async () => {
      await mkdir(this.#root, { recursive: true });
      return freeBytesAt(this.#root);
    });
  }

  /** Failures of `data` pass as they are: they belong to whoever produces it. */
  async #write(path: string, data: AsyncIterable<Uint8Array>): Promise<{ sha256: string; bytes: number }> {
    const handle = await this.#io(path, () => open(path, 'wx', 0o444));
    const hash = createHash('sha256');
    const writer = new FileWriter(handle);
    let bytes = 0;
    try {
      for await (const piece of data) {
        hash.update(piece);
        bytes += piece.length;
        await this.#io(path, () => writer.write(piece));
      }
      await this.#io(path, () => writer.end());
      await this.#io(path, () => handle.sync());
    } finally {
      await writer.end().catch(() => undefined);
      await this.#io(path, () => handle.close());
    }
    return { sha256: hash.digest('hex'), bytes };
  }

  /** A hard link, unlike a rename, fails when the name is taken: two writers cannot both win. */
  async #publish(temporary: string, path: string, key: string): Promise<void> {
    await this.#io(path, () =>
      link(temporary, path).catch((error: unknown) => {
        if (!hasCode(error, 'EEXIST')) throw error;
        throw exists(key);
      }),
    );
    await rm(temporary, { force: true });
    for (let folder = dirname(path); ; folder = dirname(folder)) {
      await this.#io(folder, () => syncFolder(folder));
      if (folder === this.#root || folder === dirname(folder)) return;
    }
  }

  async #openForReading(artifact: Artifact): Promise<FileHandle> {
    if (!isKey(artifact.key)) throw tampered(artifact.key, 'is not a name inside the store');
    const path = this.#pathOf(artifact.key);
    const handle = await this.#io(path, () => open(path, 'r').catch(unlessAbsent(undefined)));
    if (handle === undefined) throw tampered(artifact.key, 'is missing');
    const { size } = await this.#io(path, () => handle.stat());
    if (size === artifact.bytes) return handle;
    await handle.close();
    throw tampered(artifact.key, `has ${size} bytes, not ${artifact.bytes}`);
  }

  /** Something may be absent in a store that is there; a store that is not there (a disk that is not mounted) is no empty one. */
  #unlessAbsent<T>(value: T): (error: unknown) => Promise<T> {
    return async (error) => {
      const absent = unlessAbsent(value)(error);
      const root = await stat(this.#root).catch((cause: unknown) => {
        if (!hasCode(cause, 'ENOENT', 'ENOTDIR')) throw cause;
        return undefined;
      });
      if (root?.isDirectory()) return absent;
      throw noStore(this.#root, root === undefined ? 'does not exist' : 'is no folder');
    };
  }

  #pathOf(key: string): string {
    if (!isKey(key)) throw outside(key);
    return join(this.#root, key);
  }

  #io<T>(path: string, operation: () => Promise<T>): Promise<T> {
    return onDisk(this.#root, path, operation);
  }
}

/** A new name survives a power cut only when its folder was flushed too. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function unlessStaying(error: unknown): void {
  if (!hasCode(error, 'ENOTEMPTY', 'ENOENT', 'EEXIST')) throw error;
}

function unlessAbsent<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return value;
    throw error;
  };
}
