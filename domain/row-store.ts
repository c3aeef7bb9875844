import type { Batches, RowEntry } from './index-entry.ts';
import type { PointId } from './point-id.ts';

/** A chunk row with its text, for embedding it again. */
export interface ChunkRow {
  readonly id: PointId;
  readonly text: string;
  /** Fingerprint of `text`, as in `RowEntry`; '' when the row has no text. */
  readonly fingerprint: string;
  readonly source: string;
  /** Absent when no such column is configured, or it is NULL. */
  readonly index?: number;
  readonly hash?: string;
}

/** What the rest of the product may ask of the chunk rows. @throws POSTGRES_*, UNEXPECTED_SCHEMA, UNKNOWN_ID_TYPE */
export interface RowStore {
  /**
   * Every chunk row that has a point id, in `comparePointIds` order, as of one moment.
   * A row without a point id was never indexed, so it has no vector to lose.
   */
  readRows(signal?: AbortSignal): Batches<RowEntry>;
  /** The rows that exist among `ids` (at most 1,000), in no particular order. */
  readTexts(ids: readonly PointId[], signal?: AbortSignal): Promise<ChunkRow[]>;
}
