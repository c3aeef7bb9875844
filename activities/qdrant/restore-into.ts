import { type Artifact, contentOf } from '../../domain/artifacts.ts';
import { RecoveryError } from '../../domain/failures.ts';
import type { Work } from '../progress.ts';
import { countPoints, isUpload, removeArchives } from './collections.ts';
import { readMetadata, writeMetadata } from './identity.ts';
import { inTurn } from './in-turn.ts';
import { type Made, standingOf } from './ownership.ts';
import { DONE_MARK } from './restore.ts';
import { awaitNoRestore, mustBeWhole, waitOut } from './restoring.ts';
import type { Tools } from './tools.ts';
import { upload } from './upload.ts';

/** Metadata of a collection that is being filled: the archives that are in it already. */
const PARTS_MARK = 'dr_restored_parts';

interface Filling extends Made {
  /** One a node, in the order of the nodes. */
  readonly snapshots: readonly Artifact[];
  readonly points?: number | undefined;
}

/**
 * Restores snapshots into a collection that was made for it, one after the other, each on a node of its own as far as there are
 * nodes. One that is complete is adopted, however many points came or went since. What a lost attempt has sent is waited out
 * before anything is sent again: to restore the same archive twice does no harm, to do so at once does.
 */
export async function restoreInto(
  nodes: readonly [Tools, ...Tools[]],
  filling: Filling,
  work: Work,
): Promise<{ points: number }> {
  const [first] = nodes;
  const { connection } = first;
  const { collection, points: expected } = filling;
  await mustBeMade(first, filling, work.signal);
  const wanted = filling.snapshots.map((snapshot) => contentOf(snapshot).sha256);
  const marks = await readMetadata(connection, collection);
  const complete = wanted.join(' ');
  if (marks[DONE_MARK] === complete) return { points: await countPoints(connection, collection, work.signal) };
  const parts = marks[PARTS_MARK];
  const done = new Set(typeof parts === 'string' ? parts.split(' ') : []);
  for (const [at, snapshot] of filling.snapshots.entries()) {
    const sha256 = contentOf(snapshot).sha256;
    if (done.has(sha256)) continue;
    await fill(nodes[at] ?? first, filling, snapshot, work);
    done.add(sha256);
    await writeMetadata(connection, collection, { [PARTS_MARK]: wanted.filter((one) => done.has(one)).join(' ') });
  }
  const points = await countPoints(connection, collection, work.signal);
  await mustBeWhole(connection, { collection, points, expected }, work.signal);
  await writeMetadata(connection, collection, { [DONE_MARK]: complete });
  for (const node of nodes) await removeArchives(node.connection, collection, work.signal, isUpload);
  return { points };
}

/** @throws RESTORE_INCOMPLETE when there is nothing to restore into, or what an earlier restore left does not load */
async function mustBeMade({ connection }: Tools, filling: Filling, signal: AbortSignal): Promise<void> {
  const standing = await standingOf(connection, filling, signal);
  if (standing === 'mine') return;
  const why = standing === 'absent' ? 'is not there' : 'cannot be read after a restore that failed half way';
  throw new RecoveryError('RESTORE_INCOMPLETE', `${filling.collection} ${why}: it must be made anew`);
}

/** Puts one archive in. */
async function fill(node: Tools, filling: Filling, snapshot: Artifact, work: Work): Promise<void> {
  const { connection, patience, store } = node;
  const { collection } = filling;
  const told = (done: number): void =>
    work.report({ phase: `restore into ${collection}`, done, total: contentOf(snapshot).bytes });
  await inTurn(`${connection.config.url} ${collection}`, async () => {
    await awaitNoRestore(node, collection, work.signal);
    // What several archives come to together is not known of each.
    const points = filling.snapshots.length === 1 ? filling.points : undefined;
    const before = await countPoints(connection, collection, work.signal);
    // Nobody writes into it before it is complete: an attempt that was lost has come to its end after all.
    if (before > 0 && before === points) return;
    told(0);
    const request = { archive: snapshot, collection, deadlineMs: patience.restoreMs };
    const outcome = await upload(connection, store, request, told, work.signal);
    if (outcome === 'restored') return;
    await waitOut(node, { collection, points, before }, outcome.unknown, work.signal);
  });
}
