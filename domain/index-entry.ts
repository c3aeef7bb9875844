import type { PointId } from './point-id.ts';

/** What can be wrong with a stored vector by itself. */
export type VectorFault = 'size' | 'zero' | 'not-finite';

/**
 * One line of an id index: a point and three fingerprints of it, 16 hex digits each (the first 64 bits of a SHA-256; an
 * accidental change goes unseen once in 2^64), or '' where it was not read.
 *
 * - `text`: of what the point says (the chunk's text). Postgres knows it too, so the two stores can be compared by it.
 * - `body`: of the mapped payload fields and the vector's 32-bit floats: by it a write sees that a point is still what was
 *   assessed. It changes with every rightful edit, so it does not tell what is damaged.
 * - `vector`: of the vector's 32-bit floats alone. Only a recovery set knows what it should be. '' in sets of before it.
 */
export interface IndexEntry {
  readonly id: PointId;
  readonly text: string;
  readonly body: string;
  readonly vector: string;
  readonly fault?: VectorFault;
  /** The source section that the point says it belongs to. */
  readonly section?: string;
}

/** One chunk row as Postgres has it. */
export interface RowEntry {
  readonly id: PointId;
  readonly text: string;
  readonly section: string;
}

/** Sorted by `comparePointIds`, without duplicates, in batches so that a million entries do not cost a million awaits. */
export type Batches<T> = AsyncIterable<readonly T[]>;
