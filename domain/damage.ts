import { z } from 'zod';
import { listSchema } from './artifacts.ts';
import { FINDING_CLASSES, type Finding, type FindingClass, type Tally } from './reconcile.ts';

export const countsSchema = z.strictObject({
  missing: z.int().nonnegative(),
  unbacked: z.int().nonnegative(),
  stale: z.int().nonnegative(),
  malformed: z.int().nonnegative(),
  orphan: z.int().nonnegative(),
});
export type Counts = z.infer<typeof countsSchema>;

const MAX_SECTIONS = 200;
const MAX_SAMPLES = 5;

/** The result of a reconciliation, small enough for a history: counts, samples, and references to the full lists. */
export const damageSchema = z.strictObject({
  tally: z.strictObject({ live: z.int(), rows: z.int(), set: z.int(), retired: z.int() }),
  counts: countsSchema,
  /** Affected sections with the number of findings in each, worst first, cut at 200. */
  sections: z.array(z.strictObject({ section: z.string(), findings: z.int() })).max(MAX_SECTIONS),
  /** How many sections are affected in all. */
  sectionCount: z.int().nonnegative(),
  /** Up to five ids of each class. */
  samples: z.record(z.string(), z.array(z.string()).max(MAX_SAMPLES)),
  /** Full lists in the store: what to copy from the set, what to embed again, what to take away. */
  copy: listSchema,
  reembed: listSchema,
  drop: listSchema,
});
export type Damage = z.infer<typeof damageSchema>;
export type DamageSummary = Omit<Damage, 'copy' | 'reembed' | 'drop'>;

/** How many findings there are in all. */
export function totalOf(counts: Counts): number {
  return FINDING_CLASSES.reduce((sum, name) => sum + counts[name], 0);
}

/** Collects findings into what a person needs to know of them, in memory that grows with the sections alone. */
export class DamageSummariser {
  readonly #counts: Record<FindingClass, number> = { missing: 0, unbacked: 0, stale: 0, malformed: 0, orphan: 0 };
  readonly #samples: Record<FindingClass, string[]> = {
    missing: [],
    unbacked: [],
    stale: [],
    malformed: [],
    orphan: [],
  };
  readonly #sections = new Map<string, number>();

  add(findings: readonly Finding[]): void {
    for (const finding of findings) {
      this.#counts[finding.class] += 1;
      const known = this.#sections.get(finding.section);
      this.#sections.set(known === undefined ? detached(finding.section) : finding.section, (known ?? 0) + 1);
      const samples = this.#samples[finding.class];
      if (samples.length < MAX_SAMPLES) samples.push(detached(finding.id));
    }
  }

  summary(tally: Tally): DamageSummary {
    const sections = [...this.#sections].map(([section, findings]) => ({ section, findings }));
    sections.sort((a, b) => b.findings - a.findings || (a.section < b.section ? -1 : 1));
    return {
      tally: { ...tally },
      counts: { ...this.#counts },
      sections: sections.slice(0, MAX_SECTIONS),
      sectionCount: sections.length,
      samples: { ...this.#samples },
    };
  }
}

/**
 * The same text with memory of its own. A piece that was cut out of a longer text keeps all of that text alive, here as
 * much as a megabyte of rows for the name of one section.
 */
function detached(text: string): string {
  return JSON.parse(JSON.stringify(text)) as string;
}

/** `12 missing, 3 stale` in words; `nothing` when all agree. */
export function describeCounts(counts: Counts): string {
  const words = FINDING_CLASSES.filter((name) => counts[name] > 0).map((name) => `${counts[name]} ${name}`);
  return words.length > 0 ? words.join(', ') : 'nothing';
}
