import { QdrantClient } from '@qdrant/js-client-rest';
import type { Secret } from '../../config/secret.ts';
import type { ChunkRecord } from './chunk-record.ts';

const DEADLINE_MS = 30_000;
const UPSERT_BATCH = 256;

/** A point that came near, best first. */
export interface Hit {
  readonly id: string;
  readonly score: number;
}

export function connectQdrant({ url, apiKey }: { url: string; apiKey?: Secret | undefined }): QdrantClient {
  return new QdrantClient({
    url,
    timeout: DEADLINE_MS,
    checkCompatibility: false,
    // As a header, because the client's own option warns of every connection that is not TLS, loopback too.
    ...(apiKey ? { headers: { 'api-key': apiKey.reveal() } } : {}),
  });
}

/** What a point carries: everything needed to rebuild its row. */
export function payloadOf(record: ChunkRecord): Record<string, unknown> {
  const { text, source, heading, chunkIndex, contentHash } = record;
  return { text, source, heading, chunk_index: chunkIndex, content_hash: contentHash };
}

/** The textbook's vectors, in whatever collection `name` stands for. */
export class VectorIndex {
  readonly #client: QdrantClient;
  readonly #name: string;

  constructor(client: QdrantClient, name: string) {
    this.#client = client;
    this.#name = name;
  }

  /** Writes the points and waits until they are there. Writing the same again changes nothing. */
  async upsert(records: readonly ChunkRecord[], vectors: readonly number[][]): Promise<void> {
    const points = records.map((record, at) => ({
      id: record.id,
      vector: vectors[at] ?? [],
      payload: payloadOf(record),
    }));
    for (let from = 0; from < points.length; from += UPSERT_BATCH) {
      await this.#client.upsert(this.#name, { wait: true, points: points.slice(from, from + UPSERT_BATCH) });
    }
  }

  async remove(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.#client.delete(this.#name, { wait: true, points: [...ids] });
  }

  async search(vector: readonly number[], limit: number): Promise<Hit[]> {
    const { points } = await this.#client.query(this.#name, { query: [...vector], limit, with_payload: false });
    return points.map(({ id, score }) => ({ id: String(id), score }));
  }

  /** Content hash by id, for those of `ids` that are there. */
  async hashes(ids: readonly string[]): Promise<Map<string, string>> {
    const options = { ids: [...ids], with_payload: ['content_hash'], with_vector: false };
    const points = await this.#client.retrieve(this.#name, options);
    return new Map(points.map(({ id, payload }) => [String(id), String(payload?.['content_hash'])]));
  }

  /** @throws Error when the server does not answer or knows no such alias or collection */
  async check(): Promise<void> {
    await this.#client.count(this.#name, { exact: false });
  }
}
