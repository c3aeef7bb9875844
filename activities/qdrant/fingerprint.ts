import type { QdrantConfig } from '../../config/schema.ts';
import type { IndexEntry, VectorFault } from '../../domain/index-entry.ts';
import type { EmbeddingIdentity } from '../../domain/recovery-set.ts';
import { fingerprint } from '../fingerprint.ts';
import { parseExact, stringifyExact } from './exact-json.ts';
import { property } from './failure.ts';
import type { PointBytes } from './json-bytes.ts';

/** Which payload fields and which vector the fingerprints are made of. */
export interface Mapping {
  readonly fields: QdrantConfig['fields'];
  readonly embedding: EmbeddingIdentity;
}

/** Part of every body: their order must never change, or old id indexes would disagree with new ones. */
const BODY_FIELDS = ['text', 'source', 'chunkId', 'chunkIndex', 'contentHash'] as const;

/** The id index entry of a point that was read with payload and vector. */
export function entryOf(point: PointBytes, mapping: Mapping): IndexEntry {
  const payload = payloadOf(point);
  const vector = vectorOf(point, mapping.embedding.vectorName);
  // Typed arrays have the machine's byte order; every machine that Node runs on here is little-endian.
  const floats = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
  const fault = faultOf(vector, mapping.embedding.dimensions);
  const text = fieldOf(payload, mapping.fields.text);
  const section = sectionOf(payload, mapping.fields.source);
  return {
    id: point.id,
    // A point that lost its text has the fingerprint of '', which no row agrees with; '' would agree with all.
    text: fingerprint(typeof text === 'string' ? text : ''),
    body: bodyFingerprint(payload, floats, mapping.fields),
    vector: fingerprint(floats),
    ...(fault && { fault }),
    ...(section !== '' && { section }),
  };
}

/** The same of a point that was read without its vector: what that would tell is ''. */
export function textEntryOf(point: PointBytes, { fields }: Mapping): IndexEntry {
  const payload = payloadOf(point);
  const text = fieldOf(payload, fields.text);
  const section = sectionOf(payload, fields.source);
  const said = fingerprint(typeof text === 'string' ? text : '');
  return { id: point.id, text: said, body: '', vector: '', ...(section !== '' && { section }) };
}

export function payloadOf(point: PointBytes): Record<string, unknown> {
  const payload = point.payload ? parseExact(point.payload.toString('utf8')) : undefined;
  return typeof payload === 'object' && payload !== null ? (payload as Record<string, unknown>) : {};
}

/** A payload field by its dotted path; a key that itself holds dots wins. */
function fieldOf(payload: unknown, path: string): unknown {
  const whole = property(payload, path);
  if (whole !== undefined) return whole;
  return path.split('.').reduce(property, payload);
}

/** The source section that a payload names; '' when it names none. */
export function sectionOf(payload: unknown, path: string): string {
  const section = fieldOf(payload, path);
  return typeof section === 'string' || typeof section === 'number' ? String(section) : '';
}

/**
 * The mapped fields in their fixed order as canonical JSON, a zero byte, then the vector's 32-bit floats. The floats are
 * hashed here once more, rather than their fingerprint: undo compares bodies with those of sets that have no other.
 */
function bodyFingerprint(payload: unknown, floats: Buffer, fields: Mapping['fields']): string {
  const values = BODY_FIELDS.map((name) => {
    const path = fields[name];
    return path === undefined ? null : canonical(fieldOf(payload, path));
  });
  return fingerprint(Buffer.concat([Buffer.from(stringifyExact(values)), Buffer.of(0), floats]));
}

/** Qdrant may give an object's keys in another order after a restore. */
export function canonical(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value ?? null;
  if (Array.isArray(value)) return value.map(canonical);
  const sorted = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([key, inner]) => [key, canonical(inner)]));
}

/** The configured vector. Qdrant gives a number that is too large for 32 bits back as null. */
export function vectorOf(point: PointBytes, name: string | undefined): Float32Array {
  const stored = point.vector ? (JSON.parse(point.vector.toString('latin1')) as unknown) : undefined;
  const chosen = name === undefined ? stored : property(stored, name);
  const numbers: readonly unknown[] = Array.isArray(chosen) ? chosen : [];
  const vector = new Float32Array(numbers.length);
  // Plain loops: this runs for every number of every point, and `from` with a function takes three times as long.
  for (let i = 0; i < numbers.length; i += 1) {
    const value = numbers[i];
    vector[i] = typeof value === 'number' ? value : Number.NaN;
  }
  return vector;
}

function faultOf(vector: Float32Array, dimensions: number): VectorFault | undefined {
  if (vector.length !== dimensions) return 'size';
  // Sums of 32-bit numbers never overflow 64 bits, so the sum of sizes is finite when each is, and 0 when each is.
  let sum = 0;
  for (let i = 0; i < vector.length; i += 1) sum += Math.abs(vector[i] ?? 0);
  if (!Number.isFinite(sum)) return 'not-finite';
  return sum === 0 ? 'zero' : undefined;
}
