/** What recovering Postgres asks for, besides what `contract.ts` has. The same rules hold. */
import type { ListRef } from '../domain/artifacts.ts';
import type { Carried, Expectation, Look, Moment, Place, Survey, TableDiff } from '../domain/database-state.ts';
import type { RecoverySet } from '../domain/recovery-set.ts';
import type { Gate } from '../domain/verdict.ts';
import type { RepairCounts, Resumable } from './contract.ts';

/** What Neon keeps of the app's branch. */
export interface NeonHistory {
  readonly projectId: string;
  readonly branchId: string;
  readonly branchName: string;
  /** Moments before this cannot be asked for (RFC 3339). */
  readonly from: string;
  /** When the branch was restored last; null for never. A plan is good only while this stays. */
  readonly lastResetAt: string | null;
  /** Set-backups and others that are children of the branch: a restore moves them to what is preserved. */
  readonly children: number;
  /** Why the branch cannot be restored in place; absent when it can. */
  readonly refusal?: string | undefined;
}

/** Neon's side of recovering Postgres. Branches of a run are called `recovery-<run>-<purpose>`. */
export interface NeonRecoveryActivities {
  /** @throws NEON_* */
  readNeonHistory(): Promise<NeonHistory>;
  /** Whether a branch is there and can be read, and when it was made. @throws NEON_* but for absence */
  findBranch(input: { branchId: string }): Promise<{ ready: boolean; createdAt?: string | undefined }>;
  /**
   * Makes a branch of a moment of the app's branch, with a compute. One of the name that is there is adopted. @throws NEON_*,
   * MOMENT_REFUSED for a moment outside the history
   */
  makeRecoveryBranch(input: { name: string; at: Moment } & Resumable): Promise<{ branchId: string }>;
  /** Removes the run's branches but those of `keep`. Absent is fine. @throws NEON_* */
  removeRecoveryBranches(input: { runId: string; keep: string[] } & Resumable): Promise<{ removed: string[] }>;
  /** Names of the run's branches that are there. @throws NEON_* */
  listRecoveryBranches(input: { runId: string }): Promise<string[]>;
  /**
   * Gives the app's branch the state of a moment of its own history, in place: id, computes and addresses stay, and what it was
   * goes on as the branch `preserveAs`. Looks first: when that branch is there, the restore was asked for already and is only
   * waited for. `lastResetAt` as it was when the plan was made. @throws NEON_*, MOMENT_REFUSED, STALE_PLAN
   */
  restoreBranch(
    input: { at: Moment; preserveAs: string; lastResetAt: string | null } & Resumable,
  ): Promise<{ preservedBranchId: string }>;
  /**
   * Undo of `restoreBranch`: the app's branch gets the state that `preserved` has, and what it was goes on as `keepAs`. Nothing
   * to do when `preserved` was never made. @throws NEON_*
   */
  putBranchBack(input: { preserved: string; keepAs: string } & Resumable): Promise<void>;
  /** Removes a preserved branch, or says why it stays (children that moved to it). Absent is fine. @throws NEON_* */
  releaseBranch(input: { name: string }): Promise<{ released: boolean; why?: string | undefined }>;
  /**
   * The app's own address opens the database again: roles and passwords are those of the restored moment, so one that was
   * changed since is set again. Wakes the compute. @throws NEON_*, POSTGRES_*
   */
  restoreLogin(input: Resumable): Promise<{ changed: boolean }>;
  /** Starts the app's compute anew, which ends every connection. @throws NEON_* */
  restartCompute(input: Resumable): Promise<void>;
}

