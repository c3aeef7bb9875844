import { hash } from 'node:crypto';

/** Fingerprint of a text, as in `IndexEntry`: the first 64 bits of its SHA-256, in hex. */
export function textFingerprint(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 16);
}
