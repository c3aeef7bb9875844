import { createHash } from 'node:crypto';
import { createWriteStream, openAsBlob } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { z } from 'zod';

const CALL_MS = 30_000;
const ARCHIVE_MS = 30 * 60_000;
const READY_MS = 1_000;

const collectionsSchema = z.object({ collections: z.array(z.object({ name: z.string() })) });
const aliasesSchema = z.object({
  aliases: z.array(z.object({ alias_name: z.string(), collection_name: z.string() })),
});
const snapshotSchema = z.object({ name: z.string(), checksum: z.string().nullish() });
export type Alias = z.infer<typeof aliasesSchema>['aliases'][number];

/** A real Qdrant server behind a cluster, reached with its admin key. */
export class QdrantServer {
  readonly url: string;
  readonly #headers: Record<string, string>;

  constructor(url: string, apiKey: string | undefined) {
    this.url = url.replace(/\/+$/, '');
    this.#headers = apiKey === undefined ? {} : { 'api-key': apiKey };
  }

  async isReady(): Promise<boolean> {
    try {
      const answer = await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(READY_MS) });
      await answer.text();
      return answer.ok;
    } catch {
      return false;
    }
  }

  async collections(): Promise<string[]> {
    return (await this.#call('GET', '/collections', collectionsSchema)).collections.map(({ name }) => name);
  }

  async aliases(): Promise<Alias[]> {
    return (await this.#call('GET', '/aliases', aliasesSchema)).aliases;
  }

  async setAliases(aliases: readonly Alias[]): Promise<void> {
    const actions = aliases.map((create_alias) => ({ create_alias }));
    if (actions.length > 0) await this.#call('POST', '/collections/aliases', z.unknown(), JSON.stringify({ actions }));
  }

  async drop(collection: string): Promise<void> {
    await this.#call('DELETE', pathOf(collection), z.unknown());
  }

  /** Writes a new snapshot of a collection to `file`, and takes it off the server. */
  async download(collection: string, file: string): Promise<{ sha256: string }> {
    const snapshots = `${pathOf(collection)}/snapshots`;
    const { name, checksum } = await this.#call('POST', snapshots, snapshotSchema, undefined, ARCHIVE_MS);
    const path = `${snapshots}/${encodeURIComponent(name)}`;
    const { body } = await this.#fetch('GET', path, undefined, ARCHIVE_MS);
    if (!body) throw new Error(`${this.url}: the snapshot of ${collection} is empty`);
    const hash = createHash('sha256');
    const source = Readable.fromWeb(body as ReadableStream<Uint8Array>);
    source.on('data', (piece: Uint8Array) => hash.update(piece));
    await pipeline(source, createWriteStream(file));
    await this.#call('DELETE', path, z.unknown());
    const sha256 = hash.digest('hex');
    if (checksum && checksum !== sha256) throw new Error(`${this.url}: the snapshot of ${collection} came damaged`);
    return { sha256 };
  }

  /** Brings a collection up from a snapshot file, and takes the uploaded copy off the server. */
  async upload(collection: string, file: string, sha256: string): Promise<void> {
    const form = new FormData();
    form.set('snapshot', await openAsBlob(file), 'backup.snapshot');
    const query = new URLSearchParams({ wait: 'true', priority: 'snapshot', checksum: sha256 });
    await this.#call(
      'POST',
      `${pathOf(collection)}/snapshots/upload?${query.toString()}`,
      z.unknown(),
      form,
      ARCHIVE_MS,
    );
    await this.#call('DELETE', `${pathOf(collection)}/snapshots/backup.snapshot`, z.unknown());
  }

  async #call<T>(
    method: string,
    path: string,
    schema: z.ZodType<T>,
    body?: string | FormData,
    ms?: number,
  ): Promise<T> {
    const answer = await this.#fetch(method, path, body, ms);
    return schema.parse(z.object({ result: z.unknown() }).parse(await answer.json()).result);
  }

  async #fetch(method: string, path: string, body?: string | FormData, ms = CALL_MS): Promise<Response> {
    const answer = await fetch(this.url + path, {
      method,
      headers: { ...this.#headers, ...(typeof body === 'string' ? { 'content-type': 'application/json' } : {}) },
      body: body ?? null,
      signal: AbortSignal.timeout(ms),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${(await answer.text()).slice(0, 300)}`);
    return answer;
  }
}

function pathOf(collection: string): string {
  return `/collections/${encodeURIComponent(collection)}`;
}
