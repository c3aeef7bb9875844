import type { QdrantCloudConfig } from '../../config/qdrant-cloud.ts';
import type { QdrantCloudClient } from './client.ts';

/** How long to wait where only waiting can tell, in milliseconds. */
export interface Patience {
  /** For one answer of the API. */
  readonly answerMs: number;
  /** For a backup to be made: a first one of a large cluster copies every volume. */
  readonly backupMs: number;
  /** After a lost answer: for what was asked to show up after all. */
  readonly lookMs: number;
  /** For a cluster to wake. */
  readonly wakeMs: number;
  /** Between two looks. */
  readonly pollMs: number;
}

export const PATIENCE: Patience = {
  answerMs: 30_000,
  backupMs: 4 * 3_600_000,
  lookMs: 60_000,
  wakeMs: 30 * 60_000,
  pollMs: 5_000,
};

/** What every activity of this system works with. */
export interface Tools {
  readonly config: QdrantCloudConfig;
  readonly client: QdrantCloudClient;
  readonly patience: Patience;
}
