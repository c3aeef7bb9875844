import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import type { Artifact, ArtifactStore, ListRef } from '../domain/artifacts.ts';
import type { Batches } from '../domain/index-entry.ts';

const NEWLINE = 0x0a;

/**
 * Reads lines from bytes in constant memory: a batch for every piece that holds the end of a line.
 * Whole pieces are decoded and split at once; a line at a time would cost several times as much.
 */
export async function* readLines<T>(bytes: AsyncIterable<Uint8Array>, parse: (line: string) => T): Batches<T> {
  let rest: Uint8Array[] = [];
  for await (const piece of bytes) {
    const end = piece.lastIndexOf(NEWLINE);
    if (end === -1) {
      rest.push(piece);
      continue;
    }
    const text = Buffer.concat([...rest, piece.subarray(0, end)]).toString('utf8');
    rest = [piece.subarray(end + 1)];
    yield text.split('\n').map(parse);
  }
  const last = Buffer.concat(rest).toString('utf8');
  if (last !== '') yield [parse(last)];
}

/** The lines of an artifact. @throws SET_TAMPERED at the end when its bytes are not those of the reference */
export function openLines<T>(store: ArtifactStore, artifact: Artifact, parse: (line: string) => T): Batches<T> {
  return readLines(store.open(artifact), parse);
}

/** The lines of an artifact as a set; none without one. For lists that are known to be small. */
export async function readSet(store: ArtifactStore, artifact: Artifact | undefined): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  if (artifact)
    for await (const batch of openLines(store, artifact, (line) => line)) for (const one of batch) found.add(one);
  return found;
}

/** Puts what is in memory as a whole. @throws as `ArtifactStore.put` */
export function putBytes(store: ArtifactStore, key: string, bytes: Uint8Array): Promise<Artifact> {
  return store.put(key, Readable.from([bytes]));
}

/** A small artifact, whole in memory. @throws SET_TAMPERED when its bytes are not those of the reference */
export async function readWhole(store: ArtifactStore, artifact: Artifact): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of store.open(artifact)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Batches regrouped to `size`, without the first `skip` items. */
export async function* inBatches<T>(batches: Batches<T>, size: number, skip: number): AsyncGenerator<readonly T[]> {
  let pending: T[] = [];
  let left = skip;
  for await (const batch of batches) {
    pending.push(...batch.slice(left));
    left = Math.max(0, left - batch.length);
    for (; pending.length >= size; pending = pending.slice(size)) yield pending.slice(0, size);
  }
  if (pending.length > 0) yield pending;
}

/** Batches as bytes: one line an item. */
export async function* asLines<T>(batches: Batches<T>, format: (item: T) => string): AsyncGenerator<Uint8Array> {
  for await (const batch of batches) {
    if (batch.length > 0) yield Buffer.from(batch.map(format).join('\n') + '\n');
  }
}

/** Writes everything that `batches` yields under `key`, one line an item, and counts. */
export async function writeLines<T>(
  store: ArtifactStore,
  key: string,
  batches: Batches<T>,
  format: (item: T) => string,
): Promise<ListRef> {
  let count = 0;
  const counting = async function* (): Batches<T> {
    for await (const batch of batches) {
      count += batch.length;
      yield batch;
    }
  };
  const artifact = await store.put(key, asLines(counting(), format));
  return { artifact, count };
}

/** A list that is pushed to rather than pulled from: for code that fills several lists in one pass. */
export class LineWriter<T> {
  readonly #format: (item: T) => string;
  readonly #bytes = new PassThrough({ highWaterMark: 1 << 18 });
  readonly #artifact: Promise<Artifact>;
  #count = 0;

  constructor(store: ArtifactStore, key: string, format: (item: T) => string) {
    this.#format = format;
    // Given up before the store began to read, nobody else would listen, and Node would end the process.
    this.#bytes.on('error', () => undefined);
    this.#artifact = store.put(key, this.#bytes);
    // The failure is reported by whichever of write, close and abort comes next.
    this.#artifact.catch(() => this.#bytes.destroy());
  }

  async write(items: readonly T[]): Promise<void> {
    if (items.length === 0) return;
    if (this.#bytes.destroyed) await this.#artifact;
    this.#count += items.length;
    const flowing = this.#bytes.write(items.map(this.#format).join('\n') + '\n');
    if (!flowing) await Promise.race([once(this.#bytes, 'drain'), this.#artifact]);
  }

  /** Publishes the list. */
  async close(): Promise<ListRef> {
    this.#bytes.end();
    return { artifact: await this.#artifact, count: this.#count };
  }

  /** Gives up: nothing is left under the key. */
  async abort(): Promise<void> {
    this.#bytes.destroy(new Error('the list was given up'));
    await this.#artifact.catch(() => undefined);
  }
}
