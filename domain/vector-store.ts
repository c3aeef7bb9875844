import type { Batches, IndexEntry } from './index-entry.ts';
import type { PointId } from './point-id.ts';

/**
 * `ids`: which points exist, fingerprints ''. `text`: what they say and where it belongs, without vectors, which are most of
 * the bytes. `content`: payload and vector are read, fingerprinted and judged.
 */
export type Depth = 'content' | 'text' | 'ids';

/** A stored point without its vector, and the entry that an id index would have for it now. */
export interface StoredPoint {
  readonly id: PointId;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly entry: IndexEntry;
}

/** A point to write, and what it may replace. */
export interface PointWrite {
  readonly id: PointId;
  readonly vector: readonly number[];
  readonly payload: Readonly<Record<string, unknown>>;
  /** Fingerprint of the text in `payload`: a point that already has it (and no fault) counts as written. */
  readonly text: string;
  /** Body fingerprint that may be overwritten; '' writes only where there is no point. */
  readonly live: string;
}

/** A search result, best first. */
export interface Hit {
  readonly id: PointId;
  readonly score: number;
  /** Source section in the payload; '' when the point has none. */
  readonly section: string;
}

/**
 * What the rest of the product may ask of the vector store. Every method takes a collection or alias name, has its own
 * deadline, and throws `QDRANT_*` failures; a cancelled signal rejects with the signal's reason.
 */
export interface VectorStore {
  /** The whole collection in `comparePointIds` order. @throws UNKNOWN_ID_TYPE when an id is not of the configured kind */
  readIndex(collection: string, depth: Depth, signal?: AbortSignal): Batches<IndexEntry>;
  /** The points that exist among `ids` (at most 1,000), in no particular order. */
  retrieve(collection: string, ids: readonly PointId[], signal?: AbortSignal): Promise<StoredPoint[]>;
  /**
   * Writes points (at most 1,000) and waits until they are visible. Never over something newer: a point is replaced only
   * while its body still is `live`. `written` counts the ones that are as wanted, `newer` the ones left alone.
   */
  writePoints(
    collection: string,
    points: readonly PointWrite[],
    signal?: AbortSignal,
  ): Promise<{ written: number; newer: number }>;
  /** Nearest points, exact search (no index involved), so that the answer is the same on every run. */
  query(collection: string, vector: readonly number[], limit: number, signal?: AbortSignal): Promise<Hit[]>;
  /** Exact number of points. */
  count(collection: string, signal?: AbortSignal): Promise<number>;
  /** The collection that a name stands for. @throws QDRANT_REFUSED when there is neither such an alias nor collection */
  resolveCollection(name: string): Promise<string>;
  /** Name of the environment that the collection's metadata carries (`dr_environment`), or `undefined`. */
  readEnvironmentMark(collection: string): Promise<string | undefined>;
  writeEnvironmentMark(collection: string, environment: string): Promise<void>;
}
