import type { BackupScheduleItem, Endpoint, Operation, Snapshot } from '@neondatabase/api-client';

/** A moment of a history: all before a position in its log, or all committed until a time. */
export type Target = { readonly kind: 'lsn'; readonly lsn: string } | { readonly kind: 'time'; readonly time: string };

/** A password and the position from which on it holds. */
export interface KnownPassword {
  readonly role: string;
  readonly password: string;
  readonly lsn: string;
}

/**
 * One line of history: a Postgres cluster and the archive of its write-ahead log. A branch points to one; a restore gives
 * it another. What it has from before its beginning it shares with the line that it came from.
 */
export interface Timeline {
  readonly id: string;
  readonly origin: { readonly timeline: string; readonly target: Target } | null;
  /** False until its cluster is complete. */
  built: boolean;
  /** Nothing before these can be asked for. */
  floorLsn: string;
  floorTime: string;
  passwords: KnownPassword[];
  /** Moments and positions seen together, oldest first: they tell how old a position is. */
  marks: { time: string; lsn: string }[];
  logicalSize: number;
  /** Nobody uses it any more; its archive stays while younger lines need it. */
  dropped: boolean;
}

export interface BranchRecord {
  readonly id: string;
  timeline: string;
  name: string;
  parent: string | null;
  parentLsn: string | null;
  parentTime: string | null;
  state: 'init' | 'ready' | 'resetting';
  default: boolean;
  protected: boolean;
  expiresAt: string | null;
  ttlSeconds: number | null;
  lastResetAt: string | null;
  readonly createdAt: string;
  updatedAt: string;
  stateChangedAt: string;
  restoreStatus: 'restored' | 'finalized' | null;
  restoredFrom: string | null;
  restoredAs: string | null;
  /** The branch that this one replaces when its restore is finalized. */
  replaces: string | null;
  /** Why it can never be deleted. */
  undeletable: string | null;
  deleted: { at: string; method: 'user' | 'ttl' } | null;
}

export interface EndpointRecord {
  readonly id: string;
  branch: string;
  port: number;
  readonly type: Endpoint['type'];
  state: Endpoint['current_state'];
  /** A chain has it in its hands: connections wait. */
  busy: boolean;
  disabled: boolean;
  suspendTimeoutSeconds: number;
  name: string | null;
  minCu: number;
  maxCu: number;
  settings: Endpoint['settings'];
  readonly createdAt: string;
  updatedAt: string;
  startedAt: string | null;
  suspendedAt: string | null;
  lastActive: string | null;
  deleted: boolean;
}

export interface SnapshotRecord {
  readonly timeline: string;
  snapshot: Snapshot;
}

/** What an operation does; it can be done again after a crash in the middle. */
export type Work =
  | { readonly kind: 'build'; readonly timeline: string; readonly branch: string | null }
  | { readonly kind: 'switch'; readonly branch: string; readonly timeline: string }
  | { readonly kind: 'passwords'; readonly timeline: string; readonly passwords: Readonly<Record<string, string>> }
  | { readonly kind: 'start' | 'suspend'; readonly endpoint: string }
  /** Suspends what comes back in the same chain: connections wait meanwhile. */
  | { readonly kind: 'pause'; readonly endpoint: string }
  | { readonly kind: 'move'; readonly endpoint: string; readonly branch: string }
  | { readonly kind: 'finalize'; readonly branch: string; readonly oldName: string }
  | { readonly kind: 'drop'; readonly timeline: string }
  | { readonly kind: 'retire'; readonly branch: string }
  | { readonly kind: 'nothing' };

export interface OperationRecord {
  readonly chain: string;
  readonly work: Work;
  readonly operation: Operation;
}

export interface Project {
  readonly id: string;
  name: string;
  historyRetentionSeconds: number;
  readonly createdAt: string;
  updatedAt: string;
}

export interface State {
  readonly version: 1;
  readonly adminPassword: string;
  readonly project: Project;
  readonly timelines: Record<string, Timeline>;
  readonly branches: Record<string, BranchRecord>;
  readonly endpoints: Record<string, EndpointRecord>;
  readonly snapshots: Record<string, SnapshotRecord>;
  readonly schedules: Record<string, BackupScheduleItem[]>;
  /** Oldest first. */
  readonly operations: OperationRecord[];
}
