import { createHash } from 'node:crypto';
import type { S3Config } from '../../config/store.ts';
import { RecoveryError } from '../../domain/failures.ts';
import type { Capability } from './probe.ts';
import { Bucket } from './s3-client.ts';
import { readError } from './s3-errors.ts';
import { removeObject } from './s3-remove.ts';
import { folderOf } from './s3.ts';

const FIRST = Buffer.from('first');
const SECOND = Buffer.from('second');

/** What a bucket enforces. Objects that it tries with are named `name…`. */
export async function probeBucket(config: S3Config, name: string): Promise<Capability[]> {
  const bucket = new Bucket(config);
  const object = folderOf(config.prefix) + name;
  const damaged = `${object}-damaged`;
  try {
    return [
      await overwriting(bucket, object),
      await damage(bucket, damaged),
      await versioning(bucket),
      await locking(bucket, object),
    ];
  } finally {
    await removeWhereAllowed(bucket, object);
    await removeWhereAllowed(bucket, damaged);
  }
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
    if (status !== undefined && [400, 412, 501].includes(status) && Object.keys(more).length > 0)
      return { status, code };
    throw bucket.failure(error, { what: `trying ${object}`, permission: 's3:PutObject' });
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

/** By what lies on an object that was just put: a rule that is configured and does nothing would prove nothing. */
async function locking(bucket: Bucket, object: string): Promise<Capability> {
  const rule = await bucket.lockRule().catch((error: unknown) => {
    const { code, status } = readError(error);
    return { missing: `${status ?? ''} ${code}`.trim() };
  });
  if (typeof rule !== 'string')
    return {
      name: 'lock',
      enforced: false,
      observed: `no Object Lock (${rule.missing}): whoever may delete can remove a set`,
    };
  const lock = (await bucket.head(object))?.lock;
  if (lock === undefined)
    return {
      name: 'lock',
      enforced: false,
      observed: 'Object Lock is on, and locks nothing by itself: it has no default rule',
    };
  return { name: 'lock', enforced: true, observed: `what is written is locked at once: ${rule || lock}` };
}

async function removeWhereAllowed(bucket: Bucket, object: string): Promise<void> {
  await removeObject(bucket, object, object).catch((error: unknown) => {
    if (!(error instanceof RecoveryError && ['STORE_LOCKED', 'STORE_DENIED'].includes(error.code))) throw error;
  });
}
