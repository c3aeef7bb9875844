import { z } from 'zod';
import { type Artifact, contentOf } from '../../domain/artifacts.ts';
import { RecoveryError } from '../../domain/failures.ts';
import type { Work } from '../progress.ts';
import { pathOf } from './address.ts';
import { countPoints, dropScratch, exists, mustBeScratch, removeArchives } from './collections.ts';
import { QdrantFailure } from './failure.ts';
import { readMetadata, writeMetadata } from './identity.ts';
import { sleep } from '../sleep.ts';
import type { Tools } from './tools.ts';
import { upload } from './upload.ts';

interface Restore {
  readonly snapshot: Artifact;
  readonly scratch: string;
  readonly points?: number | undefined;
}

/** Metadata of a scratch collection that is complete: the SHA-256 of the archive that it was restored from. */
const DONE_MARK = 'dr_restored_from';
/** Looks in a row that must agree where no count was told. */
const STEADY_LOOKS = 3;

const clusterSchema = z.object({ result: z.object({ local_shards: z.array(z.object({ state: z.string() })) }) });

/**
 * Brings a snapshot up as a collection of its own. A complete one is adopted, an incomplete one of our own making is
 * dropped first, and a lost answer is waited out: the server goes on restoring whether or not anybody listens.
 */
export async function restoreBeside(tools: Tools, restore: Restore, work: Work): Promise<{ points: number }> {
  const { connection, patience } = tools;
  const { snapshot, scratch } = restore;
  mustBeScratch(scratch);
  if (await exists(connection, scratch, work.signal)) {
    const adopted = await completePoints(tools, restore, work.signal);
    if (adopted !== undefined) return finish(tools, restore, adopted, work.signal);
    await dropScratch(connection, scratch, work.signal);
  }
  const told = (done: number): void =>
    work.report({ phase: `restore into ${scratch}`, done, total: contentOf(snapshot).bytes });
  told(0);
  try {
    const request = { archive: snapshot, collection: scratch, deadlineMs: patience.restoreMs };
    const outcome = await upload(connection, tools.store, request, told, work.signal);
    if (outcome !== 'restored') await waitOut(tools, restore, outcome.unknown, work.signal);
    return await finish(tools, restore, await countPoints(connection, scratch, work.signal), work.signal);
  } catch (error) {
    if (isFinal(error)) await dropScratch(connection, scratch).catch(() => undefined);
    throw error;
  }
}

/** After a definite refusal nothing more will come of the attempt: what it left would only be in the way. */
function isFinal(error: unknown): boolean {
  return error instanceof RecoveryError && !(error instanceof QdrantFailure && error.code !== 'QDRANT_REFUSED');
}

/** Marks a restored collection as complete, and takes the uploaded archive off the server's disk. */
async function finish(
  { connection }: Tools,
  { snapshot, scratch, points: expected }: Restore,
  points: number,
  signal: AbortSignal,
): Promise<{ points: number }> {
  if (expected !== undefined && points !== expected) {
    throw new RecoveryError(
      'RESTORE_INCOMPLETE',
      `${scratch} has ${points} points after the restore, the set says ${expected}`,
    );
  }
  const { status } = await connection.call(`look at ${scratch}`, (client) => client.getCollection(scratch), signal);
  if (status === 'red')
    throw new RecoveryError('RESTORE_INCOMPLETE', `${scratch} is red after the restore: an operation failed`);
  await writeMetadata(connection, scratch, { [DONE_MARK]: contentOf(snapshot).sha256 });
  await removeArchives(connection, scratch, signal);
  return { points };
}

/** The number of points of a scratch collection that an earlier attempt completed, or `undefined`. */
async function completePoints(
  { connection }: Tools,
  { snapshot, scratch, points: expected }: Restore,
  signal: AbortSignal,
): Promise<number | undefined> {
  try {
    const points = await countPoints(connection, scratch, signal);
    if (expected !== undefined) return points === expected ? points : undefined;
    return (await readMetadata(connection, scratch))[DONE_MARK] === contentOf(snapshot).sha256 ? points : undefined;
  } catch (error) {
    // A collection whose restore failed half way answers 500 to every question.
    if (error instanceof QdrantFailure && error.code === 'QDRANT_REFUSED') return undefined;
    throw error;
  }
}

/** Waits for a restore whose answer was lost. @throws that failure when it does not show up */
async function waitOut(tools: Tools, restore: Restore, lost: QdrantFailure, signal: AbortSignal): Promise<void> {
  let [steady, last] = [0, -1];
  for (let waited = 0; waited <= tools.patience.lookMs; waited += tools.patience.pollMs) {
    const points = (await exists(tools.connection, restore.scratch, signal))
      ? await peek(tools, restore, signal)
      : undefined;
    if (points !== undefined && points === restore.points) return;
    steady = points !== undefined && points > 0 && points === last ? steady + 1 : 0;
    last = points ?? -1;
    if (restore.points === undefined && steady >= STEADY_LOOKS) return;
    await sleep(tools.patience.pollMs, signal);
  }
  throw lost;
}

/** The count once every shard is active; `undefined` while the server is still at it. */
async function peek({ connection }: Tools, { scratch }: Restore, signal: AbortSignal): Promise<number | undefined> {
  const answer = await connection.exchange({
    what: `look at the shards of ${scratch}`,
    method: 'GET',
    path: pathOf(scratch, '/cluster'),
    signal,
  });
  const { result } = clusterSchema.parse(JSON.parse(answer.toString('utf8')));
  if (!result.local_shards.every(({ state }) => state === 'Active')) return undefined;
  return countPoints(connection, scratch, signal);
}
