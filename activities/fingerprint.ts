import { hash } from 'node:crypto';

const HEX_DIGITS = 16;

/** Fingerprint of some content, as in `IndexEntry`: the first 64 bits of its SHA-256, in hex. */
export function fingerprint(content: string | Buffer): string {
  return hash('sha256', content, 'hex').slice(0, HEX_DIGITS);
}
