import type { AppCondition } from './app-failure.ts';
import { APP_CONDITIONS } from './app-failure.ts';
import type { Release } from './deployment.ts';
import { RecoveryError } from './failures.ts';

/** A release that could be deployed. */
export interface Candidate extends Release {
  /** What shows that it has passed its gates: a recovery set that was taken with it live, or a run. Null where nothing does. */
  readonly proven: string | null;
}

/** What can be deployed, the newest first, and what runs now. */
export interface ReleaseFacts {
  readonly candidates: readonly Candidate[];
  /** Commit or digest that runs on the server that has failed; null where it cannot be told. */
  readonly live: string | null;
}

export interface ChosenRelease {
  readonly release: Release;
  readonly why: string;
  /** Nothing shows that it ever passed its gates: the plan says so. */
  readonly unproven: boolean;
}

/**
 * The newest release that has passed its gates. One that misbehaves where it runs is never taken unless somebody names it; one
 * whose server is merely gone is not to blame.
 * @throws RecoveryError NO_RELEASE when nothing is left
 */
export function chooseRelease({ candidates, live }: ReleaseFacts, condition: AppCondition): ChosenRelease {
  const blamed = APP_CONDITIONS[condition].blamesRelease ? live : null;
  const left = candidates.filter(({ pinned }) => pinned !== blamed);
  const proven = left.find((one) => one.proven !== null);
  // What was released before the one that runs has most likely run once; what came after it may never have.
  const at = candidates.findIndex(({ pinned }) => pinned === live);
  const before = at === -1 ? undefined : left.find((one) => candidates.indexOf(one) > at);
  const chosen = proven ?? before ?? left[0];
  if (!chosen)
    throw new RecoveryError('NO_RELEASE', `no release can be deployed: ${whyNone(candidates.length, blamed)}`);
  const { ref, pinned } = chosen;
  const why = whyThis(chosen, before) + passedOver(candidates, blamed);
  return { release: { ref, pinned }, why, unproven: chosen.proven === null };
}

function whyThis(chosen: Candidate, before: Candidate | undefined): string {
  if (chosen.proven !== null) return `the newest that has passed its gates (${chosen.proven})`;
  const which = chosen === before ? 'the one before the one that runs' : 'the newest there is';
  return `${which}; nothing shows that it ever passed its gates`;
}

function passedOver(candidates: readonly Candidate[], blamed: string | null): string {
  const found = candidates.find(({ pinned }) => pinned === blamed);
  return found ? `; ${found.ref} is passed over: it runs where the app misbehaves` : '';
}

function whyNone(count: number, blamed: string | null): string {
  return count === 0 || blamed === null ? 'none is known' : `the only one is ${blamed.slice(0, 12)}, which misbehaves`;
}
