import type { QdrantClient } from '@qdrant/js-client-rest';
import type pg from 'pg';
import { z } from 'zod';
import { Secret } from '../config/secret.ts';
import { connectPostgres } from './app/database.ts';
import { EmbeddingsClient } from './app/embeddings.ts';
import { connectQdrant } from './app/vectors.ts';

/** A running stack, by the variables that the product reads. */
export interface SeedContext {
  /** Folder of the sandbox, for what is written beside the stores. */
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface SeedProgress {
  readonly phase: string;
  readonly done: number;
  readonly total: number;
}
export type OnProgress = (progress: SeedProgress) => void;

const secret = z
  .string()
  .min(1)
  .transform((value) => new Secret(value));

const httpUrl = z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, ''));

const environmentSchema = z.object({
  DR_ENVIRONMENT: z.string().min(1),
  QDRANT_URL: httpUrl,
  QDRANT_API_KEY: secret.optional(),
  QDRANT_COLLECTION_NAME: z.string().min(1).default('textbook-content'),
  DATABASE_URL: secret,
  EMBEDDINGS_URL: httpUrl,
  EMBEDDINGS_MODEL: z.string().min(1),
  APP_URL: httpUrl.optional(),
});

/** Connections to everything that a stack consists of. */
export interface Stores {
  readonly environment: string;
  /** The name the app uses. */
  readonly alias: string;
  readonly qdrant: QdrantClient;
  readonly pool: pg.Pool;
  readonly embeddings: EmbeddingsClient;
  readonly appUrl: string | undefined;
}

/** @throws z.ZodError naming each variable that is missing or wrong */
export function openStores(env: Readonly<Record<string, string>>): Stores {
  const read = environmentSchema.parse(env);
  return {
    environment: read.DR_ENVIRONMENT,
    alias: read.QDRANT_COLLECTION_NAME,
    qdrant: connectQdrant({ url: read.QDRANT_URL, apiKey: read.QDRANT_API_KEY }),
    pool: connectPostgres(read.DATABASE_URL),
    embeddings: new EmbeddingsClient({ url: read.EMBEDDINGS_URL, model: read.EMBEDDINGS_MODEL }),
    appUrl: read.APP_URL,
  };
}

/** Runs `work` with open connections and closes them, whatever happens. */
export async function withStores<T>(
  env: Readonly<Record<string, string>>,
  work: (stores: Stores) => Promise<T>,
): Promise<T> {
  const stores = openStores(env);
  try {
    return await work(stores);
  } finally {
    await stores.pool.end();
  }
}
