import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { fileKeyOf, HEADER_END, newHeader } from './age-header.ts';

/**
 * Files of age (https://age-encryption.org/v1), so that a stock `age` opens what we wrote when we are gone. What wraps a
 * file's key is typage's work; the payload is done by OpenSSL, which is many times as fast.
 */

/** Section "Payload" of the specification: chunks of 64 KiB under ChaCha20-Poly1305, numbered, the last one marked. */
const CHUNK = 1 << 16;
const TAG = 16;
const FILE_NONCE = 16;
const KEY = 32;
const CIPHER = 'chacha20-poly1305';
/** A header has three lines for every recipient; one longer than this is none. */
const LONGEST_HEADER = 1 << 16;

type Bytes = AsyncIterable<Uint8Array>;

/** What was read is no file of age, was cut short, or was changed. The message goes on from the name of the file. */
export class BrokenAge extends Error {
  override readonly name = 'BrokenAge';
}

/** Encrypts for every recipient alike. @param recipients public keys that are known to be good */
export async function* encryptAge(recipients: readonly string[], data: Bytes): AsyncGenerator<Uint8Array> {
  const { header, fileKey } = await newHeader(recipients);
  const nonce = randomBytes(FILE_NONCE);
  yield Buffer.concat([header, nonce]);
  const payload = new Payload(fileKey, nonce);
  for await (const chunk of cut(data, CHUNK)) yield* payload.seal(chunk);
}

/**
 * Decrypts with whichever identity fits. What comes out is proven to be what was put in; that nothing is missing at the end
 * is proven at the end.
 * @throws BrokenAge; NoIdentity when none fits
 */
export async function* decryptAge(identities: readonly string[], data: Bytes): AsyncGenerator<Uint8Array> {
  const source = data[Symbol.asyncIterator]();
  try {
    const { header, rest } = await readHeader(source);
    const fileKey = await fileKeyOf(identities, header);
    const { nonce, body } = await readNonce(rest, source);
    const payload = new Payload(fileKey, nonce);
    for await (const chunk of cut(body, CHUNK + TAG)) yield payload.open(chunk);
  } finally {
    await source.return?.();
  }
}

/** One chunk, in the pieces that it came in: joining them would cost as much as encrypting them. */
interface Chunk {
  readonly parts: readonly Uint8Array[];
  readonly last: boolean;
}

/** Full chunks, and the last, full or not: only the end tells that it was the last, so each waits for the byte behind it. */
async function* cut(data: Bytes, size: number): AsyncGenerator<Chunk> {
  const waiting: Uint8Array[] = [];
  let length = 0;
  for await (const piece of data) {
    if (piece.length === 0) continue;
    waiting.push(piece);
    for (length += piece.length; length > size; length -= size) {
      const parts = takeFrom(waiting, size);
      yield { parts, last: false };
    }
  }
  yield { parts: waiting, last: true };
}

/** Takes so many bytes off the front. */
function takeFrom(waiting: Uint8Array[], size: number): Uint8Array[] {
  const taken: Uint8Array[] = [];
  for (let missing = size; missing > 0;) {
    const piece = waiting[0];
    if (!piece) break;
    taken.push(piece.subarray(0, missing));
    if (piece.length > missing) waiting[0] = piece.subarray(missing);
    else waiting.shift();
    missing -= Math.min(missing, piece.length);
  }
  return taken;
}

class Payload {
  readonly #key: Uint8Array;
  readonly #nonce = Buffer.alloc(12);
  #count = 0;

  constructor(fileKey: Uint8Array, nonce: Uint8Array) {
    this.#key = new Uint8Array(hkdfSync('sha256', fileKey, nonce, 'payload', KEY));
  }

  *seal({ parts, last }: Chunk): Generator<Uint8Array> {
    const cipher = createCipheriv(CIPHER, this.#key, this.#next(last), { authTagLength: TAG });
    for (const part of parts) yield cipher.update(part);
    cipher.final();
    yield cipher.getAuthTag();
  }

  open({ parts, last }: Chunk): Uint8Array {
    const chunk = parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
    // An empty chunk is good only as the only one.
    if (chunk.length < TAG || (chunk.length === TAG && this.#count > 0)) throw new BrokenAge('was cut short');
    const decipher = createDecipheriv(CIPHER, this.#key, this.#next(last), { authTagLength: TAG });
    decipher.setAuthTag(chunk.subarray(-TAG));
    const plain = decipher.update(chunk.subarray(0, -TAG));
    try {
      decipher.final();
    } catch (error) {
      throw new BrokenAge(`was changed or cut short, in piece ${this.#count}`, { cause: error });
    }
    return plain;
  }

  /** Eleven bytes of number and one that marks the last. 2^32 chunks are 281 TB. */
  #next(last: boolean): Uint8Array {
    this.#nonce.writeUInt32BE(this.#count, 7);
    this.#nonce[11] = last ? 1 : 0;
    this.#count += 1;
    return this.#nonce;
  }
}

async function readHeader(source: AsyncIterator<Uint8Array>): Promise<{ header: Uint8Array; rest: Uint8Array }> {
  let read = Buffer.alloc(0);
  while (read.length < LONGEST_HEADER) {
    const next = await source.next();
    if (next.done === true) break;
    read = Buffer.concat([read, next.value]);
    const end = HEADER_END.exec(read.toString('latin1', 0, LONGEST_HEADER));
    if (end) {
      const length = end.index + end[0].length;
      return { header: read.subarray(0, length), rest: read.subarray(length) };
    }
  }
  throw new BrokenAge('does not begin as a file of age does');
}

async function readNonce(
  rest: Uint8Array,
  source: AsyncIterator<Uint8Array>,
): Promise<{ nonce: Uint8Array; body: Bytes }> {
  let read = rest;
  while (read.length < FILE_NONCE) {
    const next = await source.next();
    if (next.done === true) throw new BrokenAge('was cut short');
    read = Buffer.concat([read, next.value]);
  }
  return { nonce: read.subarray(0, FILE_NONCE), body: followedBy(read.subarray(FILE_NONCE), source) };
}

async function* followedBy(first: Uint8Array, source: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first;
  for (let next = await source.next(); next.done !== true; next = await source.next()) yield next.value;
}
