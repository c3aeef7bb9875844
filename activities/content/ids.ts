import { createHash } from 'node:crypto';
import { v5 } from 'uuid';
import type { ContentConfig } from '../../config/content.ts';
import type { Chunk } from '../../domain/chunking.ts';
import type { PointId } from '../../domain/point-id.ts';

/** How many bits of the hash an integer id takes. */
const BITS = { int64: 64n, int63: 63n, int53: 53n } as const;

/** The id of a chunk, by the rule that ingestion follows. The same chunk has the same id every time. */
export function chunkId({ scheme, namespace, name }: NonNullable<ContentConfig['ids']>, chunk: Chunk): PointId {
  const named = nameOf(name, chunk);
  if (scheme === 'uuid5') return v5(named, namespace ?? '');
  const first = createHash('sha256').update(named).digest().readBigUInt64BE();
  return (first >> (64n - BITS[scheme])).toString();
}

function nameOf(template: string, { source, index, heading, text }: Chunk): string {
  const hash = source.indexOf('#');
  const values: Record<string, string> = {
    file: source.slice(0, hash),
    section: source,
    slug: source.slice(hash + 1),
    heading,
    index: String(index),
    text,
  };
  // A function, since a text may hold what `replace` reads as a pattern.
  return template.replace(/\{\{(\w+)\}\}/g, (whole, key: string) => values[key] ?? whole);
}

/** The id of a chunk that has none yet and whose ingestion follows no rule that we know: derived from where it stands. */
export function ownId(kind: 'any' | 'uuid' | 'int', { source, index, text }: Chunk): PointId {
  const digest = createHash('sha256').update(`reindex/${source}#${index}\n${text}`).digest();
  // Integers stay within what JSON numbers can hold.
  if (kind === 'int') return (digest.readBigUInt64BE() >> 11n).toString();
  const hex = digest.toString('hex');
  // Version 8 of RFC 9562: an id of one's own making.
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
