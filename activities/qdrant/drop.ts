import type { ListRef } from '../../domain/artifacts.ts';
import type { RepairCounts } from '../contract.ts';
import type { Work } from '../progress.ts';
import { entryOf } from './fingerprint.ts';
import { deletePoints, EVERYTHING, readPoints } from './points.ts';
import type { Tools } from './tools.ts';
import { workThrough } from './work-through.ts';

/**
 * Deletes the listed points that still are what was assessed and still have no row: a row may have come while the plan
 * waited. One that is gone already counts as written.
 */
export async function dropPoints(
  tools: Tools,
  { list, from }: { list: ListRef; from: string },
  work: Work,
): Promise<RepairCounts> {
  const { connection, mapping, rowsAmong } = tools;
  return workThrough(tools, `remove points from ${from}`, [list], work, async (findings) => {
    const ids = findings.map(({ id }) => id);
    const now = await readPoints(connection, from, ids, EVERYTHING, work.signal);
    const owned = (await rowsAmong?.(ids, work.signal)) ?? new Set();
    const changed = new Set(
      findings.flatMap(({ id, live }) => {
        const point = now.get(id);
        return owned.has(id) || (point && live !== '' && entryOf(point, mapping).body !== live) ? [id] : [];
      }),
    );
    const going = ids.filter((id) => now.has(id) && !changed.has(id));
    await deletePoints(connection, from, going, work.signal);
    return { written: findings.length - changed.size, newer: changed.size };
  });
}
