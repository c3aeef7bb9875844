import { randomUUID } from 'node:crypto';
import type { Counts } from '../../domain/damage.ts';
import { DamageSummariser } from '../../domain/damage.ts';
import { compareIndexes, type IndexChanges } from '../../domain/drift.ts';
import type { Batches, IndexEntry, RowEntry } from '../../domain/index-entry.ts';
import { parseIndexLine, parseRowLine } from '../../domain/lines.ts';
import type { PointId } from '../../domain/point-id.ts';
import { reconcile, type Tally } from '../../domain/reconcile.ts';
import type { RecoverySet } from '../../domain/recovery-set.ts';
import type { Drift } from '../../domain/set-parts.ts';
import { LineWriter, openLines } from '../lines.ts';
import type { Work } from '../progress.ts';
import type { StackPorts } from './ports.ts';

interface Question {
  readonly collection: string;
  readonly set: RecoverySet;
  readonly folder: string;
}

/**
 * Two comparisons, after everything was captured. The index, which was read first, with the collection as it is now: what
 * changed in between may stand in the snapshot in either state. And the set's own vectors with its own rows: what they
 * disagree on, and did not change meanwhile, is torn for ever.
 */
export async function compareParts(
  { vectors, store }: Pick<StackPorts, 'vectors' | 'store'>,
  { collection, set, folder }: Question,
  work: Work,
): Promise<{ disagreements: Counts; tally: Tally; drift: Pick<Drift, 'points' | 'list'> }> {
  const list = new LineWriter<PointId>(store, `${folder}/changed-${randomUUID().slice(0, 8)}.txt`, (id) => id);
  const changed = new Set<PointId>();
  let points: IndexChanges;
  try {
    points = await compareIndexes(
      openLines(store, set.qdrant.index, parseIndexLine),
      told(vectors.readIndex(collection, 'content', work.signal), set.qdrant.points, work),
      async (ids) => {
        for (const id of ids) changed.add(id);
        await list.write(ids);
      },
    );
  } catch (error) {
    await list.abort();
    throw error;
  }
  const { counts, tally } = await reconcileIndexes(store, set, changed);
  return { disagreements: counts, tally, drift: { points, list: (await list.close()).artifact } };
}

/** What the vectors and the rows of one set disagree on, by the indexes of both. */
export async function reconcileIndexes(
  store: StackPorts['store'],
  { qdrant, postgres }: RecoverySet,
  changed: ReadonlySet<PointId>,
): Promise<{ counts: Counts; tally: Tally }> {
  const index = (): Batches<IndexEntry> => openLines(store, qdrant.index, parseIndexLine);
  const rows: Batches<RowEntry> | undefined = postgres?.index && openLines(store, postgres.index, parseRowLine);
  const summary = new DamageSummariser();
  const tally = await reconcile(index(), rows, index(), (findings) =>
    summary.add(findings.filter(({ id }) => !changed.has(id))),
  );
  return { counts: summary.summary(tally).counts, tally };
}

async function* told(entries: Batches<IndexEntry>, total: number, work: Work): Batches<IndexEntry> {
  let done = 0;
  for await (const batch of entries) {
    yield batch;
    done += batch.length;
    work.report({ phase: 'compare what is there now (points)', done, total });
  }
}
