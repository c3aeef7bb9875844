import { createHash } from 'node:crypto';
import type { EncryptionConfig } from '../../config/store.ts';
import { type Artifact, type ArtifactStore, type Content, ENCRYPTED } from '../../domain/artifacts.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { decryptAge, encryptAge } from './age.ts';
import { encrypterFor } from './age-header.ts';
import { readIdentities } from './age-identities.ts';
import { tampered } from './refusals.ts';

/**
 * What stays in clear: what says which sets there are, what they consist of and how far they are to be trusted, and the
 * reports of runs. So sets can be listed, and their files compared with SHA256SUMS, without any key. None of it holds a
 * text, a row or a secret, and reports stand in Temporal's history in clear anyway.
 */
const CLEAR = [
  /(^|\/)manifest\.json$/,
  /(^|\/)SHA256SUMS$/,
  /(^|\/)verifications\//,
  /^runs\/.*\/report-[^/]*$/,
  // Encrypted already, for recipients of their own: a second lock would need two keys on the worst night.
  /\/configuration\/.*\.age$/,
];

/** Whether a key is written as it is although the store encrypts. */
export function staysClear(key: string): boolean {
  return CLEAR.some((rule) => rule.test(key));
}

/**
 * A store that encrypts with age what goes through it, for several recipients, into any other store. `put` answers with the
 * key plus `.age`, the hash and size of what lies there, and those of the content as `plain`; `open` proves both. Artifacts
 * that lie in clear are read as they are: encryption can be turned on at any time.
 * @param encryption `undefined` for a store that writes in clear, and then refuses to hand out what is encrypted
 * @throws INVALID_CONFIGURATION for recipients that are none
 */
export function createEncryptedStore(inner: ArtifactStore, encryption: EncryptionConfig | undefined): ArtifactStore {
  if (encryption) checkRecipients(encryption.recipients);
  return new EncryptedStore(inner, encryption);
}

class EncryptedStore implements ArtifactStore {
  readonly #inner: ArtifactStore;
  readonly #encryption: EncryptionConfig | undefined;

  constructor(inner: ArtifactStore, encryption: EncryptionConfig | undefined) {
    this.#inner = inner;
    this.#encryption = encryption;
  }

  async put(key: string, data: AsyncIterable<Uint8Array>): Promise<Artifact> {
    if (!this.#encryption || staysClear(key)) return this.#inner.put(key, data);
    const seen = new Meter();
    const artifact = await this.#inner.put(
      key + ENCRYPTED,
      encryptAge(this.#encryption.recipients, seen.through(data)),
    );
    return { ...artifact, plain: seen.content() };
  }

  async *open(artifact: Artifact): AsyncGenerator<Uint8Array> {
    const { key, plain } = artifact;
    if (!plain) {
      yield* this.#inner.open(artifact);
      return;
    }
    const seen = new Meter();
    yield* seen.through(this.#decrypt(key, this.#inner.open(artifact)));
    const { bytes, sha256 } = seen.content();
    if (bytes !== plain.bytes) throw tampered(key, `holds ${bytes} bytes when decrypted, not ${plain.bytes}`);
    if (sha256 !== plain.sha256) throw tampered(key, `has SHA-256 ${sha256} when decrypted, not ${plain.sha256}`);
  }

  /** By the key as it lies there, or as it was given to `put`. */
  async readSmall(key: string): Promise<Uint8Array | undefined> {
    if (staysClear(key)) return this.#inner.readSmall(key);
    const clear = key.endsWith(ENCRYPTED) ? undefined : await this.#inner.readSmall(key);
    if (clear) return clear;
    const name = key.endsWith(ENCRYPTED) ? key : key + ENCRYPTED;
    const sealed = await this.#inner.readSmall(name);
    if (!sealed) return undefined;
    const parts: Uint8Array[] = [];
    for await (const part of this.#decrypt(name, only(sealed))) parts.push(part);
    return Buffer.concat(parts);
  }

  /** Keys as they lie there: what is encrypted ends in `.age`. */
  list(prefix: string): Promise<string[]> {
    return this.#inner.list(prefix);
  }

  async remove(key: string): Promise<void> {
    await this.#inner.remove(key);
    if (!key.endsWith(ENCRYPTED) && !staysClear(key)) await this.#inner.remove(key + ENCRYPTED);
  }

  tidy(folder: string): Promise<void> {
    return this.#inner.tidy(folder);
  }

  freeBytes(): Promise<number | undefined> {
    return this.#inner.freeBytes();
  }

  async *#decrypt(key: string, sealed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const identities = await readIdentities(key, this.#encryption);
    try {
      yield* decryptAge(identities.keys, sealed);
    } catch (error) {
      if (error instanceof RecoveryError) throw error;
      if (error instanceof Error && error.name === 'NoIdentity') throw identities.wrong(error);
      throw tampered(key, error instanceof Error ? error.message : String(error));
    }
  }
}

/** Hashes and counts what goes through. */
class Meter {
  readonly #hash = createHash('sha256');
  #bytes = 0;

  async *through(data: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of data) {
      this.#hash.update(piece);
      this.#bytes += piece.length;
      yield piece;
    }
  }

  content(): Content {
    return { sha256: this.#hash.copy().digest('hex'), bytes: this.#bytes };
  }
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function checkRecipients(recipients: readonly string[]): void {
  if (recipients.length === 0)
    throw new RecoveryError(
      'INVALID_CONFIGURATION',
      'store.encryption.recipients: must name at least one public key of age',
    );
  recipients.forEach((recipient, at) => {
    try {
      encrypterFor([recipient]);
    } catch (error) {
      throw new RecoveryError(
        'INVALID_CONFIGURATION',
        `store.encryption.recipients[${at}]: is no public key of age (mistyped or cut off)`,
        { cause: error },
      );
    }
  });
}
