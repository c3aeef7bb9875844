import { randomBytes, randomInt, randomUUID } from 'node:crypto';

const ADJECTIVES = ['calm', 'cold', 'green', 'late', 'plain', 'quiet', 'round', 'silent', 'warm', 'young'];
const NOUNS = ['bird', 'brook', 'cloud', 'field', 'hill', 'lake', 'leaf', 'river', 'stone', 'wind'];

const pick = (words: readonly string[]): string => words[randomInt(words.length)] ?? '';

/** An identifier in Neon's form, such as `br-quiet-lake-3f9a1c20`. */
export function newId(prefix: 'br' | 'ep' | 'snap' | 'tl'): string {
  return `${prefix}-${pick(ADJECTIVES)}-${pick(NOUNS)}-${randomBytes(4).toString('hex')}`;
}

export const newUuid = (): string => randomUUID();
/** Hexadecimal: needs no quoting in URLs and SQL. */
export const newPassword = (): string => randomBytes(16).toString('hex');

/** This moment, as the API writes it. */
export const now = (): string => new Date().toISOString();
