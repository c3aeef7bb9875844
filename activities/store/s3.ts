import { createHash, randomUUID } from 'node:crypto';
import type { S3Config } from '../../config/store.ts';
import type { Artifact, ArtifactStore } from '../../domain/artifacts.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { sleep } from '../sleep.ts';
import { isKey } from './keys.ts';
import { exists, outside, tampered } from './refusals.ts';
import { Bucket } from './s3-client.ts';
import { isTaken, isUnknown, readError } from './s3-errors.ts';
import { readObject } from './s3-read.ts';
import { removeObject } from './s3-remove.ts';

/** Metadata of an object. The first is a number of the put's own, by which it knows its work again when the answer was lost. */
const PUT_ID = 'put-id';
const SHA256 = 'sha256';
/** Lost answers are looked for this often: the request may arrive after the first look. */
const LOOKS = 3;
const LOOK_EVERY_MS = 300;

/** An artifact store in a bucket of S3, or of a server that speaks like it. */
export function createS3Store(config: S3Config): ArtifactStore {
  return new S3Store(new Bucket(config), config.prefix);
}

/** What stands before every name: `folder/`, or nothing. */
export function folderOf(prefix: string): string {
  return prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
}

class S3Store implements ArtifactStore {
  readonly #bucket: Bucket;
  readonly #folder: string;

  constructor(bucket: Bucket, prefix: string) {
    this.#bucket = bucket;
    this.#folder = folderOf(prefix);
  }

  async put(key: string, data: AsyncIterable<Uint8Array>): Promise<Artifact> {
    const name = this.#nameOf(key);
    // Where the server does not refuse to overwrite, this is all there is; and it spares sending what will be refused.
    if (await this.#bucket.has(name)) throw exists(key);
    const sending = new Sending(data);
    try {
      await this.#bucket.upload(name, sending.bytes(), sending.metadata);
    } catch (error) {
      if (sending.failure) throw sending.failure.error;
      await this.#settle(key, name, sending, error);
    }
    return { key, sha256: sending.sha256, bytes: sending.size };
  }

  async *open(artifact: Artifact): AsyncGenerator<Uint8Array> {
    if (!isKey(artifact.key)) throw tampered(artifact.key, 'is not a name inside the store');
    const hash = createHash('sha256');
    for await (const piece of readObject(this.#bucket, this.#nameOf(artifact.key), artifact)) {
      hash.update(piece);
      yield piece;
    }
    const found = hash.digest('hex');
    if (found !== artifact.sha256) throw tampered(artifact.key, `has SHA-256 ${found}, not ${artifact.sha256}`);
  }

  async readSmall(key: string): Promise<Uint8Array | undefined> {
    const name = this.#nameOf(key);
    const found = await this.#bucket.get(name);
    if (!found) return undefined;
    try {
      const parts: Uint8Array[] = [];
      for await (const part of found.body) parts.push(part);
      return Buffer.concat(parts);
    } catch (error) {
      throw this.#bucket.failure(error, { what: `reading ${name}`, permission: 's3:GetObject' });
    }
  }

  async list(prefix: string): Promise<string[]> {
    if (prefix.split('/').includes('..')) throw outside(prefix);
    const keys: string[] = [];
    for await (const names of this.#bucket.names(this.#folder + prefix)) {
      keys.push(...names.map((name) => name.slice(this.#folder.length)).filter(isKey));
    }
    return keys.sort();
  }

  async remove(key: string): Promise<void> {
    await removeObject(this.#bucket, key, this.#nameOf(key));
  }

  async tidy(folder: string): Promise<void> {
    if (!isKey(folder)) throw outside(folder);
    await this.#bucket.giveUpUploads(`${this.#folder}${folder}/`);
  }

  /** A bucket has no size of its own; a quota shows when it is reached. */
  freeBytes(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  /**
   * After a failure: a put whose answer was lost was carried out when what is there carries its own number.
   * @throws the failure of the put, when it was not
   */
  async #settle(key: string, name: string, { id, size }: Sending, error: unknown): Promise<void> {
    const seen = readError(error);
    const doubtful = isUnknown(seen) || isTaken(seen) || seen.status === 404 || seen.status === 409;
    const failure = this.#bucket.failure(error, { what: `writing ${key}`, permission: 's3:PutObject' });
    if (!doubtful) throw failure;
    const found = await this.#look(name, isUnknown(seen) ? LOOKS : 1).catch((unknown: unknown) => {
      throw new RecoveryError('STORE_UNREACHABLE', `${failure.message}; whether it was written is not known`, {
        cause: unknown,
      });
    });
    if (found?.metadata[PUT_ID] === id && found.bytes === size) return;
    throw found && (isTaken(seen) || seen.status === 409) ? exists(key) : failure;
  }

  async #look(name: string, times: number): ReturnType<Bucket['head']> {
    const found = await this.#bucket.head(name);
    if (found !== undefined || times <= 1) return found;
    await sleep(LOOK_EVERY_MS);
    return this.#look(name, times - 1);
  }

  #nameOf(key: string): string {
    if (!isKey(key)) throw outside(key);
    return this.#folder + key;
  }
}

/** Bytes on their way, what is known of them so far, and whether it was they that failed. */
class Sending {
  readonly id = randomUUID();
  /** What goes with the object. The hash is known in time only for what is sent in one piece. */
  readonly metadata: Record<string, string> = { [PUT_ID]: this.id };
  size = 0;
  sha256 = '';
  failure: { readonly error: unknown } | undefined;
  readonly #data: AsyncIterable<Uint8Array>;

  constructor(data: AsyncIterable<Uint8Array>) {
    this.#data = data;
  }

  async *bytes(): AsyncGenerator<Uint8Array> {
    const hash = createHash('sha256');
    try {
      for await (const piece of this.#data) {
        hash.update(piece);
        this.size += piece.length;
        yield piece;
      }
    } catch (error) {
      this.failure = { error };
      throw error;
    }
    this.sha256 = hash.digest('hex');
    this.metadata[SHA256] = this.sha256;
  }
}
