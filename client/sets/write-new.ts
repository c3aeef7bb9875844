import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { access, link, mkdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { wrongUse } from '../problem.ts';

/**
 * Writes a file that appears under its name only when it is whole. One that is there stays.
 * @throws Problem (exit 2) when the name is taken; whatever `data` throws, and then nothing is left
 */
export async function writeNew(path: string, data: AsyncIterable<Uint8Array>): Promise<void> {
  await mustBeFree(path);
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.part`);
  await mkdir(dirname(path), { recursive: true });
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
  const taken = await access(path).then(
    () => true,
    () => false,
  );
  if (taken) throw wrongUse(`${path} is there already, and is not overwritten`, 'Name a file that does not exist.');
}
