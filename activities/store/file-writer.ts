import type { FileHandle } from 'node:fs/promises';

/** As much as may wait for the disk before whoever brings the bytes has to wait too. */
const WAITING_BYTES = 1 << 20;

/**
 * Writes to a file while the next bytes are fetched and hashed. What came meanwhile is written at once, so that a thousand
 * small pieces cost no more than a large one. A failure is thrown by the next `write`, or by `end`.
 */
export class FileWriter {
  readonly #handle: FileHandle;
  #waiting: Uint8Array[] = [];
  #bytes = 0;
  /** Never fails: the failure is kept for whoever comes next. */
  #writing: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async write(piece: Uint8Array): Promise<void> {
    if (this.#failure) throw this.#failure.error;
    this.#waiting.push(piece);
    this.#bytes += piece.length;
    this.#writing ??= this.#drain();
    if (this.#bytes > WAITING_BYTES) await this.end();
  }

  /** Waits until everything is written. */
  async end(): Promise<void> {
    await this.#writing;
    if (this.#failure) throw this.#failure.error;
  }

  async #drain(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const pieces = this.#waiting;
        [this.#waiting, this.#bytes] = [[], 0];
        await writeAll(this.#handle, pieces);
      }
    } catch (error) {
      this.#failure = { error };
    }
    this.#writing = undefined;
  }
}

/** A disk that is nearly full may take a part: the rest is tried once more, and says why not. */
async function writeAll(handle: FileHandle, pieces: readonly Uint8Array[]): Promise<void> {
  const total = pieces.reduce((sum, { length }) => sum + length, 0);
  let { bytesWritten } = await handle.writev(pieces);
  if (bytesWritten === total) return;
  const all = Buffer.concat(pieces);
  while (bytesWritten < total) bytesWritten += (await handle.write(all, bytesWritten)).bytesWritten;
}
