import { createHash } from 'node:crypto';
import type { S3Config } from '../../config/store.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { cleaningUp } from './cleaning-up.ts';
import type { Capability } from './probe.ts';
import { Bucket } from './s3-client.ts';
import { readError } from './s3-errors.ts';
import { isLocked, removeObject } from './s3-remove.ts';
import { folderOf } from './s3.ts';

const FIRST = Buffer.from('first');
const SECOND = Buffer.from('second');

/** What a bucket enforces. Objects that it tries with are named `name…`. */
export async function probeBucket(config: S3Config, name: string): Promise<Capability[]> {
  const bucket = new Bucket(config);
  const object = folderOf(config.prefix) + name;
  const damaged = `${object}-damaged`;
  const look = async (): Promise<Capability[]> => [
    await overwriting(bucket, object),
    await damage(bucket, damaged),
    await versioning(bucket),
    await locking(bucket, object),
  ];
  return cleaningUp(look, async () => {
    await removeWhereAllowed(bucket, object);
    await removeWhereAllowed(bucket, damaged);
  });
}

async function overwriting(bucket: Bucket, object: string): Promise<Capability> {
  await refusal(bucket, object, FIRST, {});
  const refused = await refusal(bucket, object, SECOND, { IfNoneMatch: '*' });
  const enforced = refused?.status === 412;
  return {
    name: 'no-overwrite',
    enforced,
    observed: enforced ? 'overwriting is refused by the bucket (412)' : weak(refused),
  };
}

function weak(refused: { status: number; code: string } | undefined): string {
  const how = refused
    ? `the bucket does not know If-None-Match (${refused.status} ${refused.code})`
    : 'the bucket overwrites';
  return `${how}: we look before we write, and two writers at the same moment could both win`;
}

async function damage(bucket: Bucket, object: string): Promise<Capability> {
  const wrong = createHash('sha256').update(SECOND).digest('base64');
  const refused = await refusal(bucket, object, FIRST, { ChecksumSHA256: wrong });
  const observed = refused
    ? `what is damaged on its way is refused by the bucket (${refused.code})`
    : 'the bucket takes what is damaged on its way: only reading it back finds that';
  return { name: 'checksum', enforced: refused !== undefined, observed };
}

/** What a put is refused with, or `undefined` when it is taken. @throws when it is something else than a refusal of this put */
async function refusal(
  bucket: Bucket,
  object: string,
  body: Uint8Array,
  more: Parameters<Bucket['putOnce']>[2],
): Promise<{ status: number; code: string } | undefined> {
  try {
    await bucket.putOnce(object, body, more);
    return undefined;
  } catch (error) {
    const { status, code } = readError(error);
    const failure = bucket.failure(error, { what: `trying ${object}`, permission: 's3:PutObject' });
    // A key that has expired is answered with 400 as well, and says nothing of what the bucket enforces.
    const ofThisPut = failure instanceof RecoveryError && failure.code === 'STORE_REFUSED';
    if (ofThisPut && status !== undefined && [400, 412, 501].includes(status) && Object.keys(more).length > 0)
      return { status, code };
    throw failure;
  }
}

async function versioning(bucket: Bucket): Promise<Capability> {
  try {
    const enforced = await bucket.versioning();
    const observed = enforced ? 'the bucket keeps earlier versions' : 'the bucket keeps no earlier versions';
    return { name: 'versioning', enforced, observed };
  } catch (error) {
    if (!(error instanceof RecoveryError) || error.code === 'STORE_UNREACHABLE') throw error;
    return { name: 'versioning', enforced: false, observed: `cannot be seen: ${error.message}` };
  }
}

/** By trying to remove what was just put: a rule that is configured and keeps nothing would prove nothing. */
async function locking(bucket: Bucket, object: string): Promise<Capability> {
  const rule = await bucket.lockRule().catch((error: unknown) => ({ code: readError(error).code }));
  const head = await bucket.head(object);
  const refused = await bucket.remove(object, head?.version).then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  const seen = (enforced: boolean, observed: string): Capability => ({ name: 'lock', enforced, observed });
  if (refused && (head?.lock !== undefined || isLocked(refused.error))) {
    const how = typeof rule === 'string' && rule !== '' ? rule : (head?.lock ?? 'its rule cannot be seen');
    return seen(true, `removing is refused by the bucket (${how})`);
  }
  if (refused) {
    const { status, code } = readError(refused.error);
    return seen(false, `this worker may not remove (${status ?? ''} ${code}); others may, since no lock was seen`);
  }
  if (typeof rule === 'string')
    return seen(false, 'Object Lock is on, and keeps nothing by itself: it has no default rule');
  return seen(false, `no Object Lock (${rule.code}): whoever may delete can remove a set`);
}

async function removeWhereAllowed(bucket: Bucket, object: string): Promise<void> {
  await removeObject(bucket, object, object).catch((error: unknown) => {
    if (!(error instanceof RecoveryError && ['STORE_LOCKED', 'STORE_DENIED'].includes(error.code))) throw error;
  });
}
