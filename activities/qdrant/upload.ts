import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { type Artifact, type ArtifactStore, contentOf } from '../../domain/artifacts.ts';
import { pathOf } from './address.ts';
import type { QdrantConnection } from './client.ts';
import { QdrantFailure } from './failure.ts';

/** What came of an upload. `unknown`: everything was sent, no answer came, and the server works on regardless. */
export type UploadOutcome = 'restored' | { readonly unknown: QdrantFailure };

/**
 * Sends an archive into a collection: streamed as multipart with its length announced, never whole in memory. The store
 * checks the archive's hash before the last bytes go out, so that a changed archive is never a complete upload; the
 * server checks it again.
 */
export async function upload(
  connection: QdrantConnection,
  store: ArtifactStore,
  { archive, collection, deadlineMs }: { archive: Artifact; collection: string; deadlineMs: number },
  told: (done: number) => void,
  signal: AbortSignal,
): Promise<UploadOutcome> {
  const boundary = `dr-${randomUUID()}`;
  const disposition = `Content-Disposition: form-data; name="snapshot"; filename="${contentOf(archive).sha256}.snapshot"`;
  const head = Buffer.from(`--${boundary}\r\n${disposition}\r\nContent-Type: application/octet-stream\r\n\r\n`);
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  const sent = { all: false };
  const body = async function* (): AsyncGenerator<Uint8Array> {
    yield head;
    yield* toldOf(store.open(archive), told);
    sent.all = true;
    yield tail;
  };
  try {
    await connection.exchange({
      what: `restore into ${collection}`,
      method: 'POST',
      path: pathOf(collection, '/snapshots/upload'),
      query: { priority: 'snapshot', checksum: contentOf(archive).sha256, wait: 'true' },
      headers: {
        'content-type': `multipart/form-data; boundary=${boundary}`,
        'content-length': String(head.length + contentOf(archive).bytes + tail.length),
      },
      body: Readable.from(body(), { objectMode: false }),
      deadlineMs,
      idempotent: false,
      signal,
    });
    return 'restored';
  } catch (error) {
    if (error instanceof QdrantFailure && error.outcomeUnknown && sent.all) return { unknown: error };
    throw error;
  }
}

async function* toldOf(bytes: AsyncIterable<Uint8Array>, told: (done: number) => void): AsyncGenerator<Uint8Array> {
  let [done, saidAt] = [0, 0];
  for await (const piece of bytes) {
    yield piece;
    done += piece.length;
    if (done - saidAt > 8 << 20) told((saidAt = done));
  }
}
