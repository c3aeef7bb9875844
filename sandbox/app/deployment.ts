import { join } from 'node:path';
import { z } from 'zod';
import type { AppEnvironment } from '../../config/sandbox.ts';
import type { AppConfigFile } from './config.ts';
import type { AppFolders, ServerName } from './places.ts';

/** What a deployment needs besides the app's variables. */
export const deploymentSchema = z.object({
  control: z.object({ url: z.string(), token: z.string() }),
  ports: z.object({ primary: z.int(), backup: z.int() }),
  maintenanceToken: z.string(),
  /** Whose pages may ask. */
  origins: z.array(z.string()),
});
export type Deployment = z.infer<typeof deploymentSchema>;

/** The chatbot's settings file, of the variables that it was given. */
export function configOf(
  { ports, maintenanceToken, origins }: Deployment,
  { folder, faults }: AppFolders,
  server: ServerName,
  variables: AppEnvironment,
): AppConfigFile {
  const { QDRANT_URL, QDRANT_API_KEY, QDRANT_COLLECTION_NAME, DATABASE_URL } = variables;
  const { EMBEDDINGS_URL, EMBEDDINGS_MODEL } = variables;
  return {
    name: server,
    port: ports[server],
    faults,
    origins,
    qdrant: { url: QDRANT_URL, collection: QDRANT_COLLECTION_NAME, ...(QDRANT_API_KEY && { apiKey: QDRANT_API_KEY }) },
    postgres: { url: DATABASE_URL },
    embeddings: { url: EMBEDDINGS_URL, model: EMBEDDINGS_MODEL },
    maintenance: { token: maintenanceToken, file: join(folder, 'mode.json'), vectors: join(folder, 'vectors.json') },
  };
}
