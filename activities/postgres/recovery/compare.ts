import { randomUUID } from 'node:crypto';
import type { ArtifactStore } from '../../../domain/artifacts.ts';
import type { Place, TableDiff } from '../../../domain/database-state.ts';
import { LineWriter } from '../../lines.ts';
import type { Work } from '../../progress.ts';
import { LONG_DEADLINES, PATIENCE, type Session, withSession } from '../client.ts';
import { fixTexts, rowHashSql } from '../table-state.ts';
import { commonColumns, commonKey, findTable, keySql, type Table } from './catalog.ts';
import { chunkFieldsSql } from './chunk-fields.ts';
import { type Keyed, type KeyedRead, readKeyed } from './keyed-rows.ts';
import { mergeKeyed, type Pair } from './merge.ts';
import { keyPart, type RecoveryParts } from './parts.ts';

interface Question {
  readonly earlier: Place;
  readonly later: Place;
  readonly tables: readonly string[];
  readonly folder: string;
}

/**
 * Compares tables row by row, each state as of one moment, in constant memory.
 * @throws POSTGRES_*, STORE_*, UNKNOWN_ID_TYPE
 */
export async function compareDatabases(
  parts: RecoveryParts,
  { earlier, later, tables, folder }: Question,
  work: Work,
): Promise<TableDiff[]> {
  const [earlierUrl, laterUrl] = [await parts.urlOf(earlier), await parts.urlOf(later)];
  const reading = <T>(url: typeof earlierUrl, task: (session: Session) => Promise<T>): Promise<T> =>
    withSession(url, 'read', task, LONG_DEADLINES, work.signal);
  return reading(earlierUrl, (one) =>
    reading(laterUrl, async (other) => {
      const diffs: TableDiff[] = [];
      for (const session of [one, other]) {
        await fixTexts(session);
        await session.run(PATIENCE);
      }
      for (const name of tables) {
        const sides = await sidesOf(parts, name, [one, other]);
        if (sides) diffs.push(await compareTable(parts.store, { name, folder, sides }, work));
      }
      return diffs;
    }),
  );
}

interface Side {
  readonly session: Session;
  readonly read: KeyedRead;
}

/** How both are read; `undefined` for a table that cannot be compared. */
async function sidesOf(
  { config }: RecoveryParts,
  name: string,
  [one, other]: [Session, Session],
): Promise<[Side, Side] | undefined> {
  const [before, after] = [await findTable(one, name), await findTable(other, name)];
  if (!before || !after) return undefined;
  const key = commonKey(before, after);
  if (!key) return undefined;
  const hash = rowHashSql(commonColumns(before, after));
  const side = async (session: Session, table: Table): Promise<Side> => {
    const more = await chunkFieldsSql(session, config, table);
    return { session, read: { table: table.sql, key: keySql(key), hash, more } };
  };
  return [await side(one, before), await side(other, after)];
}

const LISTS = ['removed', 'changed', 'added'] as const;

async function compareTable(
  store: ArtifactStore,
  { name, folder, sides }: { name: string; folder: string; sides: [Side, Side] },
  work: Work,
): Promise<TableDiff> {
  // Every attempt writes under names of its own, since artifacts are never replaced.
  const place = `${folder}/${keyPart(name)}-${randomUUID().slice(0, 8)}`;
  const open = (list: string): LineWriter<Keyed> => new LineWriter(store, `${place}-${list}.tsv`, ({ line }) => line);
  const lists = { removed: open('removed'), changed: open('changed'), added: open('added') };
  const [one, other] = sides.map(({ session, read }) => readKeyed(session, read, work.signal));
  let [same, done] = [0, 0];
  try {
    if (one && other)
      for await (const pairs of mergeKeyed(one, other)) {
        const found = sortOut(pairs);
        for (const list of LISTS) await lists[list].write(found[list]);
        same += found.same;
        done += pairs.length;
        work.report({ phase: `compare ${name} (rows)`, done, total: done });
      }
    return {
      table: name,
      same,
      removed: await lists.removed.close(),
      changed: await lists.changed.close(),
      added: await lists.added.close(),
    };
  } catch (error) {
    await Promise.all(LISTS.map((list) => lists[list].abort()));
    throw error;
  }
}

/** Removed and changed rows as they were, added ones as they are. */
function sortOut(pairs: readonly Pair[]): Record<(typeof LISTS)[number], Keyed[]> & { same: number } {
  const found = { removed: [] as Keyed[], changed: [] as Keyed[], added: [] as Keyed[], same: 0 };
  for (const { one, other } of pairs) {
    if (one === undefined) {
      if (other !== undefined) found.added.push(other);
    } else if (other === undefined) found.removed.push(one);
    else if (one.hash === other.hash) found.same += 1;
    else found.changed.push(one);
  }
  return found;
}
