import { randomUUID } from 'node:crypto';
import type { ListRef } from '../../domain/artifacts.ts';
import type { TableDiff } from '../../domain/database-state.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { LineWriter, openLines } from '../lines.ts';
import type { Work } from '../progress.ts';
import type { StackPorts } from './ports.ts';

const BATCH = 1_000;

type Ports = Pick<StackPorts, 'vectors' | 'rows' | 'store'>;

interface Question {
  readonly diff: TableDiff;
  readonly collection: string;
  readonly folder: string;
}

/** A line of a list of chunk rows, and what it tells of the chunk. */
interface ChunkLine {
  readonly line: string;
  readonly point: string;
  readonly text: string;
}

/**
 * Which of the rows that are gone or changed were taken away or edited on purpose. One whose point is gone as well was taken
 * away; one whose point says what the row says now was edited. The others are damage: their lists are given back.
 */
export async function judgeLostChunks(
  { vectors, rows, store }: Ports,
  { diff, collection, folder }: Question,
  { signal, report }: Work,
): Promise<{ removed: ListRef; changed: ListRef }> {
  const total = diff.removed.count + diff.changed.count;
  let done = 0;
  const keep = async (list: ListRef, name: string, isDamage: Judge): Promise<ListRef> => {
    if (list.count === 0) return list;
    const writer = new LineWriter<string>(
      store,
      `${folder}/lost-chunks-${name}-${randomUUID().slice(0, 8)}.tsv`,
      (line) => line,
    );
    try {
      for await (const batch of openLines(store, list.artifact, parseLine)) {
        for (let from = 0; from < batch.length; from += BATCH) {
          signal.throwIfAborted();
          const lines = batch.slice(from, from + BATCH);
          const damaged = await isDamage(lines);
          await writer.write(lines.filter((one) => damaged(one)).map(({ line }) => line));
          done += lines.length;
          report({ phase: 'compare lost chunks with their vectors', done, total });
        }
      }
      return await writer.close();
    } catch (error) {
      await writer.abort();
      throw error;
    }
  };
  const pointsOf = async (lines: readonly ChunkLine[]): Promise<ReadonlyMap<string, string>> => {
    const ids = lines.map(({ point }) => point).filter((id) => id !== '');
    const found = await vectors.retrieve(collection, ids, signal);
    return new Map(found.map(({ id, entry }) => [id, entry.text]));
  };
  const removed = await keep(diff.removed, 'removed', async (lines) => {
    const points = await pointsOf(lines);
    return ({ point }) => points.has(point);
  });
  const changed = await keep(diff.changed, 'changed', async (lines) => {
    const [points, now] = await Promise.all([
      pointsOf(lines),
      rows?.readTexts(
        lines.map(({ point }) => point),
        signal,
      ),
    ]);
    const texts = new Map(now?.map(({ id, fingerprint }) => [id, fingerprint]));
    // An edit has come to both. A row whose text is what it was has changed in what points do not tell.
    return ({ point, text }) => {
      const present = texts.get(point);
      return present === undefined || present === text || points.get(point) !== present;
    };
  });
  return { removed, changed };
}

type Judge = (lines: readonly ChunkLine[]) => Promise<(line: ChunkLine) => boolean>;

/** `key TAB hash TAB point id TAB text fingerprint`, as `TableDiff` says. */
function parseLine(line: string): ChunkLine {
  const [, , point, text] = line.split('\t');
  if (point === undefined || text === undefined)
    throw new RecoveryError('SET_TAMPERED', `lost chunks: not a line of chunks: ${line.slice(0, 80)}`);
  return { line, point, text };
}
