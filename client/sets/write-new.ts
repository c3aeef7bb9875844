import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { access, link, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { wrongUse } from '../problem.ts';

/**
 * Writes a file that appears under its name only when it is whole. One that is there stays.
 * @throws Problem (exit 2) when the name is taken or its folder is not there; whatever `data` throws, and then nothing is left
 */
export async function writeNew(path: string, data: AsyncIterable<Uint8Array>): Promise<void> {
  await mustBeFree(path);
  if (!(await isThere(dirname(path))))
    throw wrongUse(`${dirname(path)} does not exist, and no folder is made unasked`, 'Make it, or name another place.');
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.part`);
  try {
    await pipeline(data, createWriteStream(temporary, { flags: 'wx', mode: 0o600, flush: true }));
    // A hard link, unlike a rename, fails when the name was taken meanwhile.
    await link(temporary, path).catch(async (error: unknown) => {
      await mustBeFree(path);
      throw error;
    });
  } finally {
    await rm(temporary, { force: true });
  }
}

async function mustBeFree(path: string): Promise<void> {
  if (await isThere(path))
    throw wrongUse(`${path} is there already, and is not overwritten`, 'Name a file that does not exist.');
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
