import { randomUUID } from 'node:crypto';
import type { ListRef } from '../../domain/artifacts.ts';
import type { Batches, RowEntry } from '../../domain/index-entry.ts';
import { findingLine } from '../../domain/lines.ts';
import type { PointId } from '../../domain/point-id.ts';
import type { Finding } from '../../domain/reconcile.ts';
import { type ContentChange, type ContentList, fateOf, type Known, type Scope } from '../../domain/reindex.ts';
import { LineWriter, writeLines } from '../lines.ts';
import type { Work } from '../progress.ts';
import { knownOf } from './content-source.ts';
import type { StackPorts } from './ports.ts';

type Ports = Pick<StackPorts, 'vectors' | 'rows' | 'store'>;

/** The list against the collection and the rows. */
export async function compareContent(
  { vectors, rows, store }: Ports,
  { collection, content, scope, folder }: { collection: string; content: ContentList; scope: Scope; folder: string },
  { signal, report }: Work,
): Promise<ContentChange> {
  const known = await knownOf(store, content.list);
  const counts = { same: 0, changed: 0, gone: 0 };
  const there = new Set<PointId>();
  const gone = new Map<PointId, string>();
  const kept = new LineWriter(store, keyIn(folder, 'kept'), findingLine);
  try {
    let done = 0;
    for await (const batch of vectors.readIndex(collection, 'text', signal)) {
      const keep: Finding[] = [];
      for (const entry of batch) {
        const fate = fateOf(entry, known, scope);
        if (fate === 'kept') keep.push(asItIs(entry.id, entry.section ?? ''));
        else counts[fate] += 1;
        if (fate === 'gone') gone.set(entry.id, '');
        if (known.texts.has(entry.id)) there.add(entry.id);
      }
      await kept.write(keep);
      done += batch.length;
      report({ phase: 'compare with the collection', done, total: done });
    }
    const ofRows = rows && (await compareRows(rows.readRows(signal), known, scope));
    for (const [id, text] of ofRows?.gone ?? []) gone.set(id, text);
    return {
      ...counts,
      fresh: known.texts.size - there.size,
      kept: await kept.close(),
      goneIds: await writeIds(store, keyIn(folder, 'gone'), gone),
      ...(ofRows
        ? { rows: { ...ofRows.counts, then: await writeIds(store, keyIn(folder, 'rows'), ofRows.then) } }
        : {}),
    };
  } catch (error) {
    await kept.abort();
    throw error;
  }
}

async function compareRows(
  rows: Batches<RowEntry>,
  known: Known,
  scope: Scope,
): Promise<{
  counts: { changed: number; fresh: number; gone: number };
  gone: Map<PointId, string>;
  then: Map<PointId, string>;
}> {
  const [gone, then] = [new Map<PointId, string>(), new Map<PointId, string>()];
  let there = 0;
  for await (const batch of rows)
    for (const row of batch) {
      const fate = fateOf(row, known, scope);
      if (fate === 'gone') gone.set(row.id, row.text);
      if (fate === 'changed') then.set(row.id, row.text);
      if (fate === 'same' || fate === 'changed') there += 1;
    }
  return { counts: { changed: then.size, fresh: known.texts.size - there, gone: gone.size }, gone, then };
}

/** A point that is copied whole, into a collection that does not have it. */
function asItIs(id: PointId, section: string): Finding {
  return { id, class: 'missing', remedy: 'copy', section, text: '', live: '', set: '' };
}

function writeIds(store: StackPorts['store'], key: string, ids: ReadonlyMap<PointId, string>): Promise<ListRef> {
  const once = async function* (): Batches<[PointId, string]> {
    yield [...ids];
  };
  return writeLines(store, key, once(), ([id, text]) => `${id}\t${text}`);
}

/** Every attempt writes under names of its own, since artifacts are never replaced. */
function keyIn(folder: string, name: string): string {
  return `${folder}/${name}-${randomUUID().slice(0, 8)}.ndjson`;
}
