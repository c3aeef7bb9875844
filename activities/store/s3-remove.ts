import { RecoveryError } from '../../domain/failures.ts';
import type { Bucket, Head } from './s3-client.ts';

/** More versions than this under one name are not ours: nothing is ever replaced. */
const VERSIONS = 100;
const DOING = { permission: 's3:DeleteObject and s3:DeleteObjectVersion' } as const;

/**
 * Removes what lies under a name for good: in a bucket that keeps versions, the versions themselves, since a delete marker
 * would only hide them, and would be accepted under a lock too.
 * @throws STORE_LOCKED when Object Lock keeps it, naming the lock
 */
export async function removeObject(bucket: Bucket, key: string, name: string): Promise<void> {
  for (let removed = 0; removed < VERSIONS; removed += 1) {
    const head = await bucket.head(name);
    if (!head) return;
    await removeVersion(bucket, key, name, head);
  }
  throw new RecoveryError(
    'STORE_REFUSED',
    `artifact store: removing ${key}: there are more than ${VERSIONS} versions of it`,
  );
}

async function removeVersion(bucket: Bucket, key: string, name: string, { version, lock }: Head): Promise<void> {
  if (lock !== undefined) throw locked(key, lock);
  try {
    await bucket.remove(name, version);
  } catch (error) {
    if (isLocked(error)) throw locked(key, 'Object Lock', error);
    throw bucket.failure(error, { what: `removing ${key}`, ...DOING });
  }
}

/** Who may not look at locks, and on some servers everybody, learns of them only when removing is refused. */
export function isLocked(error: unknown): boolean {
  return /object.?lock|protected|WORM/i.test(String(error));
}

function locked(key: string, lock: string, cause?: unknown): RecoveryError {
  return new RecoveryError('STORE_LOCKED', `artifact store: removing ${key}: the bucket keeps it (${lock})`, { cause });
}
