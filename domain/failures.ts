/**
 * Every way a run can fail, as a closed set. A failure tells three things: what it means, what the engine may do about
 * it (`retry`), and what the operator does next (`next`). `docs/failures.md` has one heading per code.
 *
 * - `refuse`: nothing may be written; the run ends at once, undoing what was done, if anything was.
 * - `wait`: an outage. The step is repeated with growing pauses, and the checklist says what is awaited.
 * - `ask`: the step stops and a person chooses between `retryStep`, `skipStep` (where allowed) and `abort`.
 */
export type RetryClass = 'refuse' | 'wait' | 'ask';

interface FailureKind {
  readonly retry: RetryClass;
  readonly next: string;
}

/** The closed set of failure codes. The key is the `type` of the `ApplicationFailure` that carries it. */
export const FAILURES = {
  INVALID_INPUT: { retry: 'refuse', next: 'Correct the named fields and start the run again; `{}` is always valid.' },
  INVALID_CONFIGURATION: { retry: 'refuse', next: 'Correct the named setting and restart the worker.' },
  WRONG_ENVIRONMENT: {
    retry: 'refuse',
    next: 'Start the run on the task queue of the environment that the store names, or correct the worker’s URL.',
  },
  UNMARKED_ENVIRONMENT: {
    retry: 'refuse',
    next: 'If this really is the right target, write its name into both stores with `dr mark-environment`.',
  },
  RUN_IN_PROGRESS: { retry: 'refuse', next: 'Wait for the run that holds the lease, or abort it.' },
  NO_RECOVERY_SET: { retry: 'refuse', next: 'Take a set with `dr start backup`, or name one that `dr sets` lists.' },
  SET_NOT_FOUND: { retry: 'refuse', next: 'Name a set that `dr sets` lists, or leave `setId` out.' },
  SET_MISMATCH: { retry: 'refuse', next: 'Choose a set of this environment, embedding identity and collection shape.' },
  SET_TAMPERED: {
    retry: 'refuse',
    next: 'Do not use this set. Find out who changed the named artifact, and name an older set in `setId`.',
  },
  VERIFICATION_OVERDUE: {
    retry: 'refuse',
    next: 'Verify the newest set with `dr sets verify`, find out why it was not done in time, then prune again.',
  },
  UNKNOWN_ID_TYPE: { retry: 'refuse', next: 'Correct the id column or `idStrategy` in the configuration.' },
  UNEXPECTED_SCHEMA: { retry: 'refuse', next: 'Correct the field or table map in the configuration.' },
  DISK_FULL: { retry: 'ask', next: 'Free the named space, then `retryStep`.' },
  DISK_SHORT: { retry: 'refuse', next: 'Free the named space, then start the run again.' },
  STALE_PLAN: { retry: 'refuse', next: 'Read the plan that is shown now and approve its hash.' },
  APPROVAL_REFUSED: { retry: 'refuse', next: 'Ask somebody whom the policy names to approve.' },
  NOT_NOW: { retry: 'refuse', next: 'Look at the checklist: it names what the run is waiting for.' },
  ABORTED: { retry: 'refuse', next: 'Nothing was written. Start a new run when it is wanted.' },
  QDRANT_UNREACHABLE: { retry: 'wait', next: 'Bring Qdrant back; the run goes on by itself.' },
  QDRANT_BUSY: {
    retry: 'wait',
    next: 'Qdrant says that it is busy or not ready; the run goes on by itself. If it lasts, look at Qdrant and at what stands before it.',
  },
  QDRANT_RUNNING: {
    retry: 'refuse',
    next: 'Stop Qdrant, see that nothing else writes into its folder, and start the copy again.',
  },
  QDRANT_DENIED: {
    retry: 'ask',
    next: 'Correct QDRANT_API_KEY on the worker (for a Qdrant that sets are tried out on: `backup.verifyQdrant.apiKey`), restart it, then `retryStep`.',
  },
  QDRANT_REFUSED: { retry: 'ask', next: 'Read Qdrant’s message, mend its cause, then `retryStep`.' },
  NAME_TAKEN: {
    retry: 'ask',
    next: 'Nothing of yours is overwritten: rename or remove what has that name on that server, then `retryStep`.',
  },
  CLUSTER_NEEDS_HAND: {
    retry: 'ask',
    next: 'Mend what the message names and `retryStep`; to replace the cluster all the same, start again with `replace: true`.',
  },
  REPLACEMENT_FAILED: {
    retry: 'ask',
    next: 'Read what the replacement (or its command) said, mend it, then `retryStep`.',
  },
  REPLACEMENT_UNFIT: {
    retry: 'refuse',
    next: 'Mend what the message names on the replacement, or configure another in `qdrantReplacement`, and start again.',
  },
  QDRANT_CLOUD_UNREACHABLE: {
    retry: 'wait',
    next: 'Nothing to do: when Qdrant Cloud answers again, the run goes on by itself.',
  },
  QDRANT_CLOUD_DENIED: {
    retry: 'ask',
    next: 'Give the worker a management key of the account with the permission that is missing, restart it, then `retryStep`.',
  },
  QDRANT_CLOUD_REFUSED: { retry: 'ask', next: 'Read Qdrant Cloud’s message, mend its cause, then `retryStep`.' },
  QDRANT_CLOUD_BACKUP_FAILED: {
    retry: 'ask',
    next: 'Look at the cluster in the Qdrant Cloud console; `retryStep` takes another backup.',
  },
  NEON_UNREACHABLE: {
    retry: 'wait',
    next: 'Nothing to do: when Neon’s API answers again, the run goes on by itself.',
  },
  NEON_BUSY: {
    retry: 'wait',
    next: 'Neon works on something else in the project, or limits requests; the run goes on by itself. If it lasts, look at the project’s operations.',
  },
  NEON_DENIED: {
    retry: 'ask',
    next: 'Give the worker a NEON_API_KEY that may change the project, restart it, then `retryStep`.',
  },
  NEON_REFUSED: { retry: 'ask', next: 'Read Neon’s message, mend its cause, then `retryStep`.' },
  NEON_LIMIT: {
    retry: 'ask',
    next: 'Delete branches that nobody needs, lower `neon.retentionDays` or take a larger plan, then `retryStep`.',
  },
  MOMENT_REFUSED: {
    retry: 'refuse',
    next: 'Name a moment inside the history that the message tells, or leave `at` out and let the run look for one.',
  },
  NO_GOOD_MOMENT: {
    retry: 'refuse',
    next: 'Name a moment in `at`, or a set to restore in `setId` with `from: "set"`.',
  },
  POSTGRES_UNREACHABLE: { retry: 'wait', next: 'Bring Postgres back; the run goes on by itself.' },
  POSTGRES_DENIED: {
    retry: 'ask',
    next: 'Correct DATABASE_URL on the worker and restart it, or give its role the right that the message names; then `retryStep`.',
  },
  POSTGRES_REFUSED: { retry: 'ask', next: 'Read Postgres’ message, mend its cause, then `retryStep`.' },
  EMBEDDINGS_UNREACHABLE: { retry: 'wait', next: 'Bring the embedding endpoint back; the run goes on by itself.' },
  EMBEDDINGS_REFUSED: {
    retry: 'ask',
    next: 'Read the endpoint’s message: a retired model or a wrong key will not mend itself.',
  },
  APP_UNREACHABLE: { retry: 'wait', next: 'Bring the app back; the run goes on by itself.' },
  APP_REFUSED: { retry: 'ask', next: 'Read the app’s answer, mend its cause, then `retryStep`.' },
  TRAFFIC_UNREACHABLE: { retry: 'wait', next: 'Bring the router of the traffic back; the run goes on by itself.' },
  TRAFFIC_REFUSED: { retry: 'ask', next: 'Read what the router said, mend its cause, then `retryStep`.' },
  TRAFFIC_CHANGED: {
    retry: 'ask',
    next: 'Somebody else has changed where the traffic goes. Find out who and why; `retryStep` looks again, `abort` leaves it as it is.',
  },
  DEPLOY_UNREACHABLE: { retry: 'wait', next: 'Bring back what deploys the app; the run goes on by itself.' },
  DEPLOY_REFUSED: {
    retry: 'ask',
    next: 'Read the message, mend the key, right or setting it names, then `retryStep`.',
  },
  DEPLOY_FAILED: {
    retry: 'ask',
    next: 'Read the last words of the deployment (all of them are in the store), mend their cause, then `retryStep`.',
  },
  APP_NEEDS_HAND: {
    retry: 'ask',
    next: 'Mend what the message names and `retryStep`: another app server would lack it too. To move the app all the same, start again with `move: true`.',
  },
  NO_RELEASE: {
    retry: 'refuse',
    next: 'Name one in `release`, or tag what is released in the repository of `appServers.releases.git`.',
  },
  STORE_UNREACHABLE: { retry: 'wait', next: 'Make the artifact store readable and writable again.' },
  STORE_DENIED: {
    retry: 'ask',
    next: 'Mend what the message names (credentials, permission, clock, identity of age) and `retryStep`; after a changed setting restart the worker first.',
  },
  STORE_REFUSED: {
    retry: 'ask',
    next: 'Read the store’s message, mend its cause (bucket, region, endpoint), then `retryStep`.',
  },
  STORE_LOCKED: { retry: 'ask', next: 'Leave it: it can be removed when the named lock ends. `skipStep`, or `abort`.' },
  GATE_NOT_GREEN: {
    retry: 'ask',
    next: 'Read the gate’s expected and observed values; `retryStep` checks again, `abort` undoes the repair.',
  },
  RESTORE_INCOMPLETE: {
    retry: 'ask',
    next: '`retryStep` restores beside once more; the live collection is untouched.',
  },
  CONFIGURATION_REFUSED: {
    retry: 'ask',
    next: 'Mend the file, command, folder or key that the message names, then `retryStep`; after a changed setting restart the worker first.',
  },
  WORKER_LOST: { retry: 'wait', next: 'Nothing to do: the step is taken up again where its last heartbeat left it.' },
  UNEXPECTED: { retry: 'ask', next: 'Read the message; `retryStep` tries again, `abort` undoes what was done.' },
} as const satisfies Record<string, FailureKind>;

export type FailureCode = keyof typeof FAILURES;

/** True when `text` names one of our failure codes. */
export function isFailureCode(text: string | null | undefined): text is FailureCode {
  return typeof text === 'string' && Object.hasOwn(FAILURES, text);
}

/**
 * A failure with a code, thrown by domain code, adapters and activities. The message names the field or system, what is
 * wrong, and never a secret. `activities/fail.ts` turns it into the `ApplicationFailure` that Temporal records.
 */
export class RecoveryError extends Error {
  override readonly name = 'RecoveryError';
  readonly code: FailureCode;

  constructor(code: FailureCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
