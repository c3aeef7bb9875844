import { z } from 'zod';
import { readMetadata, writeMetadata } from './identity.ts';
import type { QdrantConnection } from './client.ts';
import { changeAliases, listAliases, listCollections, taken } from './ownership.ts';

/** What an alias stood for; null for one that was not there. */
interface Standing {
  readonly alias: string;
  readonly collection: string | null;
}

/** Metadata of a collection that aliases were pointed to: which run did that, and what they stood for before. */
const BEFORE_MARK = 'dr_aliases_before';
const noteSchema = z.strictObject({
  run: z.string(),
  before: z.array(z.strictObject({ alias: z.string(), collection: z.string().nullable() })),
});

/**
 * Points aliases to a collection, in one request that readers see whole. What they stood for is written into the collection first,
 * so that an attempt of the same run after a lost one still tells it.
 * @throws NAME_TAKEN when a collection has the name of one of them
 */
export async function setAliases(
  connection: QdrantConnection,
  { collection, aliases, run }: { collection: string; aliases: readonly string[]; run: string },
  signal?: AbortSignal,
): Promise<{ before: Standing[] }> {
  // The collection's own name needs none.
  const wanted = [...new Set(aliases)].filter((alias) => alias !== collection);
  if (wanted.length === 0) return { before: [] };
  const collections = await listCollections(connection, signal);
  const inTheWay = wanted.find((alias) => collections.includes(alias));
  if (inTheWay !== undefined)
    throw taken(connection, inTheWay, 'it is a collection, so no alias can have that name while it is there');
  const now = await listAliases(connection, signal);
  const noted = await readNoted(connection, collection, run);
  const before = wanted.map((alias): Standing => {
    const target = now.get(alias) ?? null;
    return { alias, collection: target === collection && noted.has(alias) ? (noted.get(alias) ?? null) : target };
  });
  await writeMetadata(connection, collection, { [BEFORE_MARK]: JSON.stringify({ run, before }) });
  const actions = wanted.map((alias_name) => ({ create_alias: { collection_name: collection, alias_name } }));
  await changeAliases(connection, actions, signal);
  return { before };
}

/** Puts aliases back to what `setAliases` found. Safe to repeat. */
export async function revertAliases(
  connection: QdrantConnection,
  { before }: { before: readonly Standing[] },
  signal?: AbortSignal,
): Promise<void> {
  const actions = before.map(({ alias, collection }) =>
    collection === null
      ? { delete_alias: { alias_name: alias } }
      : { create_alias: { collection_name: collection, alias_name: alias } },
  );
  if (actions.length > 0) await changeAliases(connection, actions, signal);
}

async function readNoted(
  connection: QdrantConnection,
  collection: string,
  run: string,
): Promise<Map<string, string | null>> {
  const text = (await readMetadata(connection, collection))[BEFORE_MARK];
  const note = typeof text === 'string' ? noteSchema.safeParse(JSON.parse(text)).data : undefined;
  const before = note?.run === run ? note.before : [];
  return new Map(before.map(({ alias, collection: target }) => [alias, target]));
}
