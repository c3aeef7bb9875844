import { z } from 'zod';
import type { QdrantConfig } from '../../config/schema.ts';
import type { FoundCollection, ServerFacts } from '../../domain/server-facts.ts';
import { checkAccess } from './access.ts';
import { QdrantConnection } from './client.ts';
import { ENVIRONMENT, readMetadata } from './identity.ts';
import { listAliases, listCollections, MADE_BY } from './ownership.ts';
import { serverVersion } from './version.ts';

const clusterSchema = z.object({ result: z.object({ peers: z.record(z.string(), z.unknown()).optional() }) });

/** What a server tells to whoever has its key. */
export function createServerFacts(config: QdrantConfig): ServerFacts {
  const connection = new QdrantConnection(config);
  return {
    version: () => serverVersion(connection),
    collections: (signal) => findCollections(connection, signal),
    access: () => checkAccess(connection),
    nodes: async (signal) => {
      const request = { what: 'read the cluster’s state', method: 'GET', path: '/cluster', signal } as const;
      const { peers } = clusterSchema.parse(JSON.parse((await connection.exchange(request)).toString('utf8'))).result;
      return Math.max(1, Object.keys(peers ?? {}).length);
    },
  };
}

async function findCollections(connection: QdrantConnection, signal?: AbortSignal): Promise<FoundCollection[]> {
  const found = await Promise.all(
    (await listCollections(connection, signal)).map(async (name): Promise<FoundCollection> => {
      // One that cannot be read is there all the same.
      const metadata = await readMetadata(connection, name).catch((): Record<string, unknown> => ({}));
      const text = (key: string): string | undefined => {
        const value = metadata[key];
        return typeof value === 'string' ? value : undefined;
      };
      return { name, environment: text(ENVIRONMENT), madeBy: text(MADE_BY) };
    }),
  );
  const aliases = [...(await listAliases(connection, signal))].map(([alias, collection]) => ({
    ...found.find(({ name }) => name === collection),
    name: alias,
  }));
  return [...found, ...aliases];
}
