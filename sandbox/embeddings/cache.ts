import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Embedding, MODEL, NATIVE_DIMENSIONS } from './model.ts';

const TOKENS_BYTES = 4;
const FILE_BYTES = TOKENS_BYTES + NATIVE_DIMENSIONS * 4;

/**
 * Embeddings on disk, one file a text, named by the hash of model and text. Several servers may share a folder: files
 * appear whole or not at all, and a text always has the same vector.
 */
export class EmbeddingCache {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** What is known of `text`, or `undefined`. A file of a wrong size counts as absent. */
  async read(text: string): Promise<Embedding | undefined> {
    const bytes = await readFile(this.#pathOf(text).file).catch(() => undefined);
    if (bytes?.length !== FILE_BYTES) return undefined;
    const values = bytes.buffer.slice(bytes.byteOffset + TOKENS_BYTES, bytes.byteOffset + FILE_BYTES);
    return { tokens: bytes.readUInt32LE(0), vector: new Float32Array(values) };
  }

  async write(text: string, { tokens, vector }: Embedding): Promise<void> {
    const bytes = Buffer.alloc(FILE_BYTES);
    bytes.writeUInt32LE(tokens);
    Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).copy(bytes, TOKENS_BYTES);
    const { folder, file } = this.#pathOf(text);
    const partial = `${file}.${randomUUID()}`;
    await mkdir(folder, { recursive: true });
    await writeFile(partial, bytes);
    await rename(partial, file);
  }

  #pathOf(text: string): { folder: string; file: string } {
    const hash = createHash('sha256').update(`${MODEL}\0${text}`).digest('hex');
    const folder = join(this.#folder, hash.slice(0, 2));
    return { folder, file: join(folder, hash) };
  }
}
