import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm, stat, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { RecoveryError } from '../../domain/failures.ts';
import { describeCount } from '../../domain/format.ts';

const OURS = /^dr-(dump|restore)-[0-9a-f]{16}-/;
const FORGOTTEN_MS = 7 * 86_400_000;
/** A program of a lost attempt may still write there for a moment. */
const REMOVAL = { recursive: true, force: true, maxRetries: 10, retryDelay: 50 } as const;

/**
 * Lends a private folder (mode 0700) below `home` (without it: the system's temporary folder) for the time of one task. What a
 * lost attempt of the same task on this machine left is removed first: `purpose` and `subject` tell it from others. So is what any
 * other task left and nobody has touched for a week: dumps are as secret as the database.
 */
export async function withScratchFolder<T>(
  home: string | undefined,
  { purpose, subject }: { purpose: 'dump' | 'restore'; subject: string },
  task: (folder: string) => Promise<T>,
): Promise<T> {
  const prefix = join(home ?? tmpdir(), `dr-${purpose}-${tagOf(subject)}-`);
  try {
    for (const name of await readdir(dirname(prefix))) {
      const path = join(dirname(prefix), name);
      if (name.startsWith(basename(prefix)) || (OURS.test(name) && (await isForgotten(path)))) await rm(path, REMOVAL);
    }
  } catch (cause) {
    throw unusable(prefix, cause);
  }
  const folder = await mkdtemp(prefix).catch((cause: unknown) => {
    throw unusable(prefix, cause);
  });
  try {
    return await task(folder);
  } catch (error) {
    throw asDiskFailure(error, folder);
  } finally {
    await rm(folder, REMOVAL);
  }
}

async function isForgotten(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > FORGOTTEN_MS;
}

/** A short name for something long, the same every time. */
export function tagOf(subject: string): string {
  return createHash('sha256').update(subject).digest('hex').slice(0, 16);
}

/** @throws RecoveryError DISK_SHORT when less than `needed` bytes can be written in the folder */
export async function requireSpace(folder: string, needed: number, what: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= needed) return;
  throw new RecoveryError(
    'DISK_SHORT',
    `postgres.scratchDir: ${describeCount(free)} bytes are free in ${dirname(folder)}, and ${what} may need ${describeCount(needed)}`,
  );
}

function unusable(prefix: string, cause: unknown): RecoveryError {
  return new RecoveryError('INVALID_CONFIGURATION', `postgres.scratchDir: ${dirname(prefix)} cannot be used`, {
    cause,
  });
}

function asDiskFailure(error: unknown, folder: string): unknown {
  const full = error instanceof Error && 'code' in error && error.code === 'ENOSPC';
  const said =
    error instanceof RecoveryError && error.code === 'POSTGRES_REFUSED' && /No space left/.test(error.message);
  if (!full && !said) return error;
  return new RecoveryError('DISK_FULL', `postgres.scratchDir: no space is left in ${dirname(folder)}`, {
    cause: error,
  });
}
