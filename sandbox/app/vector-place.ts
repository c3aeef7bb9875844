import { readFile, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { Secret } from '../../config/secret.ts';
import type { AppConfig } from './config.ts';
import { connectQdrant, VectorIndex } from './vectors.ts';

/** Which Qdrant the app is to use. */
export const placeSchema = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, '')),
  apiKey: z.string().min(1).optional(),
  collection: z.string().min(1).max(255).optional(),
});
type Place = z.infer<typeof placeSchema>;

/** A Qdrant that cannot be used: nothing was changed. */
export class Unusable extends Error {
  readonly statusCode = 409;
}

/** Where the vectors are, and how to be told of another place. What it was told is kept over a restart. */
export class VectorPlace {
  readonly #file: string | undefined;
  #config: AppConfig['qdrant'];
  #index: VectorIndex;

  private constructor(file: string | undefined, config: AppConfig['qdrant']) {
    this.#file = file;
    this.#config = config;
    this.#index = indexOf(config);
  }

  /** @throws Error for a file that says something else: which Qdrant was meant is then unknown */
  static async load({ qdrant, maintenance }: AppConfig): Promise<VectorPlace> {
    const file = maintenance?.vectors;
    if (file === undefined) return new VectorPlace(undefined, qdrant);
    const text = await readFile(file, 'utf8').catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    });
    const kept = text === undefined ? undefined : placeSchema.parse(JSON.parse(text));
    return new VectorPlace(file, kept ? merged(qdrant, kept) : qdrant);
  }

  /** Taken anew for every question, which then stays with it to its end. */
  get index(): VectorIndex {
    return this.#index;
  }

  get view(): { url: string; collection: string } {
    return { url: this.#config.url, collection: this.#config.collection };
  }

  /** @throws Unusable when it does not answer, or has no such collection */
  async use(place: Place): Promise<void> {
    const next = merged(this.#config, place);
    const same = next.url === this.#config.url && next.collection === this.#config.collection;
    const index = indexOf(next);
    // To be told again what it knows already needs no proof: it may just be down.
    if (!same)
      await index.check().catch((error: unknown) => {
        throw new Unusable(`${next.url} cannot be used: ${error instanceof Error ? error.message : String(error)}`);
      });
    if (this.#file !== undefined) await keep(this.#file, next);
    this.#config = next;
    this.#index = index;
  }
}

function indexOf(config: AppConfig['qdrant']): VectorIndex {
  return new VectorIndex(connectQdrant(config), config.collection);
}

function merged(before: AppConfig['qdrant'], { url, apiKey, collection }: Place): AppConfig['qdrant'] {
  return {
    url,
    collection: collection ?? before.collection,
    ...(apiKey === undefined ? {} : { apiKey: new Secret(apiKey) }),
  };
}

/** For its owner alone, since it holds a key; there is the old content or the new one, whenever the power fails. */
async function keep(file: string, { url, apiKey, collection }: AppConfig['qdrant']): Promise<void> {
  const text = JSON.stringify({ url, collection, ...(apiKey ? { apiKey: apiKey.reveal() } : {}) });
  await writeFile(`${file}.next`, `${text}\n`, { mode: 0o600, flush: true });
  await rename(`${file}.next`, file);
}
