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
  /** Commit or digest that runs on the server that is left; null where it cannot be told. */
  readonly live: string | null;
}

export interface ChosenRelease {
  readonly release: Release;
  readonly why: string;
  /** Nothing shows that it ever passed its gates: the plan says so. */
  readonly unproven: boolean;
}

/** Commits are told whole or short; shorter than this they name nothing. */
const SHORTEST = 7;

/**
 * The release to deploy. Where the one that runs is not to blame (its server is gone, or is left on purpose) it is that one: an
 * older app before a newer schema would be a second outage. Where it is, it is the newest other that has passed its gates, and where
 * none has, the one before it: that one has most likely run once, and what came after may never have.
 * @throws RecoveryError NO_RELEASE when nothing is left, or when nobody can tell which release is to blame
 */
export function chooseRelease(facts: ReleaseFacts, blamed: boolean): ChosenRelease {
  return blamed ? chooseOther(facts) : chooseSame(facts);
}

function chooseSame({ candidates, live }: ReleaseFacts): ChosenRelease {
  const same = live === null ? undefined : (candidates.find((one) => isSame(one.pinned, live)) ?? unknown(live));
  if (same) return chosen(same, 'the one that runs and is not to blame');
  return chosen(newest(candidates), 'the newest, since what runs cannot be told');
}

function chooseOther({ candidates, live }: ReleaseFacts): ChosenRelease {
  if (live === null)
    throw none('which release misbehaves cannot be told, since what deploys there does not say what runs');
  const at = candidates.findIndex(({ pinned }) => isSame(pinned, live));
  const left = candidates.filter((_, index) => index !== at);
  if (left.length === 0) throw none(`the only one known is ${short(live)}, which misbehaves`);
  const over = `; ${candidates[at]?.ref ?? short(live)} is passed over: it runs where the app misbehaves`;
  if (left.some(({ proven }) => proven !== null)) return chosen(newest(left), 'the newest other one', over);
  const before = at === -1 ? undefined : candidates[at + 1];
  return before ? chosen(before, 'the one before the one that runs', over) : chosen(newest(left), 'the newest', over);
}

/** The newest that is proven, or else the newest. */
function newest(candidates: readonly Candidate[]): Candidate {
  const found = candidates.find(({ proven }) => proven !== null) ?? candidates[0];
  if (found) return found;
  throw none('none is known');
}

function chosen({ ref, pinned, proven }: Candidate, which: string, over = ''): ChosenRelease {
  const proof = proven === null ? 'which nothing has proven yet' : `which has passed its gates (${proven})`;
  return { release: { ref, pinned }, why: `${which}, ${proof}${over}`, unproven: proven === null };
}

/** One that has no tag is deployed by what it is pinned to. */
function unknown(live: string): Candidate {
  return { ref: live, pinned: live, proven: null };
}

function isSame(one: string, other: string): boolean {
  const [shorter, longer] = one.length <= other.length ? [one, other] : [other, one];
  return shorter === longer || (shorter.length >= SHORTEST && longer.startsWith(shorter));
}

function short(pinned: string): string {
  return pinned.slice(0, 19);
}

function none(why: string): RecoveryError {
  return new RecoveryError('NO_RELEASE', `no release can be chosen: ${why}`);
}
