import { z } from 'zod';
import { RecoveryError } from '../../domain/failures.ts';
import { pathOf } from './address.ts';
import type { QdrantConnection } from './client.ts';
import { exists } from './collections.ts';

/** Our keys in a collection's metadata begin so; a comparison of shapes leaves them out. */
export const OWN_METADATA = 'dr_';
/** Metadata that says which environment a collection belongs to. */
export const ENVIRONMENT = 'dr_environment';

const metadataSchema = z.object({
  result: z.object({ config: z.object({ metadata: z.record(z.string(), z.unknown()).nullish() }) }),
});

/** The name of the environment that a collection belongs to, or `undefined` when nobody wrote one. */
export async function readEnvironmentMark(
  connection: QdrantConnection,
  collection: string,
): Promise<string | undefined> {
  const mark = (await readMetadata(connection, collection))[ENVIRONMENT];
  return typeof mark === 'string' ? mark : undefined;
}

export async function writeEnvironmentMark(
  connection: QdrantConnection,
  collection: string,
  environment: string,
): Promise<void> {
  await writeMetadata(connection, collection, { [ENVIRONMENT]: environment });
}

export async function readMetadata(connection: QdrantConnection, collection: string): Promise<Record<string, unknown>> {
  const what = `read the metadata of ${collection}`;
  const answer = await connection.exchange({ what, method: 'GET', path: pathOf(collection) });
  return metadataSchema.parse(JSON.parse(answer.toString('utf8'))).result.config.metadata ?? {};
}

/** Adds to a collection's metadata; keys that are there already and not named stay (Qdrant merges). */
export async function writeMetadata(
  connection: QdrantConnection,
  collection: string,
  metadata: Record<string, string>,
): Promise<void> {
  await connection.exchange({
    what: `write the metadata of ${collection}`,
    method: 'PATCH',
    path: pathOf(collection),
    body: JSON.stringify({ metadata }),
  });
}

/**
 * The collection that a name stands for: itself, or what the alias points to.
 * @throws QDRANT_REFUSED when there is neither
 */
export async function resolveCollection(connection: QdrantConnection, name: string): Promise<string> {
  const { aliases } = await connection.call('list the aliases', (client) => client.getAliases());
  const alias = aliases.find(({ alias_name }) => alias_name === name);
  if (alias) return alias.collection_name;
  if (await exists(connection, name)) return name;
  throw new RecoveryError('QDRANT_REFUSED', `Qdrant has neither a collection nor an alias named ${name}`);
}
