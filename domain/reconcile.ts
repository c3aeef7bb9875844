import type { Batches, IndexEntry, RowEntry } from './index-entry.ts';
import type { PointId } from './point-id.ts';
import { smaller, SortedReader } from './sorted.ts';

/**
 * What is wrong with one id. Exactly one class each:
 * - `missing`: a row whose vector is not in Qdrant, but in the recovery set
 * - `unbacked`: a row whose vector is nowhere
 * - `stale`: the point is there, but its text or section is not the row's, or its vector not that of a set which has the
 *   row's text and section. Metadata that differs from the set's alone is an edit, and none of a repair's business
 * - `malformed`: the vector has a wrong size, is zero or not finite
 * - `orphan`: a vector without a row
 */
export type FindingClass = 'missing' | 'unbacked' | 'stale' | 'malformed' | 'orphan';
export const FINDING_CLASSES = ['missing', 'unbacked', 'stale', 'malformed', 'orphan'] as const;

/** How a finding is mended: from the set, from the source text, or by taking the vector away. */
export type Remedy = 'copy' | 'reembed' | 'drop';

export interface Finding {
  readonly id: PointId;
  readonly class: FindingClass;
  readonly remedy: Remedy;
  readonly section: string;
  /** Fingerprint of the text that Postgres expects; '' for an orphan. */
  readonly text: string;
  /** Fingerprint of what Qdrant holds now ('' when it holds nothing or it was not read): what a repair may overwrite. */
  readonly live: string;
  /** Fingerprint that the point will have after a copy from the set; '' when it is not copied. */
  readonly set: string;
}

/** Receives findings in id order, in batches. */
export type FindingSink = (findings: readonly Finding[]) => void | Promise<void>;

/** How many ids each side held; `retired` are in the set alone, deleted on purpose since. */
export interface Tally {
  live: number;
  rows: number;
  set: number;
  retired: number;
}

const FLUSH_AT = 1_000;
const UNKNOWN_SECTION = '(unknown section)';

/**
 * Reconciles three sorted streams in constant memory: what Qdrant holds, what Postgres says it should hold, and what the
 * recovery set can give back. A fingerprint that was not read ('') agrees with everything. Without rows the set says what
 * should be there: its entries count as rows, and what differs from it in text or metadata, or is not in it, is newer.
 */
export async function reconcile(
  live: Batches<IndexEntry>,
  rows: Batches<RowEntry> | undefined,
  set: Batches<IndexEntry>,
  sink: FindingSink,
): Promise<Tally> {
  const sides = [new SortedReader(live), new SortedReader(rows ?? nothing()), new SortedReader(set)] as const;
  const [liveSide, rowSide, setSide] = sides;
  const tally: Tally = { live: 0, rows: 0, set: 0, retired: 0 };
  let pending: Finding[] = [];
  const flush = async (): Promise<void> => {
    if (pending.length > 0) await sink(pending);
    pending = [];
  };
  try {
    for (;;) {
      // Refilling is the only thing that waits; between refills the merge runs without a promise.
      if (liveSide.drained || rowSide.drained || setSide.drained) {
        // Texts of findings are cut out of the batches they came in, and would keep those alive.
        await flush();
        await Promise.all(sides.map((side) => side.refill()));
      }
      const id = smallest(liveSide.head?.id, rowSide.head?.id, setSide.head?.id);
      if (id === undefined) break;
      const vector = liveSide.take(id);
      const row = rowSide.take(id);
      const backup = setSide.take(id);
      if (vector) tally.live += 1;
      if (row || (!rows && backup)) tally.rows += 1;
      if (backup) tally.set += 1;
      if (rows && backup && !vector && !row) tally.retired += 1;
      const finding = rows ? judge(vector, row, backup) : judgeBySet(vector, backup);
      if (finding) pending.push(finding);
      if (pending.length >= FLUSH_AT) await flush();
    }
    await flush();
  } finally {
    await Promise.all(sides.map((side) => side.close()));
  }
  return tally;
}

/** The class and remedy of one id, given what each side knows of it; `undefined` when nothing is wrong. */
export function judge(
  vector: IndexEntry | undefined,
  row: RowEntry | undefined,
  backup: IndexEntry | undefined,
): Finding | undefined {
  if (!row) return vector && orphan(vector, backup);
  const wrong = classify(vector, row, backup);
  if (!wrong) return undefined;
  const healer = healerOf(row, backup);
  return {
    id: row.id,
    class: wrong,
    remedy: healer ? 'copy' : 'reembed',
    section: row.section,
    text: row.text,
    live: vector?.body ?? '',
    set: healer?.body ?? '',
  };
}

/** Where no row speaks, another text is taken for an edit, and so is another section. */
function judgeBySet(vector: IndexEntry | undefined, backup: IndexEntry | undefined): Finding | undefined {
  if (!backup) return undefined;
  if (vector && !vector.fault && differ(vector.text, backup.text)) return undefined;
  const finding = judge(vector, { id: backup.id, text: backup.text, section: '' }, backup);
  return finding && { ...finding, section: backup.section ?? '' };
}

/** The set's entry when a copy of it is what the row says. */
function healerOf(row: RowEntry, backup: IndexEntry | undefined): IndexEntry | undefined {
  if (!backup || backup.fault || backup.text !== row.text || differ(backup.section ?? '', row.section))
    return undefined;
  return backup;
}

function orphan(vector: IndexEntry, backup: IndexEntry | undefined): Finding {
  const section = vector.section ?? backup?.section ?? UNKNOWN_SECTION;
  return { id: vector.id, class: 'orphan', remedy: 'drop', section, text: '', live: vector.body, set: '' };
}

function classify(
  vector: IndexEntry | undefined,
  row: RowEntry,
  backup: IndexEntry | undefined,
): FindingClass | undefined {
  if (!vector) return backup ? 'missing' : 'unbacked';
  if (vector.fault) return 'malformed';
  if (differ(vector.text, row.text) || differ(vector.section ?? '', row.section)) return 'stale';
  // The set vouches for a vector only where it could give it back. Elsewhere the remedy is to embed again, whose numbers
  // need not be the set's to the last bit: the point would be stale for ever.
  const healer = healerOf(row, backup);
  return healer && differ(vector.vector, healer.vector) ? 'stale' : undefined;
}

function differ(read: string, expected: string): boolean {
  return read !== '' && expected !== '' && read !== expected;
}

async function* nothing(): Batches<never> {}

function smallest(a: PointId | undefined, b: PointId | undefined, c: PointId | undefined): PointId | undefined {
  return smaller(smaller(a, b), c);
}
