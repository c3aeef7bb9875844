import { createHash } from 'node:crypto';
import { RecoveryError } from '../../domain/failures.ts';
import type { QdrantConnection } from './client.ts';
import { isUpload, removeArchives } from './collections.ts';
import { QdrantFailure } from './failure.ts';
import { readMetadata } from './identity.ts';

/** Metadata of a collection that a run has made: whose it is. */
export const MADE_BY = 'dr_made_by';
const CLAIM = /^dr-made-by-[0-9a-f]{16}$/;

export interface Made {
  readonly collection: string;
  readonly owner: string;
}

/** `unreadable`: made by this owner, but its shard did not come up, so that it answers 500 to nearly everything. */
export type Standing = 'absent' | 'mine' | 'unreadable';

/**
 * Whether a name is free, or stands for a collection that this owner made.
 * @throws NAME_TAKEN when it is an alias, or somebody else's collection
 */
export async function standingOf(
  connection: QdrantConnection,
  { collection, owner }: Made,
  signal?: AbortSignal,
): Promise<Standing> {
  const aliases = await listAliases(connection, signal);
  const target = aliases.get(collection);
  if (target !== undefined) throw taken(connection, collection, `it is an alias of ${target}`);
  if (!(await listCollections(connection, signal)).includes(collection)) return 'absent';
  try {
    const by = (await readMetadata(connection, collection))[MADE_BY];
    if (by === owner) return 'mine';
    throw taken(connection, collection, by === undefined ? 'no run of ours made it' : `${JSON.stringify(by)} made it`);
  } catch (error) {
    if (!(error instanceof QdrantFailure && error.status === 500)) throw error;
    if (aliases.get(claimOf({ collection, owner })) === collection) return 'unreadable';
    throw taken(connection, collection, `it cannot be read, and nothing else tells whose it is (${error.message})`);
  }
}

/** Drops a collection that this owner made, with the archives that were uploaded to it. @throws NAME_TAKEN */
export async function dropMade(connection: QdrantConnection, made: Made, signal?: AbortSignal): Promise<void> {
  const standing = await standingOf(connection, made, signal);
  if (standing === 'absent') return;
  const { collection } = made;
  const tidied = removeArchives(connection, collection, signal, isUpload);
  // A collection that cannot be read may not list its archives either: it must go all the same.
  await (standing === 'mine' ? tidied : tidied.catch(() => signal?.throwIfAborted()));
  await connection.call(`remove ${collection}`, (client) => client.deleteCollection(collection), signal);
}

/**
 * Metadata cannot be read once a restore has left a shard that does not load; an alias still can. It goes with the
 * collection, or when the collection is finished.
 */
export async function claim(connection: QdrantConnection, made: Made, signal?: AbortSignal): Promise<void> {
  const create_alias = { collection_name: made.collection, alias_name: claimOf(made) };
  await changeAliases(connection, [{ create_alias }], signal);
}

/** Takes the claims on a collection away. */
export async function unclaim(connection: QdrantConnection, collection: string, signal?: AbortSignal): Promise<void> {
  const claims = [...(await listAliases(connection, signal))].filter(([a, c]) => c === collection && isClaim(a));
  const actions = claims.map(([alias_name]) => ({ delete_alias: { alias_name } }));
  if (actions.length > 0) await changeAliases(connection, actions, signal);
}

/** Whether an alias is only our claim on a collection, which belongs to no set. */
export function isClaim(alias: string): boolean {
  return CLAIM.test(alias);
}

/** Alias to collection. */
export async function listAliases(
  connection: QdrantConnection,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const { aliases } = await connection.call('list the aliases', (client) => client.getAliases(), signal);
  return new Map(aliases.map(({ alias_name, collection_name }) => [alias_name, collection_name]));
}

export async function listCollections(connection: QdrantConnection, signal?: AbortSignal): Promise<string[]> {
  const { collections } = await connection.call('list the collections', (client) => client.getCollections(), signal);
  return collections.map(({ name }) => name);
}

type AliasAction =
  | { readonly create_alias: { readonly collection_name: string; readonly alias_name: string } }
  | { readonly delete_alias: { readonly alias_name: string } };

/** One request: readers see all of it or nothing. Each action may be repeated. */
export async function changeAliases(
  connection: QdrantConnection,
  actions: readonly AliasAction[],
  signal?: AbortSignal,
): Promise<void> {
  const request = { what: 'change aliases', method: 'POST', path: '/collections/aliases', signal } as const;
  await connection.exchange({ ...request, body: JSON.stringify({ actions }) });
}

export function taken({ config }: QdrantConnection, name: string, why: string): RecoveryError {
  return new RecoveryError('NAME_TAKEN', `${name} on ${new URL(config.url).origin}: ${why}`);
}

function claimOf({ collection, owner }: Made): string {
  return `dr-made-by-${createHash('sha256').update(`${owner}\n${collection}`).digest('hex').slice(0, 16)}`;
}
