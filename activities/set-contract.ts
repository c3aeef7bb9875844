/** What taking and verifying recovery sets asks for, besides what `contract.ts` has. The same rules hold. */
import type { Artifact } from '../domain/artifacts.ts';
import type { ColdCopy } from '../domain/cold-copy.ts';
import type { Counts } from '../domain/damage.ts';
import type { Tally } from '../domain/reconcile.ts';
import type { RecoverySet } from '../domain/recovery-set.ts';
import type {
  Canary,
  ConfigurationPart,
  Drift,
  NeonBackup,
  OtherCollection,
  SnapshotPart,
  StorePart,
} from '../domain/set-parts.ts';
import type { Gate } from '../domain/verdict.ts';
import type { Verification } from '../domain/verification.ts';
import type { Resumable } from './contract.ts';

/** What belongs into a set here, and what the store was seen to enforce. */
export interface BackupPlan {
  readonly canary: boolean;
  readonly tolerance: number;
  /** Whether there are other nodes or other collections. */
  readonly others: boolean;
  readonly configuration: boolean;
  readonly neon: boolean;
  /** The cluster on Qdrant Cloud, where one is configured. */
  readonly cloud: { readonly accountId: string; readonly clusterId: string } | null;
  readonly store: StorePart;
}

/** A set to verify, or what is wrong with it before anything of it was read. */
export type PickedSet = { readonly id: string } & (
  { readonly set: RecoverySet; readonly manifestSha256: string; readonly why: string } | { readonly problem: string }
);

/** Taking a set. */
export interface BackupActivities {
  /**
   * Tells what belongs into a set, looks whether what it takes is there (pg_dump, the columns of the canary's row), and tries
   * out what the store enforces.
   * @throws INVALID_CONFIGURATION, UNEXPECTED_SCHEMA, POSTGRES_*, STORE_*
   */
  planBackup(): Promise<BackupPlan>;
  /** Plants the set's own paragraph among the vectors and as a file in the set. @throws EMBEDDINGS_*, QDRANT_*, STORE_* */
  plantCanary(input: { collection: string; setId: string; folder: string }): Promise<Omit<Canary, 'inRows'>>;
  /** Keeps some whole points aside. */
  captureSample(input: { collection: string; folder: string; index: Artifact }): Promise<Artifact>;
  /** Snapshots of the same collection on the cluster's other nodes, and of the other collections that belong into a set. */
  captureOthers(
    input: { collection: string; folder: string } & Resumable,
  ): Promise<{ nodes: SnapshotPart[]; others: OtherCollection[] }>;
  /** What the set's parts disagree on, and what changed while it was taken. */
  compareParts(
    input: { collection: string; set: RecoverySet; folder: string } & Resumable,
  ): Promise<{ disagreements: Counts; tally: Tally; drift: Pick<Drift, 'points' | 'list'> }>;
  /** Removes everything of a set that was never finished. Absent is fine; a finished one stays. */
  discardSet(input: { setId: string }): Promise<{ removed: number }>;
  /** Removes what lost attempts left in a finished set's folder: nothing that its manifest names. */
  sweepSet(input: { set: RecoverySet }): Promise<{ removed: number }>;
}

/** Verifying a set. What a set itself is to blame for is a gate; what keeps us from looking is a failure. */
export interface VerificationActivities {
  /** @throws NO_RECOVERY_SET, SET_NOT_FOUND, STORE_* */
  pickSet(input: { setId?: string | undefined }): Promise<PickedSet>;
  /** Reads every object to its end and compares size and hash. Names all that is wrong. */
  checkObjects(input: { set: RecoverySet } & Resumable): Promise<Gate[]>;
  /** Brings the set's snapshot up where snapshots are tried out. @throws RESTORE_INCOMPLETE, SET_TAMPERED, QDRANT_* */
  restoreSnapshot(input: { set: RecoverySet; scratch: string } & Resumable): Promise<{ points: number }>;
  /** Restores the snapshots of other nodes and collections one after the other, and counts what comes up. */
  checkOthers(input: { set: RecoverySet; scratch: string } & Resumable): Promise<Gate[]>;
  /** Configuration, exact count, every point by the index, some number by number. */
  checkRestored(input: { set: RecoverySet; scratch: string } & Resumable): Promise<Gate[]>;
  /** Golden questions on the restored vectors, the canary, and the set's vectors against its rows. */
  checkTogether(input: { set: RecoverySet; scratch: string } & Resumable): Promise<Gate[]>;
  /** Takes a restored snapshot away again. */
  dropRestored(input: { scratch: string }): Promise<void>;
  /** Collections that runs made and that are still there, where snapshots are tried out. */
  listRestored(): Promise<string[]>;
  /** Puts the record beside the manifest. Twice the same one is one. `instead`: the set that a recovery would take now. */
  recordVerification(input: { record: Verification }): Promise<{ record: Artifact; instead?: string | undefined }>;
}

/** Neon's own way of keeping a state: a branch, which costs nothing until it differs. */
export interface NeonBackupActivities {
  /**
   * Branches the configured branch as it is now, with a name and an expiry that tell the set; what a lost answer left is
   * found by the name. Limits are looked at before.
   * @throws NEON_*
   */
  createBackupBranch(input: { setId: string } & Resumable): Promise<NeonBackup>;
  /** Removes the branch of a set. Absent is fine. */
  removeBackupBranch(input: { setId: string }): Promise<void>;
  /** Neon's own snapshot schedule beside what is declared. */
  checkSnapshotSchedule(): Promise<Gate[]>;
}

/** Postgres' side of sets. */
export interface DatabaseSetActivities {
  /** Rows of every configured table now, by table. */
  countRows(): Promise<Record<string, number>>;
  /** The canary's row, always the same one. @throws INVALID_CONFIGURATION for columns that would have no value */
  plantCanaryRow(input: { pointId: string; text: string; section: string }): Promise<void>;
  /** Brings the dump up in a database of its own. @throws SET_TAMPERED, POSTGRES_*, DISK_SHORT */
  restoreDumpBeside(input: { set: RecoverySet; scratch: string } & Resumable): Promise<void>;
  /** Structure, constraints, counts, fingerprints, the row index and the canary of a restored database. */
  checkRestoredDump(input: { set: RecoverySet; scratch: string } & Resumable): Promise<Gate[]>;
  dropScratchDatabase(input: { scratch: string }): Promise<void>;
  /** Databases that runs made and that are still there. */
  listScratchDatabases(): Promise<string[]>;
}

/** The app's configuration in sets. */
export interface ConfigurationActivities {
  /** @throws CONFIGURATION_REFUSED, STORE_* */
  captureConfiguration(input: { folder: string }): Promise<ConfigurationPart>;
  /** Whether the escrowed key opens what a set holds encrypted. */
  checkKeyCanary(input: { set: RecoverySet }): Promise<Gate[]>;
}

/** Copies of the storage folder of a Qdrant that is stopped. */
export interface ColdCopyActivities {
  /** The environment that is worked for, compared with the mark in Postgres where there is one. @throws WRONG_ENVIRONMENT, UNMARKED_ENVIRONMENT */
  openColdCopy(): Promise<{ environment: string }>;
  /** @throws QDRANT_RUNNING, INVALID_CONFIGURATION, STORE_*, DISK_FULL */
  copyColdStorage(input: { id: string; takenAt: string } & Resumable): Promise<ColdCopy>;
}
