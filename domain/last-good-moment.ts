import type { Look } from './database-state.ts';

/**
 * The search for the last moment at which the database was as it must be. Times are milliseconds since 1970. Pure: whoever
 * carries it out asks `nextProbe`, looks at that moment, and asks again.
 */
export interface Search {
  /** Where the search begins. `proven`: known to be good, so that it need not be looked at. */
  readonly from: { readonly at: number; readonly proven: boolean };
  /** A moment that is known to be bad. */
  readonly until: number;
  readonly resolution: number;
  /** The most looks that may be taken. */
  readonly maxProbes: number;
  /** A moment that was probably good, such as that of a younger set: looked at first. */
  readonly hint?: number | undefined;
}

/** A moment that was looked at. */
export interface Probe {
  readonly at: number;
  readonly look: Look;
}

/** What a search came to. */
export type Found =
  | {
      readonly kind: 'found';
      /** The last moment that was seen to be good, and the first after it that was seen to be bad. */
      readonly good: number;
      readonly bad: number;
      /** What was wrong at `bad`; empty when that was the end of the search. */
      readonly reasons: readonly string[];
      readonly probes: number;
      /** False when a bad moment lay before a good one: it was damaged, mended and damaged again. */
      readonly monotonic: boolean;
      /** True when the probes ran out before the resolution was reached. */
      readonly coarse: boolean;
    }
  | { readonly kind: 'none'; readonly reasons: readonly string[]; readonly probes: number };

interface Bounds {
  readonly good: number | undefined;
  readonly bad: number;
}

/** Between which moments it turned bad, as far as is known: after the latest good one. */
function boundsOf({ from, until }: Search, probes: readonly Probe[]): Bounds {
  const seen = probes.filter(({ look }) => look.good).map(({ at }) => at);
  const known = from.proven ? [from.at, ...seen] : seen;
  const good = known.length > 0 ? Math.max(...known) : undefined;
  const later = probes.filter(({ at, look }) => !look.good && (good === undefined || at > good)).map(({ at }) => at);
  return { good, bad: Math.min(until, ...later) };
}

/** The moment to look at next; nothing when all is known that can be. */
export function nextProbe(search: Search, probes: readonly Probe[]): number | undefined {
  if (probes.length >= search.maxProbes) return undefined;
  const { good, bad } = boundsOf(search, probes);
  const looked = new Set(probes.map(({ at }) => at));
  if (good === undefined) return looked.has(search.from.at) ? undefined : search.from.at;
  if (bad - good <= search.resolution) return undefined;
  const { hint } = search;
  if (hint !== undefined && hint > good && hint < bad && !looked.has(hint)) return hint;
  return Math.floor(good + (bad - good) / 2);
}

/** What the looks say together. */
export function conclude(search: Search, probes: readonly Probe[]): Found {
  const { good, bad } = boundsOf(search, probes);
  const reasonsAt = (moment: number): readonly string[] => probes.find(({ at }) => at === moment)?.look.reasons ?? [];
  if (good === undefined) return { kind: 'none', reasons: reasonsAt(search.from.at), probes: probes.length };
  return {
    kind: 'found',
    good,
    bad,
    reasons: reasonsAt(bad),
    probes: probes.length,
    monotonic: !probes.some(({ at, look }) => !look.good && at < good),
    coarse: bad - good > search.resolution,
  };
}

/** How many looks a search takes at most when nothing is hinted at. */
export function mostProbes({ from, until, resolution }: Pick<Search, 'from' | 'until' | 'resolution'>): number {
  const halvings = Math.ceil(Math.log2(Math.max(1, (until - from.at) / resolution)));
  return halvings + (from.proven ? 0 : 1);
}
