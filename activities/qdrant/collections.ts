import { RecoveryError } from '../../domain/failures.ts';
import type { QdrantConnection } from './client.ts';

const SCRATCH = /^dr-./;

/** Whether a collection (or alias) of that name exists. */
export async function exists(connection: QdrantConnection, collection: string, signal?: AbortSignal): Promise<boolean> {
  const what = `look for collection ${collection}`;
  return (await connection.call(what, (client) => client.collectionExists(collection), signal)).exists;
}

/** Exact number of points. @throws QDRANT_REFUSED where strict mode forbids exact counts: an estimate proves nothing */
export async function countPoints(
  connection: QdrantConnection,
  collection: string,
  signal?: AbortSignal,
): Promise<number> {
  const what = `count the points of ${collection}`;
  return (await connection.call(what, (client) => client.count(collection, { exact: true }), signal)).count;
}

/** @throws INVALID_INPUT for a name that no run can have made for itself */
export function mustBeScratch(name: string): void {
  if (SCRATCH.test(name)) return;
  throw new RecoveryError('INVALID_INPUT', `${name} is not a scratch collection: those begin with dr-`);
}

/**
 * Removes a scratch collection and the archives that were uploaded to it; archives outlive their collection otherwise,
 * and can only be listed while it exists. Absent is fine.
 */
export async function dropScratch(connection: QdrantConnection, scratch: string, signal?: AbortSignal): Promise<void> {
  mustBeScratch(scratch);
  if (!(await exists(connection, scratch, signal))) return;
  await removeArchives(connection, scratch, signal);
  await connection.call(`remove ${scratch}`, (client) => client.deleteCollection(scratch), signal);
}

/** What an upload of ours is called: a server's own snapshots, and those that people put there, have other names. */
const UPLOADED = /^[0-9a-f]{64}\.snapshot$/;

/**
 * Whether an archive came by an upload of ours. Snapshots outlive their collection, and are listed again once there is one of that
 * name: what somebody else left is not ours to remove.
 */
export function isUpload(name: string): boolean {
  return UPLOADED.test(name);
}

/** Removes archives in a collection's list: every one, or those of some names. */
export async function removeArchives(
  connection: QdrantConnection,
  collection: string,
  signal?: AbortSignal,
  which: (name: string) => boolean = () => true,
): Promise<void> {
  const what = `remove the archives of ${collection}`;
  for (const { name } of await connection.call(what, (client) => client.listSnapshots(collection), signal)) {
    if (which(name)) await connection.call(what, (client) => client.deleteSnapshot(collection, name), signal);
  }
}
