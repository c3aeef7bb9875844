import { z } from 'zod';
import type { ListRef } from '../../domain/artifacts.ts';
import { parseFindingLine } from '../../domain/lines.ts';
import type { AlteredRow, RebuiltRow, RowAlignment } from '../../domain/trace.ts';
import type { StoredPoint } from '../../domain/vector-store.ts';
import type { RepairCounts } from '../contract.ts';
import { openLines } from '../lines.ts';
import type { Work } from '../progress.ts';
import { fieldAt } from './payload.ts';
import type { StackPorts } from './ports.ts';

const BATCH = 500;

/** Where rebuilt rows are written. */
export interface RowWriter {
  /** Payload field by column, for columns besides the ones that every chunk has. */
  readonly payload: Readonly<Record<string, string>>;
  /** @returns how many were written: a row that is there is left alone. @throws UNEXPECTED_SCHEMA, POSTGRES_* */
  insertMissing(rows: readonly RebuiltRow[], signal?: AbortSignal): Promise<number>;
  /** Writes and changes rows in one transaction. @throws UNEXPECTED_SCHEMA, POSTGRES_* */
  align(
    alignment: RowAlignment,
    signal?: AbortSignal,
  ): Promise<{ readonly changed: number; readonly written: number; readonly newer: number }>;
  /** Puts rows back, each only while it is what `align` made of it. */
  revert(
    altered: AsyncIterable<readonly AlteredRow[]>,
    signal?: AbortSignal,
  ): Promise<{ readonly reverted: number; readonly newer: number }>;
  /** @returns how many of them were there */
  remove(ids: readonly string[], signal?: AbortSignal): Promise<number>;
  /** Tables whose rows would be deleted together with a chunk's. */
  cascading(): Promise<string[]>;
}

type Ports = Pick<StackPorts, 'vectors' | 'store' | 'fields'> & {
  readonly rowWriter: Pick<RowWriter, 'payload' | 'insertMissing'>;
};

/**
 * Writes rows for the listed points from what they carry. A point without text, or whose text is gone by now, cannot give
 * a row and is counted. Doing it again writes nothing.
 */
export async function rebuildRows(
  { vectors, store, fields, rowWriter }: Ports,
  { list, collection }: { list: ListRef; collection: string },
  { signal, report }: Work,
): Promise<RepairCounts & { unavailable: number }> {
  let [done, written, unavailable] = [0, 0, 0];
  const flush = async (ids: readonly string[]): Promise<void> => {
    signal.throwIfAborted();
    const points = await vectors.retrieve(collection, ids, signal);
    const rows = points.flatMap((point) => rowOf(point, fields, rowWriter.payload) ?? []);
    written += await rowWriter.insertMissing(rows, signal);
    unavailable += ids.length - rows.length;
    done += ids.length;
    report({ phase: 'rebuild rows from points', done, total: list.count });
  };
  for await (const batch of openLines(store, list.artifact, parseFindingLine)) {
    for (let from = 0; from < batch.length; from += BATCH)
      await flush(batch.slice(from, from + BATCH).map(({ id }) => id));
  }
  return { written, newer: done - written - unavailable, unavailable };
}

const textSchema = z.string().refine((text) => text.trim() !== '');
const scalarSchema = z.union([z.string(), z.number(), z.boolean()]).transform(String);

/** The row that a point tells; undefined without a text and a section. */
export function rowOf(
  { id, payload }: StoredPoint,
  fields: StackPorts['fields'],
  further: Readonly<Record<string, string>>,
): RebuiltRow | undefined {
  const text = textSchema.safeParse(fieldAt(payload, fields.text));
  const source = textSchema.safeParse(fieldAt(payload, fields.source));
  if (!text.success || !source.success) return undefined;
  const at = (path: string | undefined): unknown => (path === undefined ? undefined : fieldAt(payload, path));
  const index = z.int().safeParse(at(fields.chunkIndex));
  const hash = z.string().min(1).safeParse(at(fields.contentHash));
  const values = Object.entries(further).flatMap(([column, path]): [string, string][] => {
    const value = scalarSchema.safeParse(fieldAt(payload, path));
    return value.success ? [[column, value.data]] : [];
  });
  return {
    id,
    text: text.data,
    source: source.data,
    index: index.data,
    hash: hash.data,
    further: Object.fromEntries(values),
  };
}
