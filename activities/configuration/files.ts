import { constants, type FileHandle, open } from 'node:fs/promises';
import { basename, sep } from 'node:path';
import { codeOf, refused } from './refusal.ts';

/** Configuration is text for people. What is larger is something else, put here by mistake. */
const MOST_BYTES = 1 << 20;

/** A file as it was read, once: what is judged is what is kept. */
export interface Captured {
  /** Name in the manifest: as much of the end of its path as tells it from the others. */
  readonly name: string;
  readonly path: string;
  readonly bytes: Buffer;
  readonly text: string;
  /** Device and inode: the same for every name of one file. */
  readonly place: string;
}

/**
 * Reads files whole.
 * @param setting where they are named, for messages
 * @throws CONFIGURATION_REFUSED that names a file that is missing, not readable, too large or no text
 */
export async function readCaptured(setting: string, paths: readonly string[]): Promise<Captured[]> {
  const names = namesOf(paths);
  const read: Captured[] = [];
  for (const [at, path] of paths.entries()) read.push(await readOne(`${setting}[${at}]`, path, names[at] ?? path));
  return read;
}

async function readOne(setting: string, path: string, name: string): Promise<Captured> {
  // A pipe that nobody writes to would block for ever.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    throw refused(`${setting}: ${path} ${unreadable(codeOf(error))}`);
  });
  try {
    return { name, path, ...(await contentOf(handle, `${setting}: ${path}`)) };
  } finally {
    await handle.close();
  }
}

async function contentOf(handle: FileHandle, what: string): Promise<Pick<Captured, 'bytes' | 'text' | 'place'>> {
  const stat = await handle.stat({ bigint: true });
  if (!stat.isFile()) throw refused(`${what} is no file. Name a file`);
  if (stat.size > MOST_BYTES)
    throw refused(`${what} has ${stat.size} bytes, more than the ${MOST_BYTES} of a text file`);
  const bytes = await handle.readFile();
  try {
    const text = new TextDecoder('utf8', { fatal: true }).decode(bytes);
    if (text.includes('\0')) throw refused(`${what} is no text. Save it as UTF-8`);
    return { bytes, text, place: `${stat.dev}/${stat.ino}` };
  } catch (error) {
    if (codeOf(error) !== 'ERR_ENCODING_INVALID_ENCODED_DATA') throw error;
    throw refused(`${what} is no text in UTF-8. Save it as UTF-8`);
  }
}

function unreadable(code: string): string {
  if (code === 'ENOENT') return 'is not there. Correct the path, or take it out of the settings';
  if (code === 'EACCES' || code === 'EPERM') return 'cannot be read by the worker. Let its user read the file';
  return `cannot be read (${code})`;
}

/** The shortest ends of the paths that differ: `.env` alone, `backend/.env` and `frontend/.env` together. */
export function namesOf(paths: readonly string[]): string[] {
  return paths.map((path) => {
    const parts = path.split(sep).filter((part) => part !== '');
    for (let count = 1; count < parts.length; count += 1) {
      const end = parts.slice(-count).join('/');
      if (paths.filter((other) => other === end || other.split(sep).join('/').endsWith(`/${end}`)).length === 1)
        return end;
    }
    return parts.join('/') || basename(path);
  });
}

/** What a name looks like in the store, where no part may begin with a dot. */
export function keyPartOf(name: string): string {
  return name.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '') || 'file';
}
