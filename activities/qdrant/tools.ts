import type { PointId } from '../../domain/point-id.ts';
import type { ArtifactStore } from '../../domain/artifacts.ts';
import type { QdrantConnection } from './client.ts';
import type { Mapping } from './fingerprint.ts';

/** How long to wait where only waiting can tell, in milliseconds. */
export interface Patience {
  /** For a snapshot to be made. */
  readonly snapshotMs: number;
  /** For an archive to be sent and restored. */
  readonly restoreMs: number;
  /** For a payload index to be built. */
  readonly indexMs: number;
  /** After a lost answer: for what was asked to show up after all. */
  readonly lookMs: number;
  /** Between two looks. */
  readonly pollMs: number;
  /** For an optimizer whose state does not change. */
  readonly stallMs: number;
  /** Archive names have a resolution of one second: the pause between two of one collection. */
  readonly betweenSnapshotsMs: number;
}

export const PATIENCE: Patience = {
  snapshotMs: 30 * 60_000,
  restoreMs: 60 * 60_000,
  indexMs: 30 * 60_000,
  lookMs: 10 * 60_000,
  pollMs: 1_000,
  stallMs: 30 * 60_000,
  betweenSnapshotsMs: 1_100,
};

/** What every Qdrant activity works with. */
export interface Tools {
  readonly connection: QdrantConnection;
  readonly store: ArtifactStore;
  readonly mapping: Mapping;
  readonly patience: Patience;
  /** Which of these points have a chunk row now; absent for a stack without rows. */
  readonly rowsAmong?: ((ids: readonly PointId[], signal: AbortSignal) => Promise<ReadonlySet<PointId>>) | undefined;
}
