import { createReadStream } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';
import type { ArtifactStore } from '../../domain/artifacts.ts';
import { type ColdCopy, coldCopySchema, coldFolderOf } from '../../domain/cold-copy.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { putBytes } from '../lines.ts';
import type { Work } from '../progress.ts';

const CONNECT_MS = 3_000;

export interface ColdSource {
  readonly environment: string;
  /** Qdrant's storage folder, as the worker sees it. */
  readonly storage: string;
  /** Where Qdrant listens when it runs. */
  readonly urls: readonly string[];
  readonly store: ArtifactStore;
}

interface Found {
  readonly path: string;
  readonly size: number;
  readonly changedAt: number;
}

/**
 * Copies the storage folder of a Qdrant that is stopped into the store, as one archive. That it stayed stopped and nothing
 * changed is looked at again at the end: what could be torn is taken away. Another attempt begins anew, after taking away
 * what a lost one left, or finds that one finished.
 * @throws QDRANT_RUNNING, INVALID_CONFIGURATION, STORE_*, DISK_FULL
 */
export async function copyCold(
  source: ColdSource,
  { id, takenAt }: { id: string; takenAt: string },
  work: Work,
): Promise<ColdCopy> {
  const { environment, storage, urls, store } = source;
  const folder = coldFolderOf(environment, id);
  const done = await store.readSmall(`${folder}/manifest.json`);
  if (done) return coldCopySchema.parse(JSON.parse(Buffer.from(done).toString('utf8')));
  await discard(store, folder);
  for (const url of urls) await mustBeStopped(url);
  const before = await survey(storage);
  try {
    const archive = await store.put(`${folder}/storage.tar`, archiveOf(storage, before, work));
    for (const url of urls) await mustBeStopped(url);
    mustBeUnchanged(storage, before, await survey(storage));
    const bytes = before.reduce((sum, { size }) => sum + size, 0);
    const collections = [...new Set(before.flatMap(({ path }) => /^collections\/([^/]+)\//.exec(path)?.[1] ?? []))];
    const copy = coldCopySchema.parse({
      version: 1,
      id,
      environment,
      takenAt,
      archive,
      files: before.length,
      bytes,
      collections,
    });
    await put(store, `${folder}/SHA256SUMS`, `${archive.sha256}  ${archive.key.slice(folder.length + 1)}\n`);
    await put(store, `${folder}/manifest.json`, `${JSON.stringify(copy, null, 2)}\n`);
    return copy;
  } catch (error) {
    await discard(store, folder).catch(() => undefined);
    throw error;
  }
}

/** Only a refused connection proves that nobody is there: silence may be a slow network before a running server. */
async function mustBeStopped(url: string): Promise<void> {
  const { hostname, port, protocol, origin } = new URL(url);
  const socket = connect({
    host: hostname,
    port: Number(port || (protocol === 'https:' ? 443 : 80)),
    timeout: CONNECT_MS,
  });
  const seen = await new Promise<string | undefined>((resolve) => {
    socket.once('connect', () => resolve('takes connections'));
    socket.once('timeout', () => resolve('does not refuse connections, so it cannot be told to be stopped'));
    socket.once('error', ({ code }: NodeJS.ErrnoException) =>
      resolve(code === 'ECONNREFUSED' ? undefined : `cannot be told to be stopped (${code})`),
    );
  });
  socket.destroy();
  if (seen === undefined) return;
  throw new RecoveryError('QDRANT_RUNNING', `Qdrant at ${origin} ${seen}: a copy of its files could be torn`);
}

async function survey(storage: string): Promise<Found[]> {
  const entries = await readdir(storage, { recursive: true, withFileTypes: true }).catch((cause: unknown) => {
    throw new RecoveryError('INVALID_CONFIGURATION', `backup.coldStorage: ${storage} cannot be read`, { cause });
  });
  if (!entries.some((entry) => entry.name === 'collections' && entry.isDirectory() && entry.parentPath === storage))
    throw new RecoveryError(
      'INVALID_CONFIGURATION',
      `backup.coldStorage: ${storage} has no folder collections, so it is not Qdrant’s storage`,
    );
  const found: Found[] = [];
  for (const entry of entries) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) continue;
    if (!entry.isFile())
      throw new RecoveryError(
        'INVALID_CONFIGURATION',
        `backup.coldStorage: ${file} is neither a file nor a folder, so it may lead elsewhere`,
      );
    const { size, mtimeMs } = await lstat(file);
    found.push({ path: relative(storage, file), size, changedAt: mtimeMs });
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function mustBeUnchanged(storage: string, before: readonly Found[], after: readonly Found[]): void {
  const told = ({ path, size, changedAt }: Found): string => `${path} ${size} ${changedAt}`;
  const then = new Set(before.map(told));
  const changed =
    after.find((file) => !then.has(told(file))) ?? (after.length === before.length ? undefined : before[0]);
  if (changed)
    throw new RecoveryError(
      'QDRANT_RUNNING',
      `${storage}: ${changed.path} changed while it was copied, so something writes there`,
    );
}

/** The archive in constant memory: a file at a time, in the order of their names. */
async function* archiveOf(
  storage: string,
  files: readonly Found[],
  { signal, report }: Work,
): AsyncGenerator<Uint8Array> {
  const tar = pack();
  const total = files.reduce((sum, { size }) => sum + size, 0);
  const filling = (async () => {
    let done = 0;
    for (const { path, size, changedAt } of files) {
      signal.throwIfAborted();
      const entry = tar.entry({ name: path, size, mtime: new Date(changedAt) });
      await pipeline(createReadStream(join(storage, path), { end: Math.max(0, size - 1) }), entry, { signal });
      report({ phase: 'copy the storage folder (bytes)', done: (done += size), total });
    }
    tar.finalize();
  })();
  filling.catch((error: unknown) => tar.destroy(error instanceof Error ? error : new Error(String(error))));
  for await (const piece of tar) yield piece as Uint8Array;
  await filling;
}

async function discard(store: ArtifactStore, folder: string): Promise<void> {
  for (const key of await store.list(`${folder}/`)) await store.remove(key);
  await store.tidy(folder);
}

async function put(store: ArtifactStore, key: string, text: string): Promise<void> {
  await putBytes(store, key, Buffer.from(text));
}
