import { describeCounts } from './damage.ts';
import { describeSpan } from './format.ts';
import { isTorn } from './recovery-set.ts';
import { counts, lastFullPass, newestFirst, type RetentionPolicy } from './retention.ts';
import type { BrokenSet, StoredSet } from './stored-set.ts';

/** How old what a recovery could use is, in seconds; absent where there is nothing. */
export interface Freshness {
  readonly newest?: { readonly id: string; readonly ageSeconds: number };
  readonly newestVerified?: { readonly id: string; readonly ageSeconds: number; readonly verifiedSecondsAgo: number };
  /** Newer than the newest that could be used, and not as they should be: what the last backups came to. */
  readonly unsound?: readonly { readonly id: string; readonly why: string }[];
  /** Folders that look like sets and are none. */
  readonly broken: readonly string[];
}

/** One thing that was looked at: whether it is as it should be, and what to do when it is not. */
export interface Finding {
  readonly name: string;
  readonly state: 'ok' | 'warning' | 'broken';
  readonly message: string;
  readonly next?: string;
}

const DAY_S = 86_400;
/** Of bad sets in a row the newest say enough. */
const MOST_NAMED = 3;
/** A daily backup that takes a while is late by that while every day: up to here it is a warning. */
const LATE = 1.25;

/** What the sets of an environment say about how much a recovery now would lose. */
export function freshnessOf(
  sets: readonly (StoredSet | BrokenSet)[],
  { environment, now }: { readonly environment: string; readonly now: Date },
): Freshness {
  const since = (time: string): number => Math.max(0, Math.round((now.getTime() - Date.parse(time)) / 1000));
  const own = sets
    .flatMap((entry) => ('set' in entry && entry.set.environment === environment ? [entry] : []))
    .toSorted(newestFirst);
  const usable = own.filter(({ state }) => state !== 'failed');
  const newest = usable.find(({ set }) => !isTorn(set)) ?? usable[0];
  const sound = newest === undefined || isTorn(newest.set) ? own.length : own.indexOf(newest);
  const unsound = own.slice(0, sound).flatMap(whyUnsound);
  const verified = own.find(counts);
  return {
    ...(newest ? { newest: { id: newest.id, ageSeconds: since(newest.set.takenAt) } } : {}),
    ...(verified
      ? {
          newestVerified: {
            id: verified.id,
            ageSeconds: since(verified.set.takenAt),
            verifiedSecondsAgo: since(lastFullPass(own.filter(counts)) ?? verified.set.takenAt),
          },
        }
      : {}),
    ...(unsound.length > 0 ? { unsound } : {}),
    broken: sets.flatMap((entry) => ('problem' in entry ? [entry.id] : [])),
  };
}

function whyUnsound({ id, state, set }: StoredSet): { id: string; why: string }[] {
  if (state === 'failed') return [{ id, why: 'it failed its last verification' }];
  return isTorn(set) ? [{ id, why: `it was taken of a damaged stack: ${describeCounts(set.disagreements)}` }] : [];
}

/** The same, held against the objectives: a line each, with what to do next. */
export function judgeFreshness(
  { newest, newestVerified, unsound = [], broken }: Freshness,
  { rpoSeconds, verifyWithinDays }: { readonly rpoSeconds: number } & Pick<RetentionPolicy, 'verifyWithinDays'>,
): Finding[] {
  return [
    newest === undefined
      ? {
          name: 'newest set',
          state: 'broken',
          message: 'there is no recovery set that could be used',
          next: 'Take one with `dr backup --wait`.',
        }
      : ageFinding('newest set', newest, rpoSeconds),
    verifiedFinding(newestVerified, verifyWithinDays * DAY_S),
    ...unsound.slice(0, MOST_NAMED).map(({ id, why }): Finding => ({
      name: 'set',
      state: 'broken',
      message: `${id} is no good: ${why}`,
      next: `See what is wrong with \`dr sets show ${id}\`; when it is mended, take another with \`dr backup --wait\`.`,
    })),
    ...broken.map((id): Finding => ({
      name: 'set',
      state: 'warning',
      message: `${id} cannot be used`,
      next: `See why with \`dr sets show ${id}\`, and find out who changed it.`,
    })),
  ];
}

function ageFinding(name: string, { id, ageSeconds }: { id: string; ageSeconds: number }, allowed: number): Finding {
  const said = `${id} is ${describeSpan(ageSeconds)} old`;
  if (ageSeconds <= allowed)
    return { name, state: 'ok', message: `${said}, within the RPO of ${describeSpan(allowed)}` };
  return {
    name,
    state: ageSeconds <= allowed * LATE ? 'warning' : 'broken',
    message: `${said}: a recovery now would lose more than the RPO of ${describeSpan(allowed)}`,
    next: 'See why backups do not come with `dr runs` and `dr schedules list`; take one now with `dr backup --wait`.',
  };
}

function verifiedFinding(found: Freshness['newestVerified'], allowed: number): Finding {
  const name = 'newest verified set';
  const next = 'Verify the newest set with `dr sets verify --wait`.';
  if (!found) return { name, state: 'broken', message: 'no set has passed a full verification', next };
  const said = `${found.id}, ${describeSpan(found.ageSeconds)} old; a set was last verified ${describeSpan(found.verifiedSecondsAgo)} ago`;
  if (found.verifiedSecondsAgo <= allowed) return { name, state: 'ok', message: said };
  return { name, state: 'broken', message: `${said}, which must not be more than ${describeSpan(allowed)}`, next };
}

/** The worst of them. */
export function worstOf(findings: readonly Finding[]): Finding['state'] {
  if (findings.some(({ state }) => state === 'broken')) return 'broken';
  return findings.some(({ state }) => state === 'warning') ? 'warning' : 'ok';
}