/** Postgres' own side. */
export interface DatabaseRecoveryActivities {
  /**
   * Tables, keys, fingerprints, constraints and the environment's mark, of one moment. `missing` when the server is there and
   * the database is not. @throws POSTGRES_*
   */
  surveyDatabase(input: { place: Place } & Resumable): Promise<{ survey: Survey } | { missing: string }>;
  /** Row by row, from an earlier state to a later one. Tables that one of them lacks, or that have no key, are left out. @throws POSTGRES_*, STORE_* */
  compareDatabases(
    input: { earlier: Place; later: Place; tables: string[]; folder: string } & Resumable,
  ): Promise<TableDiff[]>;
  /**
   * Writes the rows of `from` that `to` does not have (and, for `updates`, those that differ) into `to`: parents before children, one
   * transaction for tables that belong together, never over what is there. A row that cannot be taken is left and told why.
   * Sequences go on after the highest of both. Doing it again changes nothing. @throws POSTGRES_*, STORE_*
   */
  carryRows(
    input: { from: Place; to: Place; tables: string[]; updates: string[]; folder: string } & Resumable,
  ): Promise<Carried[]>;
  /** Whether a state is as it must be. @throws POSTGRES_*, STORE_*, INVALID_INPUT when the predicate is no query of one boolean */
  checkState(input: { place: Place; expected: Expectation } & Resumable): Promise<Look>;
  /** Tables and indexes of the app's database by Postgres' own checker, where it is installed. @throws POSTGRES_* */
  checkStructure(input: Resumable): Promise<Gate[]>;
  /** Restores a set's dump into a database of its own on the app's server. Looks before it repeats. @throws SET_TAMPERED, DISK_SHORT, POSTGRES_* */
  restoreDatabase(input: { set: RecoverySet; database: string } & Resumable): Promise<void>;
  /** The same for a dump that was made by hand (`pg_dump > backup.sql`), of the configured folder. @throws as above, INVALID_INPUT */
  restorePlainDump(input: { file: string; database: string } & Resumable): Promise<void>;
  /**
   * Brings `database` up under the app's name, and what had that name goes on as `keepAs`; where there was none, there is none to
   * keep. Ends the connections to both. Settings and privileges of the old one are given to the new one; `left` names those that the
   * role may not give. Looks first: done already is done. @throws POSTGRES_*, STALE_PLAN, RESTORE_INCOMPLETE
   */
  swapDatabase(input: { database: string; keepAs: string }): Promise<{ kept: boolean; left?: string[] }>;
  /** Removes a database that a run made or kept. Absent is fine. @throws POSTGRES_*, INVALID_INPUT for any other name */
  dropDatabase(input: { database: string }): Promise<void>;
  /** Databases of runs that are there (`dr_restore_…`, `dr_before_…`). @throws POSTGRES_* */
  listRecoveryDatabases(): Promise<string[]>;
}

/** The app's own switch that keeps it from writing. */
export interface FenceActivities {
  /** `fenced`: the app refuses what would write. `open`: it works as ever. Nothing to do where no switch is configured. @throws APP_* */
  setAppMode(input: { mode: 'fenced' | 'open' }): Promise<{ switched: boolean }>;
  /** Tries to write through the app, which must be refused. Unproven where no switch is configured. */
  tryStaleWrite(): Promise<Gate[]>;
}

/** What takes several systems at once. */
export interface PostgresStackActivities {
  /**
   * Makes a branch of the moment, looks whether it is a good state, and takes the branch away again.
   * @throws NEON_*, MOMENT_REFUSED, POSTGRES_*, STORE_*, INVALID_INPUT when the predicate is no query of one boolean
   */
  probeMoment(input: { name: string; at: Moment; expected: Expectation } & Resumable): Promise<Look>;
  /**
   * Which of the chunk rows that are gone or changed were taken away or edited on purpose: the vectors say the same as the
   * rows now do. Gives back those that were not. @throws QDRANT_*, STORE_*
   */
  judgeLostChunks(
    input: { diff: TableDiff; collection: string; folder: string } & Resumable,
  ): Promise<{ removed: ListRef; changed: ListRef }>;
  /**
   * Writes rows for points that have none, from what the points carry; never over a row that is there.
   * @throws UNEXPECTED_SCHEMA naming columns that would have no value, QDRANT_*, POSTGRES_*, STORE_*
   */
  rebuildRows(
    input: { list: ListRef; collection: string } & Resumable,
  ): Promise<RepairCounts & { unavailable: number }>;
  /**
   * From questions to sources and from sessions to chunks: golden questions lead to points, rows and the source text; messages
   * of a sample of sessions, and of those in `carried`, cite chunks that are in both stores.
   */
  checkTraceability(input: { collection: string; set: RecoverySet; carried: Carried[] } & Resumable): Promise<Gate[]>;
}

export type PostgresRecoveryActivities = NeonRecoveryActivities &
  DatabaseRecoveryActivities &
  FenceActivities &
  PostgresStackActivities;
