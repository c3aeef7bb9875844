import { Readable } from 'node:stream';
import type { PutObjectCommand, PutObjectCommandInput, S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';

/** S3 takes at most 10,000 parts: 160 GB of this size. Memory is what is under way, and one part that is collected. */
const PART_BYTES = 16 << 20;
const PARTS_UNDER_WAY = 3;

/**
 * Sends `data` in parts, in constant memory, and puts them together at the end; one part goes as a simple put. When anything
 * fails, an upload in parts is given up before this throws.
 *
 * `Upload` goes on sending the rest after a part has failed, so the first failure ends the data; and its own `abort` does
 * not wait until the parts are gone, so it is not used.
 */
export async function uploadParts(
  client: S3Client,
  target: Omit<PutObjectCommandInput, 'Body'>,
  data: AsyncIterable<Uint8Array>,
): Promise<void> {
  const first: First = {};
  const noting: S3Client = new Proxy(client, {
    get: (of, property): unknown => (property === 'send' ? noteFailures(of, first) : Reflect.get(of, property)),
  });
  const body = Readable.from(untilFailure(data, first), { objectMode: true, highWaterMark: 1 });
  const upload = new Upload({
    client: noting,
    params: { ...target, Body: body },
    partSize: PART_BYTES,
    queueSize: PARTS_UNDER_WAY,
  });
  try {
    await upload.done();
  } catch (error) {
    // What follows the first failure (an upload that could not be given up either) hides it.
    throw first.failure ? first.failure.error : error;
  } finally {
    body.destroy();
  }
}

/** The first thing that went wrong. */
interface First {
  failure?: { readonly error: unknown };
}

/** The client's `send`, which `Upload` calls with a command alone. */
function noteFailures(client: S3Client, first: First): (command: PutObjectCommand) => Promise<unknown> {
  return (command) =>
    client.send(command).catch((error: unknown) => {
      first.failure ??= { error };
      throw error;
    });
}

async function* untilFailure(data: AsyncIterable<Uint8Array>, first: First): AsyncGenerator<Uint8Array> {
  for await (const piece of data) {
    if (first.failure) throw first.failure.error;
    yield piece;
  }
}
