/** Names that several folders must agree on. Nothing else may build them by hand. */

const TASK_QUEUE_PREFIX = 'recovery-';

/** One task queue per environment, so that a run started on it can reach that environment and no other. */
export function taskQueueOf(environment: string): string {
  return TASK_QUEUE_PREFIX + environment;
}

/** Workflow id of the lease: fixed, so that the engine itself refuses a second one. */
export function leaseIdOf(environment: string, kind: LeaseKind = 'recovery'): string {
  return `${kind}-lease/${environment}`;
}

/** Recoveries write on the stack and exclude each other. What only reads it excludes its own kind. */
export type LeaseKind = 'recovery' | 'backup' | 'verification' | 'retention';

/** `set-20261124T030000Z-1a2b3c`: sorts by time, and two sets of one second differ. `entropy` is six hex digits. */
export function setIdOf(takenAt: Date, entropy: string): string {
  return `set-${takenAt.toISOString().replace(/[-:]|\.\d+/g, '')}-${entropy}`;
}

/** Id of what is done by itself in an environment, by the name of the schedule. */
export function scheduleIdOf(environment: string, name: string): string {
  return `recovery-schedule/${environment}/${name}`;
}

/** Folder of everything that belongs to a set, manifest and verifications included. */
export function setFolderOf(setId: string): string {
  return `sets/${setId}`;
}

export function manifestKeyOf(setId: string): string {
  return `${setFolderOf(setId)}/manifest.json`;
}

/** What `sha256sum --check` reads: every file of the set, the manifest included. */
export function checksumsKeyOf(setId: string): string {
  return `${setFolderOf(setId)}/SHA256SUMS`;
}

/** `at` is RFC 3339; `sha256` that of the record itself, so that a changed record no longer fits its name. */
export function verificationKeyOf(setId: string, at: string, sha256: string): string {
  return `${setFolderOf(setId)}/verifications/${at.replace(/[-:]|\.\d+/g, '')}-${sha256}.json`;
}

/** Folder of a run's own artifacts in the store. Workflow ids may hold characters that keys may not. */
export function runFolderOf(workflowId: string, runId: string): string {
  return `runs/${workflowId.replace(/[^A-Za-z0-9._-]+/g, '-')}/${runId}`;
}

/**
 * Eight characters that tell runs apart. The last ones: run ids begin with the time, so that the first eight are the same for
 * everything that begins within a minute.
 */
export function shortRunId(runId: string): string {
  return runId.replace(/[^A-Za-z0-9]+/g, '').slice(-8);
}

/** Collections that a run makes beside the live one. The run id keeps two runs apart and a retry together. */
export function scratchNameOf(collection: string, purpose: 'restore' | 'before' | 'verify', runId: string): string {
  return `dr-${purpose}-${collection}-${shortRunId(runId)}`.slice(0, 200);
}

/** Database that a run restores a dump into, beside the live one. Postgres takes 63 bytes. */
export function scratchDatabaseOf(setId: string, runId: string): string {
  return `dr_verify_${setId.replace(/^set-/, '').replace(/[^A-Za-z0-9]+/g, '_')}_${shortRunId(runId)}`.toLowerCase();
}

/** What `scratchDatabaseOf` makes. Only databases of such a name are made, written to or dropped. */
export const SCRATCH_DATABASE = /^dr_verify_[a-z0-9_]{1,53}$/;

/** Prefix of the branches on Neon that a run makes or keeps; what follows is their purpose. */
export function recoveryBranchOf(runId: string, purpose: string): string {
  return `recovery-${shortRunId(runId)}-${purpose}`;
}

/** Database on the app's own server that a run restores into (`restore`), or that keeps what was replaced (`before`, `after`). */
export function recoveryDatabaseOf(purpose: 'restore' | 'before' | 'after', runId: string): string {
  return `dr_${purpose}_${shortRunId(runId)}`.toLowerCase();
}

/** What `recoveryDatabaseOf` makes. */
export const RECOVERY_DATABASE = /^dr_(restore|before|after)_[a-z0-9_]{1,32}$/;

/** Folder of the records that say which Qdrant is the live one. */
export const PLACES = 'places/qdrant/';

/** Sorts by number. */
export function livePlaceKeyOf(epoch: number): string {
  return `${PLACES}${String(epoch).padStart(6, '0')}.json`;
}

/** Releases of the app that have passed the gates of a run. */
export const PROVEN_RELEASES = 'releases/';

/** A commit or digest that a run has proven. Colons are no part of a file's name everywhere. */
export function provenReleaseKeyOf(pinned: string, runId: string): string {
  return `${PROVEN_RELEASES}${pinned.replace(':', '-')}/${runId}.json`;
}
