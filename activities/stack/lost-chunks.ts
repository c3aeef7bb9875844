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

/** Which lines of a batch are damage. */
type Judge = (lines: readonly ChunkLine[]) => Promise<(line: ChunkLine) => boolean>;

/**
 * Which of the rows that are gone or changed were taken away or edited on purpose. One whose point is gone as well was taken
 * away; one whose point says what the row says now was edited. The others are damage: their lists are given back.
 */
export async function judgeLostChunks(
  ports: Ports,
  { diff, collection, folder }: Question,
  work: Work,
): Promise<{ removed: ListRef; changed: ListRef }> {
  const pointsOf = async (lines: readonly ChunkLine[]): Promise<ReadonlyMap<string, string>> => {
    const found = await ports.vectors.retrieve(collection, idsOf(lines), work.signal);
    return new Map(found.map(({ id, entry }) => [id, entry.text]));
  };
  const wasRemoved: Judge = async (lines) => {
    const points = await pointsOf(lines);
    return ({ point }) => points.has(point);
  };
  const wasSpoilt: Judge = async (lines) => {
    const [points, now] = await Promise.all([pointsOf(lines), ports.rows?.readTexts(idsOf(lines), work.signal)]);
    const texts = new Map(now?.map(({ id, fingerprint }) => [id, fingerprint]));
    // An edit has come to both. A row whose text is what it was has changed in what points do not tell.
    return ({ point, text }) => {
      const present = texts.get(point);
      return present === undefined || present === text || points.get(point) !== present;
    };
  };
  const key = (name: string): string => `${folder}/lost-chunks-${name}-${randomUUID().slice(0, 8)}.tsv`;
  return {
    removed: await keepDamage(ports, diff.removed, { key: key('removed'), judge: wasRemoved }, work),
    changed: await keepDamage(ports, diff.changed, { key: key('changed'), judge: wasSpoilt }, work),
  };
}

function idsOf(lines: readonly ChunkLine[]): string[] {
  return lines.map(({ point }) => point).filter((id) => id !== '');
}

/** The lines of a list that are damage, as a list of their own. */
async function keepDamage(
  { store }: Ports,
  list: ListRef,
  { key, judge }: { key: string; judge: Judge },
  { signal, report }: Work,
): Promise<ListRef> {
  if (list.count === 0) return list;
  const writer = new LineWriter<string>(store, key, (line) => line);
  let done = 0;
  try {
    for await (const batch of openLines(store, list.artifact, parseLine)) {
      for (let from = 0; from < batch.length; from += BATCH) {
        signal.throwIfAborted();
        const lines = batch.slice(from, from + BATCH);
        const isDamage = await judge(lines);
        await writer.write(lines.filter((one) => isDamage(one)).map(({ line }) => line));
        done += lines.length;
        report({ phase: 'compare lost chunks with their vectors', done, total: list.count });
      }
    }
    return await writer.close();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

/** `key TAB hash TAB point id TAB text fingerprint`, as `TableDiff` says. */
function parseLine(line: string): ChunkLine {
  const [, , point, text] = line.split('\t');
  if (point === undefined || text === undefined)
    throw new RecoveryError('SET_TAMPERED', `lost chunks: not a line of chunks: ${line.slice(0, 80)}`);
  return { line, point, text };
}
