/**
 * What workflows may ask for, and nothing else: the interfaces that the activity factories fulfil and that workflows see
 * by `import type`. Names carry their noun, since Temporal registers them in one flat list. Every argument and result is
 * plain JSON, small, and free of secrets; bulk data goes through the store by reference.
 */
import type { Artifact, ListRef } from '../domain/artifacts.ts';
import type { Damage } from '../domain/damage.ts';
import type { RecoverySet } from '../domain/recovery-set.ts';
import type { RunReport } from '../domain/report.ts';
import type { Removed } from '../domain/retention-plan.ts';
import type { Removal, Retention } from '../domain/retention.ts';
import type { Initiator, RunSettings } from '../domain/settings.ts';
import type { ShapeDifference } from '../domain/shape.ts';
import type { Gate } from '../domain/verdict.ts';
import type { AppServerActivities } from './app-contract.ts';
import type { ClusterActivities } from './cluster-contract.ts';
import type { DiscoveryActivities } from './discovery-contract.ts';
import type { QdrantCloudActivities } from './qdrant-cloud-contract.ts';
import type { PostgresRecoveryActivities } from './postgres-contract.ts';
import type { ReindexActivities } from './reindex-contract.ts';
import type {
  BackupActivities,
  ColdCopyActivities,
  ConfigurationActivities,
  DatabaseSetActivities,
  NeonBackupActivities,
  VerificationActivities,
} from './set-contract.ts';

/** Progress of a long activity: heartbeat details, and where the next attempt goes on. */
export interface Progress {
  /** What is being done, for the person who reads the heartbeat. */
  readonly phase: string;
  readonly done: number;
  readonly total: number;
  /** Opaque: only the activity that wrote it reads it. */
  readonly cursor?: string | undefined;
}

/** Long activities take the progress of the attempt before, when there was one. */
export interface Resumable {
  readonly resume?: Progress | undefined;
}

/** Writes counted by what happened to each point. */
export interface RepairCounts {
  readonly written: number;
  /** Left alone because somebody changed it after the assessment: newer data is never overwritten. */
  readonly newer: number;
}

export interface RunActivities {
  /**
   * Opens a run: reads the environment's name inside every store and compares it with the worker's, resolves the
   * collection's name, and tells the settings that the run goes by. A store that is `damaged` may not answer; when it does, its
   * name must be the right one. Where a damaged Qdrant cannot say what the collection's name stands for, it stands for itself.
   * @throws WRONG_ENVIRONMENT, UNMARKED_ENVIRONMENT, UNEXPECTED_SCHEMA
   */
  openRun(input?: {
    damaged?: 'postgres' | 'qdrant' | undefined;
  }): Promise<{ settings: RunSettings; initiator: Initiator }>;
  /** The collection that the app's name stands for now. */
  resolveCollection(): Promise<{ collection: string }>;
  /** The run that holds the lease now, or null. */
  findLeaseHolder(input: { leaseId: string }): Promise<{ workflowId: string } | null>;
  /** Tells people. Never fails a recovery: problems are logged. */
  notify(input: { event: string; message: string; urgent: boolean }): Promise<void>;
  /** Writes the report beside the run's artifacts, as JSON and as Markdown. */
  publishReport(input: { report: RunReport }): Promise<{ json: Artifact; markdown: Artifact }>;
  /** Keeps a message that is ready to be sent to somebody, as a text file beside the run's artifacts. */
  publishMessage(input: { folder: string; name: string; subject: string; text: string }): Promise<Artifact>;
  /** Writes the environment's name into every store that has none. @throws WRONG_ENVIRONMENT when one has another */
  markEnvironment(): Promise<{ marked: string[] }>;
}

export interface SetActivities {
  /**
   * Picks the set to heal from and proves that it can be used: this environment, this embedding identity, this vector
   * shape, every artifact there with its hash.
   * @throws NO_RECOVERY_SET, SET_NOT_FOUND, SET_MISMATCH, SET_TAMPERED, STORE_UNREACHABLE
   */
  chooseRecoverySet(input: { setId?: string | undefined } & Resumable): Promise<{ set: RecoverySet; why: string }>;
  /** Moments after `after` at which the stack was probably well, the latest first: those of whole sets. @throws STORE_* */
  listMarks(input: { after: string }): Promise<{ at: string }[]>;
  /** Writes the manifest, which makes a set of what was only files until now. Last of all. */
  sealRecoverySet(input: { set: RecoverySet }): Promise<{ manifest: Artifact }>;
}

/** Taking away sets that are not needed any more. */
export interface RetentionActivities {
  /** What the policy keeps and lets go of what the store holds now, and why. Removes nothing. @throws STORE_* */
  planPrune(): Promise<Retention>;
  /**
   * Removes these sets, each only while it is this very manifest and still not needed: the manifest first, so that what is
   * half removed is no set any more. What the store locks is told and no failure. @throws STORE_*
   */
  removeSets(input: { sets: Pick<Removal, 'id' | 'manifestSha256'>[] } & Resumable): Promise<Removed>;
}

