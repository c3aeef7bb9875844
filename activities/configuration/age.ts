import { Decrypter, Encrypter, identityToRecipient } from 'age-encryption';

/** The only file here that knows age (https://age-encryption.org/v1): a stock `age` opens what it writes. */

/** What stands in a private key of age, in either case, with or without the post-quantum mark. */
const IDENTITY = /AGE-SECRET-KEY-(?:PQ-)?1[02-9AC-HJ-NP-Z]{20,}/gi;

/** Whether a text is a public key of age, checksum included. */
export function isRecipient(text: string): boolean {
  try {
    new Encrypter().addRecipient(text);
    return true;
  } catch {
    return false;
  }
}

/** Every private key that stands somewhere in a text. Bech32 is written in one case throughout; the library wants capitals. */
export function identitiesIn(text: string): string[] {
  return [...text.matchAll(IDENTITY)].map(([found]) => found.toUpperCase());
}

/** The public key of a private one, or `undefined` for a text that only looks like one. */
export async function recipientOf(identity: string): Promise<string | undefined> {
  // The library's message may quote the key, so it goes no further.
  return identityToRecipient(identity).catch(() => undefined);
}

/** Encrypts for every recipient alike; never twice the same bytes. */
export function seal(recipients: readonly string[], plain: Uint8Array): Promise<Uint8Array> {
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  return encrypter.encrypt(plain);
}

/** What opening came to: the content, or why there is none. */
export type Opened = { readonly plain: Uint8Array } | { readonly problem: 'no-identity-fits' | 'broken' };

/** @param identities private keys that are known to be some */
export async function unseal(identities: readonly string[], sealed: Uint8Array): Promise<Opened> {
  const decrypter = new Decrypter();
  for (const identity of identities) decrypter.addIdentity(identity);
  try {
    return { plain: await decrypter.decrypt(sealed) };
  } catch (error) {
    return { problem: /no identity matched/.test(String(error)) ? 'no-identity-fits' : 'broken' };
  }
}
