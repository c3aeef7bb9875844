import { bytesToHex } from '@noble/hashes/utils.js';
import { sha256 } from '@noble/hashes/sha2.js';
import canonicalize from 'canonicalize';
import { describeCount } from './format.ts';
import type { Plan } from './plan.ts';
import { describeAge, type KeptSet, type Removal, type Retention } from './retention.ts';
import type { Gate } from './verdict.ts';

/** What happened to the sets that a plan named. */
export interface Removed {
  readonly removed: readonly string[];
  /** Sets, or objects of them, that stayed all the same, and why: the store locks them, or they became needed. */
  readonly kept: readonly { readonly id: string; readonly why: string }[];
}

/** Sets that the plan lists one by one; a first run may find hundreds, and people read the plan on one page. */
const LISTED = 25;
const FIXED_SECONDS = 5;
const SECONDS_PER_SET = 2;

const GROUPS: Record<KeptSet['because'], string> = {
  verified: 'the last verified sets',
  young: 'younger than the policy asks for',
  newest: 'newer than any verified set',
  overdue: 'verification is overdue',
  foreign: 'of other environments',
  broken: 'not usable, left for somebody to look at',
};

/** The plan of a removal, for the person who approves it. */
export function planRemoval(
  retention: Retention,
  { environment, runId, store }: { environment: string; runId: string; store: string },
): Plan {
  const { remove, keep, policy } = retention;
  return {
    version: 1,
    scenario: 'prune',
    environment,
    target: store,
    runId,
    reason: describeRetention(retention),
    steps: [...removeSteps(remove), ...keepSteps(keep)],
    loss: describeLoss(retention),
    expectedSeconds: FIXED_SECONDS + SECONDS_PER_SET * remove.length,
    basis: { remove: digest(remove), keep: digest(keep.map(({ id }) => id)), policy: digest(policy) },
  };
}

/** `3 of 40 sets are older than 30 days and not needed`. */
export function describeRetention({ remove, keep, policy, verified }: Retention): string {
  const total = remove.length + keep.length;
  const go = remove.length === 0 ? 'no set' : `${describeCount(remove.length)} of ${describeCount(total)} sets`;
  return `${go} can go: older than ${policy.keepDays} days, and not among the last ${policy.keepVerified} of ${describeCount(verified.length)} verified`;
}

/** `40 sets, 12 of them verified, 1 not usable`. */
export function describeListing({ remove, keep, verified }: Retention): string {
  const broken = keep.filter(({ because }) => because === 'broken').length;
  const all = `${describeCount(remove.length + keep.length)} sets, ${describeCount(verified.length)} of them verified`;
  return broken === 0 ? all : `${all}, ${describeCount(broken)} not usable`;
}

/** What a removal is proved by: a listing of the store afterwards. */
export function retentionGates(before: Retention, { removed, kept }: Removed, after: Retention): Gate[] {
  const there = new Set([...after.keep, ...after.remove].map(({ id }) => id));
  const back = removed.filter((id) => there.has(id));
  const stayed = new Set(kept.map(({ id }) => id));
  const gone = [...before.keep, ...before.remove.filter(({ id }) => !removed.includes(id))].filter(
    ({ id }) => !there.has(id),
  );
  return [
    {
      name: 'what was to go is gone',
      verdict: back.length === 0 ? 'pass' : 'fail',
      expected: `${describeCount(removed.length)} sets are not listed any more`,
      observed: back.length === 0 ? removedText(removed, stayed) : `still listed: ${back.join(', ')}`,
    },
    {
      name: 'what was to stay is there',
      verdict: gone.length === 0 ? 'pass' : 'fail',
      expected: `${describeCount(before.keep.length)} sets are listed`,
      observed: gone.length === 0 ? 'all of them' : `not listed: ${gone.map(({ id }) => id).join(', ')}`,
    },
    verifiedGate(before, after),
  ];
}

/** Enough verified sets, the newest among them. Also what a run that has nothing to remove is judged by. */
export function verifiedGate(before: Retention, after: Retention): Gate {
  const least = Math.min(before.policy.keepVerified, before.verified.length);
  const newest = before.verified[0];
  const whole = after.verified.length >= least && (newest === undefined || after.verified.includes(newest));
  return {
    name: 'verified sets',
    verdict: whole && newest !== undefined ? 'pass' : 'fail',
    expected: `at least ${least}, ${newest ?? 'one'} among them`,
    observed: `${describeCount(after.verified.length)}${after.verified[0] === undefined ? '' : `, the newest is ${after.verified[0]}`}`,
  };
}

/** What came of a removal, in a sentence. */
export function describeRemoved({ removed, kept }: Removed): string {
  const stayed = kept.map(({ id, why }) => `${id}: ${why}`).join('; ');
  return `${describeCount(removed.length)} sets removed${stayed === '' ? '' : `; kept: ${stayed}`}`;
}

function removedText(removed: readonly string[], stayed: ReadonlySet<string>): string {
  const rest = stayed.size === 0 ? '' : `; ${describeCount(stayed.size)} were kept after all`;
  return `${describeCount(removed.length)} gone${rest}`;
}

function removeSteps(remove: readonly Removal[]): Plan['steps'] {
  const listed = remove
    .slice(0, LISTED)
    .map(({ id, bytes, why }) => ({ step: 'remove', what: `remove ${id} (${describeCount(bytes)} bytes)`, why }));
  const rest = remove.slice(LISTED);
  if (rest.length === 0) return listed;
  const what = `remove ${describeCount(rest.length)} more: ${rest.map(({ id }) => id).join(', ')}`;
  return [...listed, { step: 'remove', what, why: 'they are older than those above, for the same reasons' }];
}

function keepSteps(keep: readonly KeptSet[]): Plan['steps'] {
  return Object.entries(GROUPS).flatMap(([because, title]) => {
    const group = keep.filter((one) => one.because === because);
    if (group.length === 0) return [];
    const named = because === 'verified' || because === 'broken' ? `: ${group.map(({ id }) => id).join(', ')}` : '';
    return [{ step: 'keep', what: `keep ${describeCount(group.length)} sets${named}`, why: title }];
  });
}

function describeLoss({ at, keep, remove }: Retention): string {
  const bytes = remove.reduce((sum, set) => sum + set.bytes, 0);
  const ages = remove.map(({ takenAt }) => takenAt).toSorted();
  const [oldest, newest] = [ages[0], ages.at(-1)];
  if (oldest === undefined || newest === undefined) return 'nothing.';
  const span = `${describeAge(newest, new Date(at))} to ${describeAge(oldest, new Date(at))} old`;
  return `${describeCount(remove.length)} sets of ${describeCount(bytes)} bytes, ${span}: nothing can be recovered from them any more, and they cannot be brought back. ${describeCount(keep.length)} sets stay.`;
}

function digest(value: object): string {
  return bytesToHex(sha256(new TextEncoder().encode(canonicalize(value))));
}
