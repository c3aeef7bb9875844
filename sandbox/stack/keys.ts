import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { writePrivate } from './home.ts';

/** Public keys of age for what a set holds encrypted, and the file of the private key that is kept in escrow. */
export interface AgeKeys {
  readonly recipients: readonly string[];
  readonly escrowFile: string;
}

/**
 * Two keys, as people should have: that of whoever is on call, and one in escrow, which verification uses. Made once, and
 * kept apart from the store: a set must never hold the key that opens it.
 */
export async function readAgeKeys(dir: string): Promise<AgeKeys> {
  const folder = join(dir, 'keys');
  mkdirSync(folder, { recursive: true });
  const recipients = [];
  for (const name of ['on-call', 'escrow']) recipients.push(await recipientOf(join(folder, `${name}.txt`)));
  return { recipients, escrowFile: join(folder, 'escrow.txt') };
}

async function recipientOf(file: string): Promise<string> {
  if (!existsSync(file)) writePrivate(file, `${await generateX25519Identity()}\n`);
  return identityToRecipient(readFileSync(file, 'utf8').trim());
}
