import { Pool } from 'undici';
import type { QdrantConfig } from '../config/schema.ts';

/** Qdrant with nothing in between: what the fastest loop that anybody could write would use. */
export class RawQdrant {
  readonly #pool: Pool;
  readonly #headers: Record<string, string>;

  constructor({ url, apiKey }: QdrantConfig, connections = 16) {
    this.#pool = new Pool(url, { connections });
    this.#headers = { 'content-type': 'application/json', ...(apiKey ? { 'api-key': apiKey.reveal() } : {}) };
  }

  /** @returns the answer's bytes @throws Error with the server's words when it is not a success */
  async send(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: string | Buffer): Promise<Buffer> {
    const answer = await this.#pool.request({ method, path, headers: this.#headers, body: body ?? null });
    const bytes = Buffer.from(await answer.body.arrayBuffer());
    if (answer.statusCode !== 200) throw new Error(`${method} ${path}: ${answer.statusCode} ${bytes.toString('utf8')}`);
    return bytes;
  }

  /** An empty collection, whatever was there. */
  async recreate(collection: string, size: number): Promise<void> {
    await this.send('DELETE', `/collections/${collection}`);
    await this.send('PUT', `/collections/${collection}`, JSON.stringify({ vectors: { size, distance: 'Cosine' } }));
  }

  async count(collection: string): Promise<number> {
    const answer = await this.send('POST', `/collections/${collection}/points/count`, '{"exact":true}');
    const found = /"count":\s*(\d+)/.exec(answer.toString('utf8'))?.[1];
    if (found === undefined) throw new Error(`count of ${collection}: an answer without a number`);
    return Number(found);
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}

/** Works through items with several in flight, in no particular order. */
export async function inParallel<T>(
  items: Iterable<T>,
  parallel: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const queue = items[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    for (let next = queue.next(); !next.done; next = queue.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: parallel }, worker));
}
