import type { ListRef } from '../../domain/artifacts.ts';
import { RecoveryError } from '../../domain/failures.ts';
import type { PointId } from '../../domain/point-id.ts';
import type { Finding } from '../../domain/reconcile.ts';
import type { RepairCounts } from '../contract.ts';
import type { Work } from '../progress.ts';
import { entryOf } from './fingerprint.ts';
import { EVERYTHING, NOTHING, readPoints, upsertBytes } from './points.ts';
import type { Tools } from './tools.ts';
import { mustKnowUpdateModes } from './version.ts';
import { workThrough } from './work-through.ts';

interface Copy {
  readonly list: ListRef;
  readonly from: string;
  readonly to: string;
}

/** Copies the listed points. What was absent is inserted, never overwritten; what was there must still be as assessed. */
export async function copyPoints(tools: Tools, { list, from, to }: Copy, work: Work): Promise<RepairCounts> {
  await mustKnowUpdateModes(tools.connection);
  return workThrough(tools, `copy points from ${from}`, [list], work, async (findings) => {
    const between = { from, to, signal: work.signal };
    const [absent, present] = await Promise.all([
      copyAbsent(
        tools,
        between,
        findings.filter(({ live }) => live === ''),
      ),
      copyPresent(
        tools,
        between,
        findings.filter(({ live }) => live !== ''),
      ),
    ]);
    return { written: absent.written + present.written, newer: absent.newer + present.newer };
  });
}

interface Between {
  readonly from: string;
  readonly to: string;
  readonly signal: AbortSignal;
}

/** The fast path: bytes go through unread, and Qdrant itself leaves alone what exists by now. */
async function copyAbsent(
  tools: Tools,
  { from, to, signal }: Between,
  findings: readonly Finding[],
): Promise<RepairCounts> {
  const ids = findings.map(({ id }) => id);
  const [source, there] = await Promise.all([
    sourceBytes(tools, from, ids, signal),
    readPoints(tools.connection, to, ids, NOTHING, signal),
  ]);
  const missing = ids.flatMap((id, i) => (there.has(id) ? [] : [source[i] as Buffer]));
  await upsertBytes(tools.connection, to, missing, 'insert_only', signal);
  const healed = await countHealed(
    tools,
    to,
    findings.filter(({ id }) => there.has(id)),
    signal,
  );
  return { written: missing.length + healed, newer: there.size - healed };
}

/** How many are what a copy makes them: done by an attempt before this one. */
async function countHealed(
  { connection, mapping }: Tools,
  to: string,
  findings: readonly Finding[],
  signal: AbortSignal,
): Promise<number> {
  const now = await readPoints(
    connection,
    to,
    findings.map(({ id }) => id),
    EVERYTHING,
    signal,
  );
  return findings.filter(({ id, set }) => {
    const point = now.get(id);
    return point && entryOf(point, mapping).body === set;
  }).length;
}

async function copyPresent(
  tools: Tools,
  { from, to, signal }: Between,
  findings: readonly Finding[],
): Promise<RepairCounts> {
  const now = await readPoints(
    tools.connection,
    to,
    findings.map(({ id }) => id),
    EVERYTHING,
    signal,
  );
  const writing: PointId[] = [];
  let healed = 0;
  for (const { id, live, set } of findings) {
    const point = now.get(id);
    const body = point && entryOf(point, tools.mapping).body;
    if (body === set) healed += 1;
    else if (body === live) writing.push(id);
  }
  await upsertBytes(tools.connection, to, await sourceBytes(tools, from, writing, signal), 'update_only', signal);
  const written = healed + writing.length;
  return { written, newer: findings.length - written };
}

/** The JSON of every listed point, in that order. @throws RESTORE_INCOMPLETE naming the first that is not there */
async function sourceBytes(
  { connection }: Tools,
  from: string,
  ids: readonly PointId[],
  signal: AbortSignal,
): Promise<Buffer[]> {
  const found = await readPoints(connection, from, ids, EVERYTHING, signal);
  return ids.map((id) => {
    const point = found.get(id);
    if (point) return point.json;
    throw new RecoveryError('RESTORE_INCOMPLETE', `point ${id} is in the recovery set’s index and not in ${from}`);
  });
}
