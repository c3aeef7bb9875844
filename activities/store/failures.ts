import { statfs } from 'node:fs/promises';
import { RecoveryError } from '../../domain/failures.ts';

/** Bytes that an ordinary user can still write on the file system of `path`. */
export async function freeBytesAt(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}

/**
 * Runs one file operation and gives its failure a code: no space is `DISK_FULL`, what its user may not do `STORE_DENIED`, all
 * else `STORE_UNREACHABLE`.
 */
export async function onDisk<T>(root: string, path: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    if (error instanceof RecoveryError) throw error;
    if (hasCode(error, 'ENOSPC', 'EDQUOT')) throw await diskFull(root, path, error);
    const text = `artifact store: ${path}: ${String(error)}`;
    if (hasCode(error, 'EACCES', 'EPERM', 'EROFS'))
      throw new RecoveryError('STORE_DENIED', `${text}. Let the user that runs this write below ${root}`, {
        cause: error,
      });
    throw new RecoveryError('STORE_UNREACHABLE', text, { cause: error });
  }
}

async function diskFull(root: string, path: string, cause: unknown): Promise<RecoveryError> {
  const free = await freeBytesAt(root).catch(() => undefined);
  const left = free === undefined ? '' : ` (${free} bytes free)`;
  return new RecoveryError('DISK_FULL', `artifact store: no space left to write ${path}${left}`, { cause });
}

/** True when a system error has one of the codes. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && codes.includes(code);
}
