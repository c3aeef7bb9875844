import { type Artifact, contentOf } from '../../domain/artifacts.ts';
import { RecoveryError } from '../../domain/failures.ts';
import type { Work } from '../progress.ts';
import { countPoints, dropScratch, exists, mustBeScratch, removeArchives } from './collections.ts';
import { QdrantFailure } from './failure.ts';
import { readMetadata, writeMetadata } from './identity.ts';
import { mustBeWhole, waitOut } from './restoring.ts';
import type { Tools } from './tools.ts';
import { upload } from './upload.ts';

interface Restore {
  readonly snapshot: Artifact;
  readonly scratch: string;
  readonly points?: number | undefined;
}

/** Metadata of a scratch collection that is complete: the SHA-256 of the archive that it was restored from. */
export const DONE_MARK = 'dr_restored_from';

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
    if (outcome !== 'restored') {
      const awaited = { collection: scratch, points: restore.points, before: 0 };
      await waitOut(tools, awaited, outcome.unknown, work.signal);
    }
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
  await mustBeWhole(connection, { collection: scratch, points, expected }, signal);
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
