import { z } from 'zod';

/** How long some bytes are, and what they hash to. */
const contentSchema = z.strictObject({
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.int().nonnegative(),
});
export type Content = z.infer<typeof contentSchema>;

/** Something in the artifact store, by reference: histories carry this, never the bytes. */
export const artifactSchema = contentSchema.extend({
  key: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/-]*$/),
  /** What comes out when it is decrypted, for an artifact that lies encrypted (age): `sha256` and `bytes` are of what lies there. */
  plain: contentSchema.optional(),
});
export type Artifact = z.infer<typeof artifactSchema>;

/** What a reader of the artifact gets: its size and hash before it was encrypted, where it was. */
export function contentOf({ sha256, bytes, plain }: Artifact): Content {
  return plain ?? { sha256, bytes };
}

/** What the key of an encrypted artifact ends in, so that people and `age` know it for what it is. */
export const ENCRYPTED = '.age';

/** The key that the artifact was put under: without the ending of one that lies encrypted. */
export function keyOfContent({ key, plain }: Artifact): string {
  return plain && key.endsWith(ENCRYPTED) ? key.slice(0, -ENCRYPTED.length) : key;
}

/** A list of points in the store (one JSON object a line), and how many lines it has. */
export const listSchema = z.strictObject({ artifact: artifactSchema, count: z.int().nonnegative() });
export type ListRef = z.infer<typeof listSchema>;

/**
 * Where artifacts live. Contract: `put` never replaces a key (it throws `STORE_UNREACHABLE` when the key exists), is
 * durable when it returns, and hashes what flows through; a `put` that fails leaves nothing under the key. `open` throws
 * `SET_TAMPERED` at the end of the stream when the bytes are not those of the reference. Timeouts and I/O errors are
 * `STORE_UNREACHABLE`; no space is `DISK_FULL`; what a person must mend is `STORE_DENIED` (credentials, permission, clock, key)
 * or `STORE_REFUSED` (bucket, region); `remove` of what a lock keeps is `STORE_LOCKED`.
 */
export interface ArtifactStore {
  put(key: string, data: AsyncIterable<Uint8Array>): Promise<Artifact>;
  open(artifact: Artifact): AsyncIterable<Uint8Array>;
  /** Reads a whole small artifact by key, without a reference to check it by; `undefined` when absent. */
  readSmall(key: string): Promise<Uint8Array | undefined>;
  /** Keys that start with `prefix`, sorted. */
  list(prefix: string): Promise<string[]>;
  /** Removes a key; absent is fine. */
  remove(key: string): Promise<void>;
  /**
   * Takes away what writers that died left under a folder: beginnings that no key shows, and empty folders. Only where
   * nobody writes any more.
   */
  tidy(folder: string): Promise<void>;
  /** Bytes that can still be written, or `undefined` when the store cannot know. */
  freeBytes(): Promise<number | undefined>;
}
