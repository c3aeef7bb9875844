import type { ListRef } from '../../domain/artifacts.ts';
import type { IndexEntry } from '../../domain/index-entry.ts';
import type { Finding } from '../../domain/reconcile.ts';
import type { RepairCounts } from '../contract.ts';
import type { Work } from '../progress.ts';
import { entryOf } from './fingerprint.ts';
import { deletePoints, EVERYTHING, readPoints, upsertBytes } from './points.ts';
import type { Tools } from './tools.ts';
import { mustKnowUpdateModes } from './version.ts';
import { workThrough } from './work-through.ts';

interface Revert {
  readonly lists: readonly ListRef[];
  readonly collection: string;
  /** Collection that holds the state before the run. */
  readonly before: string;
}

/** What must happen to a point so that it is again what it was before the run. */
type Way = 'nothing' | 'delete' | 'insert' | 'overwrite' | 'leave';

/** Undoes repairs, each point for itself: only where what is there now is what the repair left there. */
export async function revertPoints(
  tools: Tools,
  { lists, collection, before }: Revert,
  work: Work,
): Promise<RepairCounts> {
  const { connection, mapping } = tools;
  const { signal } = work;
  await mustKnowUpdateModes(connection);
  return workThrough(tools, `put points of ${collection} back`, lists, work, async (findings) => {
    const ids = findings.map(({ id }) => id);
    const now = await readPoints(connection, collection, ids, EVERYTHING, signal);
    const ways = Map.groupBy(findings, (finding) => {
      const point = now.get(finding.id);
      return wayBack(finding, point && entryOf(point, mapping));
    });
    const idsOf = (way: Way): string[] => (ways.get(way) ?? []).map(({ id }) => id);
    const earlier = await readPoints(
      connection,
      before,
      [...idsOf('insert'), ...idsOf('overwrite'), ...idsOf('delete')],
      EVERYTHING,
      signal,
    );
    const bytesOf = (way: Way): Buffer[] => idsOf(way).flatMap((id) => earlier.get(id)?.json ?? []);
    const [insert, overwrite] = [bytesOf('insert'), bytesOf('overwrite')];
    // Somebody may have put a missing point back while the plan waited: then it was there before this run wrote.
    const ours = idsOf('delete').filter((id) => !earlier.has(id));
    await deletePoints(connection, collection, ours, signal);
    await upsertBytes(connection, collection, insert, 'insert_only', signal);
    await upsertBytes(connection, collection, overwrite, 'update_only', signal);
    const written = idsOf('nothing').length + idsOf('delete').length + insert.length + overwrite.length;
    return { written, newer: findings.length - written };
  });
}

/** Exported for its table of cases. `now` is the point as it is; absent when there is none. */
export function wayBack(finding: Finding, now: IndexEntry | undefined): Way {
  if (finding.remedy === 'drop') {
    if (now === undefined) return 'insert';
    return finding.live === '' || now.body === finding.live ? 'nothing' : 'leave';
  }
  if (finding.live === '') {
    if (now === undefined) return 'nothing';
    return isRepaired(finding, now) ? 'delete' : 'leave';
  }
  if (now === undefined) return 'leave';
  if (now.body === finding.live) return 'nothing';
  return isRepaired(finding, now) ? 'overwrite' : 'leave';
}

/** A copy has the set's body; an embedding made anew has the row's text and no fault. */
function isRepaired({ remedy, set, text }: Finding, now: IndexEntry): boolean {
  return remedy === 'copy' ? now.body === set : now.text === text && now.fault === undefined;
}