export interface QdrantActivities {
  /** Snapshot of a collection, streamed to the store, hashed on the way, compared with the server's checksum, removed there. */
  captureCollection(input: { collection: string; folder: string }): Promise<Artifact>;
  /** Configuration, aliases, exact count, version of the server and, in a cluster, the node that was asked. */
  describeCollection(input: {
    collection: string;
  }): Promise<Pick<RecoverySet['qdrant'], 'serverVersion' | 'peer' | 'points' | 'shape' | 'aliases'>>;
  /** Reads a whole collection into an id index in the store. */
  captureIndex(input: { collection: string; folder: string } & Resumable): Promise<{ index: Artifact; points: number }>;
  /**
   * Brings a snapshot up under a name of its own: checksum, `priority: snapshot`, exact count afterwards (when `points` tells it). Looks before it
   * repeats: a scratch collection that is already complete is adopted.
   * @throws RESTORE_INCOMPLETE, SET_TAMPERED, QDRANT_*
   */
  restoreBeside(
    input: { snapshot: Artifact; scratch: string; points?: number | undefined } & Resumable,
  ): Promise<{ points: number }>;
  /** Removes a collection that a run made for itself. Absent is fine; a name that is not a scratch name is refused. */
  dropScratch(input: { scratch: string }): Promise<void>;
  /** Copies the listed points from one collection to another; never over something newer than what was assessed. */
  copyPoints(input: { list: ListRef; from: string; to: string } & Resumable): Promise<RepairCounts>;
  /** Takes away the listed points that still are what was assessed. */
  dropPoints(input: { list: ListRef; from: string } & Resumable): Promise<RepairCounts>;
  /** Creates the payload indexes that the set recorded and the collection lacks; waits until they are there. */
  createIndexes(input: { collection: string; fields: Record<string, unknown> }): Promise<void>;
  /** Removes payload indexes (undo of `createIndexes`), or puts back the earlier one where there was one. */
  revertIndexes(input: { collection: string; fields: Record<string, unknown> }): Promise<void>;
  /** Differences between the collection and what the set recorded. */
  compareShape(input: { collection: string; set: RecoverySet }): Promise<ShapeDifference[]>;
  /**
   * Puts the listed points back to what they were before the run: what was absent is removed, what was there is copied
   * from `before` (the damaged state, restored beside). Points that somebody changed after the repair are left alone.
   */
  revertPoints(input: { lists: ListRef[]; collection: string; before: string } & Resumable): Promise<RepairCounts>;
  /** No key, a wrong key and a read-only key are each refused what they should be, on a collection that is there (default: the app's). */
  checkAccess(input?: { collection?: string | undefined }): Promise<Gate[]>;
}

export interface PostgresActivities {
  /** `pg_dump` of one consistent moment, streamed to the store, with that moment's LSN and row counts. */
  dumpDatabase(
    input: { folder: string; branchId?: string | undefined } & Resumable,
  ): Promise<NonNullable<RecoverySet['postgres']>>;
}

export interface StackActivities {
  /**
   * Reconciles Qdrant, Postgres and the recovery set; full lists go to the store. Without a set nothing can be copied from one.
   * `as` looks at no server: `set` compares what a restore of the set would bring with Postgres, `nothing` an empty collection.
   * @throws UNKNOWN_ID_TYPE, UNEXPECTED_SCHEMA, DISK_SHORT, QDRANT_*, POSTGRES_*, STORE_*
   */
  reconcileStack(
    input: {
      collection: string;
      set?: RecoverySet | undefined;
      depth: 'content' | 'ids';
      folder: string;
      as?: 'set' | 'nothing' | undefined;
      /** Rows that do not count: lines of a row index. */
      except?: ListRef | undefined;
    } & Resumable,
  ): Promise<Damage>;
  /** Embeds the listed points again from their source text and writes them; never over something newer. */
  reembedPoints(
    input: { list: ListRef; collection: string; scratch?: string | undefined } & Resumable,
  ): Promise<RepairCounts & { unavailable: number }>;
  /** Asks the golden questions of Qdrant and of the app, and keeps what came back. */
  captureGolden(input: { collection: string; folder: string }): Promise<Artifact>;
  /**
   * Golden questions of the given sections (all when empty) retrieve their sources, and the app's answers cite them, unless
   * it is to be left `withoutApp`: what stands beside is not what the app asks. Without a set, the configured questions count.
   */
  checkRetrieval(input: {
    collection: string;
    set?: RecoverySet | undefined;
    sections: string[];
    withoutApp?: boolean | undefined;
  }): Promise<Gate[]>;
}

export type RecoveryActivities = RunActivities &
  DiscoveryActivities &
  BackupActivities &
  ColdCopyActivities &
  VerificationActivities &
  NeonBackupActivities &
  DatabaseSetActivities &
  ConfigurationActivities &
  QdrantCloudActivities &
  SetActivities &
  RetentionActivities &
  QdrantActivities &
  PostgresActivities &
  PostgresRecoveryActivities &
  ClusterActivities &
  AppServerActivities &
  ReindexActivities &
  StackActivities;
