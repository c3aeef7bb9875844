import { readFile } from 'node:fs/promises';
import type { EncryptionConfig } from '../../config/store.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { decrypterWith } from './age-header.ts';
import { hasCode } from './failures.ts';

/** The private keys at hand, and what to say when none of them fits. */
export interface Identities {
  readonly keys: readonly string[];
  wrong(cause: unknown): RecoveryError;
}

const SETTINGS = 'store.encryption.identityFile or STORE_AGE_IDENTITY';

/**
 * The identities that the settings name, read anew each time: a key that is kept elsewhere may be laid there only when it is
 * needed, and the worker need not start again for it.
 * @throws STORE_DENIED that names the artifact and the setting
 */
export async function readIdentities(key: string, encryption: EncryptionConfig | undefined): Promise<Identities> {
  const { identity, identityFile } = encryption ?? {};
  if (identity === undefined && identityFile === undefined)
    throw denied(key, `no identity is configured. Set ${SETTINGS} on the worker`);
  const fromFile = identityFile === undefined ? [] : await readIdentityFile(key, identityFile);
  const keys = [...(identity === undefined ? [] : [identity.reveal().trim()]), ...fromFile];
  const source = identityFile ?? 'STORE_AGE_IDENTITY';
  try {
    decrypterWith(keys);
  } catch (error) {
    // The library's message may quote the key.
    void error;
    throw denied(key, `${source} holds something that is no identity of age (AGE-SECRET-KEY-1…)`);
  }
  return {
    keys,
    wrong: (cause) =>
      denied(key, `no identity in ${source} opens it: it was encrypted for others. Use one of theirs`, cause),
  };
}

/** As age-keygen writes it: a key a line, comments after #. */
async function readIdentityFile(key: string, path: string): Promise<string[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const what = hasCode(error, 'ENOENT') ? 'is not there' : `cannot be read (${String(error)})`;
    throw denied(key, `the identity file ${path} ${what}. Put it there; store.encryption.identityFile names it`, error);
  }
  const keys = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (keys.length === 0) throw denied(key, `the identity file ${path} holds no key`);
  return keys;
}

function denied(key: string, what: string, cause?: unknown): RecoveryError {
  return new RecoveryError('STORE_DENIED', `artifact ${key} is encrypted, and ${what}`, { cause });
}
