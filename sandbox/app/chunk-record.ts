import { createHash } from 'node:crypto';
import { type Chunk, chunkMarkdown } from '../../domain/chunking.ts';

/** A chunk as both stores keep it. */
export interface ChunkRecord {
  /** Point id in Qdrant, primary key in Postgres. */
  readonly id: string;
  readonly source: string;
  readonly heading: string;
  readonly chunkIndex: number;
  readonly text: string;
  /** SHA-256 of the text, in hex. */
  readonly contentHash: string;
}

/** Namespace of the ids. Any fixed UUID does; another one would give every chunk another id. */
const NAMESPACE = Buffer.from('3f0c9a5e7d1b4c2e9a8f6b5d4e3c2b1a', 'hex');

/** UUID version 5 (RFC 9562) of a chunk's place: ingesting again overwrites instead of adding. */
export function chunkIdOf(source: string, chunkIndex: number): string {
  const bytes = createHash('sha1').update(NAMESPACE).update(`${source}#${chunkIndex}`).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

export function toRecord({ source, index, heading, text }: Chunk): ChunkRecord {
  const contentHash = createHash('sha256').update(text).digest('hex');
  return { id: chunkIdOf(source, index), source, heading, chunkIndex: index, text, contentHash };
}

/** The chunks of one document. */
export function recordsOf(file: string, markdown: string): ChunkRecord[] {
  return chunkMarkdown(file, markdown).map(toRecord);
}
