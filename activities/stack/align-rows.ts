import { hash, randomUUID } from 'node:crypto';
import type { ListRef } from '../../domain/artifacts.ts';
import { RecoveryError } from '../../domain/failures.ts';
import type { Batches } from '../../domain/index-entry.ts';
import type { PointId } from '../../domain/point-id.ts';
import { parseContentLine } from '../../domain/reindex.ts';
import type { AlteredRow, RebuiltRow } from '../../domain/trace.ts';
import { inBatches, LineWriter, openLines } from '../lines.ts';
import type { Work } from '../progress.ts';
import type { StackPorts } from './ports.ts';
import { type RowWriter, rowOf } from './rebuild.ts';

const BATCH = 500;
const KEPT = /\/rows-before-[0-9a-f]{8}\.ndjson$/;

type Ports = Pick<StackPorts, 'vectors' | 'store' | 'fields'> & { readonly rowWriter: RowWriter };

/** Lets rows say what the points of the listed chunks say. */
export async function alignRows(
  { vectors, store, fields, rowWriter }: Ports,
  { list, then, collection, folder }: { list: ListRef; then: ListRef; collection: string; folder: string },
  { signal, report }: Work,
): Promise<{ changed: number; written: number; newer: number }> {
  const before = new LineWriter<AlteredRow>(store, `${folder}/rows-before-${randomUUID().slice(0, 8)}.ndjson`, (row) =>
    JSON.stringify(row),
  );
  const rows = async function* (): Batches<RebuiltRow> {
    let done = 0;
    for await (const chunks of inBatches(openLines(store, list.artifact, parseContentLine), BATCH, 0)) {
      signal.throwIfAborted();
      const ids = chunks.map(({ id }) => id);
      const points = await vectors.retrieve(collection, ids, signal);
      yield points.flatMap((point) => rowOf(point, fields, rowWriter.payload) ?? []);
      report({ phase: 'align rows', done: (done += ids.length), total: list.count });
    }
  };
  try {
    return await rowWriter.align(
      {
        rows: rows(),
        then: new Map(await readPairs(store, then)),
        keep: (altered) => before.write(altered),
        seal: async () => void (await before.close()),
      },
      signal,
    );
  } catch (error) {
    await before.abort();
    throw error;
  }
}

/** What every attempt of a run kept: one that was not committed changes nothing, since no row says what it meant to write. */
export async function revertRows(
  { store, rowWriter }: Pick<Ports, 'store' | 'rowWriter'>,
  { folder }: { folder: string },
  { signal }: Pick<Work, 'signal'>,
): Promise<{ reverted: number; newer: number }> {
  const keys = (await store.list(`${folder}/`)).filter((key) => KEPT.test(key));
  const total = { reverted: 0, newer: 0 };
  for (const key of keys) {
    const bytes = await store.readSmall(key);
    if (!bytes || bytes.length === 0) continue;
    const lines = async function* (): Batches<AlteredRow> {
      const artifact = { key, bytes: bytes.length, sha256: hash('sha256', bytes, 'hex') };
      yield* openLines(store, artifact, (line) => JSON.parse(line) as AlteredRow);
    };
    const { reverted, newer } = await rowWriter.revert(lines(), signal);
    total.reverted += reverted;
    total.newer += newer;
  }
  return total;
}

/** A chunk that somebody has taken in again meanwhile has a point, and keeps its row. */
export async function removeGoneRows(
  { vectors, store, rowWriter }: Pick<Ports, 'vectors' | 'store' | 'rowWriter'>,
  { goneIds, collection }: { goneIds: ListRef; collection: string },
  { signal }: Pick<Work, 'signal'>,
): Promise<{ removed: number }> {
  let removed = 0;
  for await (const ids of inBatches(openLines(store, goneIds.artifact, idOf), BATCH, 0)) {
    const there = new Set((await vectors.retrieve(collection, ids, signal)).map(({ id }) => id));
    removed += await rowWriter.remove(
      ids.filter((id) => !there.has(id)),
      signal,
    );
  }
  return { removed };
}

/** @throws UNEXPECTED_SCHEMA naming tables whose rows a constraint would delete together with a chunk's */
export async function mustNotCascade({ rowWriter }: Pick<Ports, 'rowWriter'>): Promise<void> {
  const tables = await rowWriter.cascading();
  if (tables.length === 0) return;
  throw new RecoveryError(
    'UNEXPECTED_SCHEMA',
    `postgres.tables.chunks: rows of chunks that the source has no more would take rows of ${tables.join(', ')} with them (ON DELETE CASCADE); start again with \`keepGone: true\`, or change the constraint`,
  );
}

async function readPairs(store: StackPorts['store'], list: ListRef): Promise<[PointId, string][]> {
  const pairs: [PointId, string][] = [];
  for await (const batch of openLines(store, list.artifact, (line) => line.split('\t'))) {
    for (const [id = '', text = ''] of batch) pairs.push([id, text]);
  }
  return pairs;
}

function idOf(line: string): PointId {
  return line.slice(0, line.indexOf('\t'));
}
