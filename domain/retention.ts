import { z } from 'zod';
import { describeSpan } from './format.ts';
import { bytesOf, isTorn } from './recovery-set.ts';
import type { BrokenSet, StoredSet } from './stored-set.ts';
import type { SetState } from './verification.ts';

/** How long recovery sets are kept. Only verified sets count: what was never restored for trial may not be one. */
export const retentionPolicySchema = z.strictObject({
  /** A set that is younger is kept, whatever its state. */
  keepDays: z.number().positive().default(30),
  /** So many verified sets remain, whatever their age. */
  keepVerified: z.int().min(2).default(2),
  /** Nothing is removed when the last full verification that passed is older. */
  verifyWithinDays: z.number().positive().default(8),
});
export type RetentionPolicy = z.infer<typeof retentionPolicySchema>;

/** A set that stays. `because` groups what stays for the same reason; `why` is a sentence about this one. */
export interface KeptSet {
  readonly id: string;
  readonly because: 'verified' | 'young' | 'newest' | 'broken' | 'foreign' | 'overdue';
  readonly why: string;
}

/** A set that goes. It is removed only while it is this very manifest in this very state. */
export interface Removal {
  readonly id: string;
  readonly manifestSha256: string;
  readonly takenAt: string;
  readonly state: SetState;
  readonly bytes: number;
  readonly why: string;
}

/** What becomes of every set of the store. */
export interface Retention {
  readonly at: string;
  readonly policy: RetentionPolicy;
  /** Verified sets of this environment whose parts agree, the newest first: what the policy counts. */
  readonly verified: readonly string[];
  readonly keep: readonly KeptSet[];
  readonly remove: readonly Removal[];
  /** Why nothing may be removed now: a sentence. */
  readonly refusal?: string;
}

const DAY_MS = 86_400_000;

/**
 * What is kept and what is removed, and why. Pure: the same sets at the same moment give the same answer, and what is
 * removed at one moment is removed at every later one too, as long as verifications go on.
 */
export function planRetention(
  sets: readonly (StoredSet | BrokenSet)[],
  policy: RetentionPolicy,
  { environment, now }: { readonly environment: string; readonly now: Date },
): Retention {
  const broken = sets.flatMap((entry) => ('problem' in entry ? [brokenKept(entry)] : []));
  const sound = sets.flatMap((entry) => ('set' in entry ? [entry] : []));
  const foreign = sound.filter(({ set }) => set.environment !== environment).map(foreignKept);
  const own = sound.filter(({ set }) => set.environment === environment).toSorted(newestFirst);
  const verified = own.filter(counts);
  const refusal = overdue(verified, policy, now);
  const judged = own.map((stored) => judge(stored, verified, policy, now));
  const stay = refusal === undefined ? judged.filter((one) => 'because' in one) : own.map(overdueKept);
  const go = refusal === undefined ? judged.filter((one) => 'manifestSha256' in one) : [];
  return {
    at: now.toISOString(),
    policy,
    verified: verified.map(({ id }) => id),
    keep: [...stay, ...foreign, ...broken],
    remove: go,
    ...(refusal === undefined ? {} : { refusal }),
  };
}

/** When a set of these was last verified in full, and passed; `undefined` when none was. */
export function lastFullPass(sets: readonly StoredSet[]): string | undefined {
  return sets
    .flatMap(({ verifications }) => verifications)
    .filter(({ level, verdict }) => level === 'full' && verdict === 'pass')
    .map(({ at }) => at)
    .toSorted((a, b) => Date.parse(a) - Date.parse(b))
    .at(-1);
}

/** A verified set whose parts agree. All others prove nothing, and never stand in for one that does. */
export function counts({ set, state }: StoredSet): boolean {
  return state === 'verified' && !isTorn(set);
}

/** By the time in the manifest, the newest first; names decide between sets of one moment. */
export function newestFirst(a: StoredSet, b: StoredSet): number {
  return Date.parse(b.set.takenAt) - Date.parse(a.set.takenAt) || (a.id < b.id ? 1 : -1);
}

/** `12 days`, `5 hours`: an age for people, never negative. */
export function describeAge(from: string, now: Date): string {
  return describeSpan(Math.max(0, now.getTime() - Date.parse(from)) / 1000);
}

function judge(
  stored: StoredSet,
  verified: readonly StoredSet[],
  policy: RetentionPolicy,
  now: Date,
): KeptSet | Removal {
  const { id, set, state, manifestSha256 } = stored;
  const place = verified.findIndex((one) => one.id === id);
  const age = describeAge(set.takenAt, now);
  if (place >= 0 && place < policy.keepVerified)
    return { id, because: 'verified', why: `it is one of the last ${policy.keepVerified} verified sets` };
  if (now.getTime() - Date.parse(set.takenAt) < policy.keepDays * DAY_MS)
    return { id, because: 'young', why: `it is ${age} old, younger than ${policy.keepDays} days` };
  if (state !== 'failed' && !isTorn(set) && newerThanAll(stored, verified))
    return { id, because: 'newest', why: 'it holds newer data than any verified set' };
  const kind = isTorn(set) ? `${state}, and its parts disagree` : state;
  const why = `it is ${age} old and ${kind}; ${verified.slice(0, policy.keepVerified).length} verified sets remain`;
  return { id, manifestSha256, takenAt: set.takenAt, state, bytes: bytesOf(set), why };
}

function newerThanAll(stored: StoredSet, verified: readonly StoredSet[]): boolean {
  return verified.every((one) => newestFirst(stored, one) < 0);
}

function overdue(verified: readonly StoredSet[], { verifyWithinDays }: RetentionPolicy, now: Date): string | undefined {
  const last = lastFullPass(verified);
  if (last === undefined) return 'no set has passed a full verification, so none may be removed';
  if (now.getTime() - Date.parse(last) <= verifyWithinDays * DAY_MS) return undefined;
  const age = describeAge(last, now);
  return `the last full verification that passed is ${age} old (${last}), and must not be older than ${verifyWithinDays} days before sets are removed`;
}

function overdueKept({ id }: StoredSet): KeptSet {
  return { id, because: 'overdue', why: 'nothing is removed while verification is overdue' };
}

function foreignKept({ id, set }: StoredSet): KeptSet {
  return { id, because: 'foreign', why: `it belongs to ${set.environment}` };
}

function brokenKept({ id, problem }: BrokenSet): KeptSet {
  return { id, because: 'broken', why: `it cannot be used, and somebody must find out why: ${problem}` };
}
