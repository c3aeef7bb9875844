import type { Artifact } from '../../domain/artifacts.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { tampered } from './refusals.ts';
import type { Bucket, Got } from './s3-client.ts';

/** How often in a row an answer may break off without a byte. */
const FRUITLESS = 3;

/**
 * The bytes of an object, as many as the artifact has. An answer that breaks off is gone on with where it stopped: a
 * snapshot takes minutes, and a connection may not last as long.
 * @throws SET_TAMPERED when it is missing, shorter or longer, or another one by now
 */
export async function* readObject(
  bucket: Bucket,
  name: string,
  { key, bytes }: Pick<Artifact, 'key' | 'bytes'>,
): AsyncGenerator<Uint8Array> {
  const first = await openWhole(bucket, name, { key, bytes });
  let [at, fruitless] = [0, 0];
  for (let got = first; ; got = await goOn(bucket, name, { key, at, etag: first.etag })) {
    const before = at;
    let failure: unknown = new Error('the answer ended too early');
    try {
      for await (const piece of got.body) {
        at += piece.length;
        if (at > bytes) throw tampered(key, `has more than ${bytes} bytes`);
        yield piece;
      }
    } catch (error) {
      if (error instanceof RecoveryError) throw error;
      failure = error;
    }
    // Also where the SDK found fault with its own checksum at the end: whoever reads compares the SHA-256.
    if (at === bytes) return;
    fruitless = at > before ? 0 : fruitless + 1;
    if (fruitless === FRUITLESS) throw bucket.failure(failure, { what: `reading ${key}`, permission: 's3:GetObject' });
  }
}

async function openWhole(bucket: Bucket, name: string, { key, bytes }: Pick<Artifact, 'key' | 'bytes'>): Promise<Got> {
  const got = await bucket.get(name);
  if (!got) {
    const hint = (await bucket.isHidden(name))
      ? ': a delete marker hides an earlier version, which can be brought back'
      : '';
    throw tampered(key, `is missing${hint}`);
  }
  if (got.bytes === bytes) return got;
  got.cancel();
  throw tampered(key, `has ${got.bytes} bytes, not ${bytes}`);
}

async function goOn(
  bucket: Bucket,
  name: string,
  { key, at, etag }: { readonly key: string; readonly at: number; readonly etag: string | undefined },
): Promise<Got> {
  const got = await bucket.get(name, { at, etag });
  if (!got) throw tampered(key, 'was replaced or removed while it was read');
  return got;
}
