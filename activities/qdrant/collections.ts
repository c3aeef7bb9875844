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

/** Removes every archive in a scratch collection's list. */
export async function removeArchives(
  connection: QdrantConnection,
  scratch: string,
  signal?: AbortSignal,
): Promise<void> {
  mustBeScratch(scratch);
  const what = `remove the archives of ${scratch}`;
  for (const { name } of await connection.call(what, (client) => client.listSnapshots(scratch), signal)) {
    await connection.call(what, (client) => client.deleteSnapshot(scratch, name), signal);
  }
}
