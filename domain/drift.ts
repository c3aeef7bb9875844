import type { Batches, IndexEntry } from './index-entry.ts';
import type { PointId } from './point-id.ts';
import { smaller, SortedReader } from './sorted.ts';

/** What two id indexes of one collection differ in, and where. */
export interface IndexChanges {
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
}

/** Receives the ids that differ, in id order, in batches. */
type ChangeSink = (ids: readonly PointId[]) => void | Promise<void>;

const FLUSH_AT = 1_000;

/**
 * Compares an earlier index with a later one in constant memory. A point has changed when its body has: its mapped
 * payload fields or its vector. Where one side was read without vectors, text and section tell.
 */
export async function compareIndexes(
  before: Batches<IndexEntry>,
  after: Batches<IndexEntry>,
  sink: ChangeSink,
): Promise<IndexChanges> {
  const [older, newer] = [new SortedReader(before), new SortedReader(after)];
  const changes = { added: 0, changed: 0, removed: 0 };
  let pending: PointId[] = [];
  const flush = async (): Promise<void> => {
    if (pending.length > 0) await sink(pending);
    pending = [];
  };
  try {
    for (;;) {
      if (older.drained || newer.drained) await Promise.all([older.refill(), newer.refill()]);
      const id = smaller(older.head?.id, newer.head?.id);
      if (id === undefined) break;
      const kind = change(older.take(id), newer.take(id));
      if (kind) {
        changes[kind] += 1;
        pending.push(id);
      }
      if (pending.length >= FLUSH_AT) await flush();
    }
    await flush();
  } finally {
    await Promise.all([older.close(), newer.close()]);
  }
  return changes;
}

function change(before: IndexEntry | undefined, after: IndexEntry | undefined): keyof IndexChanges | undefined {
  if (!before) return 'added';
  if (!after) return 'removed';
  const same = before.body === '' || after.body === '' ? sameText(before, after) : before.body === after.body;
  return same ? undefined : 'changed';
}

function sameText(a: IndexEntry, b: IndexEntry): boolean {
  return a.text === b.text && (a.section ?? '') === (b.section ?? '');
}

/** `3 added, 1 changed`, or `nothing`. */
export function describeChanges(changes: IndexChanges): string {
  const said = (['added', 'changed', 'removed'] as const)
    .filter((kind) => changes[kind] > 0)
    .map((kind) => `${changes[kind]} ${kind}`);
  return said.length > 0 ? said.join(', ') : 'nothing';
}
