import { Decrypter, Encrypter } from 'age-encryption';

/** No identity at hand opens the file. */
export class NoIdentity extends Error {
  override readonly name = 'NoIdentity';
}

/** The last line of a header: what proves the rest of it. */
export const HEADER_END = /\n--- [A-Za-z0-9+/]{43}\n/;

/** What follows the header of an encrypted nothing: a nonce, and the proof of an empty chunk. */
const OF_NOTHING = 32;

/** A header for new content, and the key that is wrapped in it. The library tells that key only to recipients, so we are one. */
export async function newHeader(recipients: readonly string[]): Promise<{ header: Uint8Array; fileKey: Uint8Array }> {
  const encrypter = encrypterFor(recipients);
  let fileKey = new Uint8Array();
  encrypter.addRecipient({
    wrapFileKey: (key) => {
      fileKey = Uint8Array.from(key);
      return [];
    },
  });
  const nothing = await encrypter.encrypt(new Uint8Array());
  return { header: nothing.subarray(0, nothing.length - OF_NOTHING), fileKey };
}

/** @throws NoIdentity, or an error of the library for a header that was changed */
export async function fileKeyOf(identities: readonly string[], header: Uint8Array): Promise<Uint8Array> {
  const decrypter = decrypterWith(identities);
  try {
    return await decrypter.decryptHeader(header);
  } catch (error) {
    if (/no identity matched/.test(String(error))) throw new NoIdentity('no identity opens it', { cause: error });
    throw error;
  }
}

/** @throws Error for a recipient that is none */
export function encrypterFor(recipients: readonly string[]): Encrypter {
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  return encrypter;
}

/** @throws Error for an identity that is none */
export function decrypterWith(identities: readonly string[]): Decrypter {
  const decrypter = new Decrypter();
  for (const identity of identities) decrypter.addIdentity(identity);
  return decrypter;
}
