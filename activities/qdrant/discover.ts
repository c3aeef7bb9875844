import { z } from 'zod';
import type { FoundCollection } from '../../domain/discovered.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { isClaim, listAliases, listCollections } from './ownership.ts';
import { pathOf } from './address.ts';
import { QdrantConnection } from './client.ts';
import { payloadOf } from './fingerprint.ts';
import { pointsOf } from './json-bytes.ts';
import { describeCollection } from './shape.ts';
import type { QdrantConfig } from '../../config/schema.ts';

const PAGE = 50;
const vectorSchema = z.looseObject({ size: z.int(), distance: z.string() });
const vectorsSchema = z.union([
  vectorSchema.transform((vector) => ({ '': vector })),
  z.record(z.string(), vectorSchema),
]);

/**
 * One collection as it is: the named one, or the only one that there is. Reads one page of points.
 * @throws RecoveryError INVALID_CONFIGURATION when there is none, or several and none is named; QDRANT_*
 */
export async function discoverCollection(config: QdrantConfig, named: string | undefined): Promise<FoundCollection> {
  const connection = new QdrantConnection(config);
  const aliases = [...(await listAliases(connection))].filter(([alias]) => !isClaim(alias));
  const collections = await listCollections(connection);
  const name =
    named ??
    onlyOne(
      collections,
      aliases.map(([alias]) => alias),
    );
  const stands = aliases.find(([alias]) => alias === name)?.[1];
  const collection = stands ?? name;
  if (!collections.includes(collection)) throw unknown(`there is no collection or alias ${name}`, collections);
  const alias = stands === undefined ? aliases.find(([, to]) => to === collection)?.[0] : name;
  const { points, shape } = await describeCollection(connection, collection);
  const page = await connection.exchange({
    what: `read a page of ${collection}`,
    method: 'POST',
    path: pathOf(collection, '/points/scroll'),
    body: JSON.stringify({ limit: PAGE, with_payload: true, with_vector: false }),
  });
  const params = z.object({ vectors: vectorsSchema.optional() }).parse(shape.config['params'] ?? {});
  return {
    collection,
    alias,
    points,
    vectors: Object.entries(params.vectors ?? {}).map(([vector, { size, distance }]) => ({
      ...(vector === '' ? {} : { name: vector }),
      size,
      distance,
    })),
    indexes: Object.keys(shape.payloadSchema),
    sample: pointsOf(page).map((point) => ({ id: point.id, payload: payloadOf(point) })),
  };
}

function onlyOne(collections: readonly string[], aliases: readonly string[]): string {
  const [alias, ...moreAliases] = aliases;
  if (alias !== undefined && moreAliases.length === 0) return alias;
  const [collection, ...more] = collections;
  if (collection !== undefined && more.length === 0) return collection;
  throw unknown(collection === undefined ? 'Qdrant has no collection' : 'several could be meant', [
    ...aliases,
    ...collections,
  ]);
}

function unknown(what: string, names: readonly string[]): RecoveryError {
  const listed = names.length > 0 ? `; there are ${names.join(', ')}` : '';
  return new RecoveryError('INVALID_CONFIGURATION', `QDRANT_COLLECTION_NAME: ${what}${listed}. Name one.`);
}
