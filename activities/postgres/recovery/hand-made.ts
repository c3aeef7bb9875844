import { createHash } from 'node:crypto';
import { constants, createWriteStream } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { RecoveryError } from '../../../domain/failures.ts';
import type { Work } from '../../progress.ts';
import { requireSpace } from '../scratch-folder.ts';
import type { PlainDumpReader, PlainFacts } from './plain-dump.ts';

/** What other programs than pg_dump leave at the beginning of a file. */
const OTHER_KINDS: readonly (readonly [start: string, what: string])[] = [
  [
    'PGDMP',
    'is an archive of pg_dump (--format=custom); plain SQL is needed: pg_restore --file=FILE.sql ARCHIVE makes it',
  ],
  ['\xff\xfe', 'is in UTF-16, as PowerShell’s > writes it; make it with pg_dump --file'],
  ['\x1f\x8b', 'is compressed; decompress it first'],
];
const BYTE_ORDER_MARK = '\xef\xbb\xbf';

/** A checked copy of a dump that was made by hand. */
export interface HandMade extends PlainFacts {
  readonly path: string;
  /** Of the file as it was found. */
  readonly sha256: string;
}

/**
 * Opens a dump of the configured folder.
 * @param file its name there, without a path
 * @throws RecoveryError INVALID_INPUT naming `plainDump` when it is no file that lies in the folder
 */
export async function openHandMade(folder: string | undefined, file: string): Promise<FileHandle> {
  if (folder === undefined) throw refused('postgres.recovery.handMadeDumps names no folder of such dumps');
  const shown = JSON.stringify(file.slice(0, 80));
  if (!/^[^/\\\0]+$/.test(file) || basename(file) !== file || file === '.' || file === '..') {
    throw refused(`${shown} is no name of a file`);
  }
  const home = await realpath(folder).catch((cause: unknown) => {
    throw refused('the folder postgres.recovery.handMadeDumps cannot be read', cause);
  });
  // A link may lead elsewhere inside the folder, and nowhere else.
  const path = await realpath(join(home, file)).catch((cause: unknown) => {
    throw refused(`there is no ${shown} in the folder postgres.recovery.handMadeDumps`, cause);
  });
  if (dirname(path) !== home) throw refused(`${shown} leads out of the folder postgres.recovery.handMadeDumps`);
  // Not blocking: a pipe would wait for somebody to write.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await open(path, flags).catch((cause: unknown) => {
    throw refused(`${shown} cannot be read`, cause);
  });
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw refused(`${shown} is no file`);
}

/**
 * Copies a dump into a private folder and checks it on the way: what was checked is what is run, whatever becomes of the file.
 * What psql would stop at needlessly is left out (`PlainDumpReader`).
 * @throws RecoveryError INVALID_INPUT naming `plainDump` and the line, DISK_SHORT
 */
export async function copyHandMade(
  source: FileHandle,
  folder: string,
  reader: PlainDumpReader,
  work: Work,
): Promise<HandMade> {
  const total = (await source.stat()).size;
  await requireSpace(folder, total, 'a copy of the dump');
  const path = join(folder, 'dump.sql');
  const hash = createHash('sha256');
  const bytes: AsyncIterable<Buffer> = source.createReadStream({ start: 0, autoClose: false, highWaterMark: 1 << 18 });
  const kept = async function* (): AsyncGenerator<Buffer> {
    let [rest, done] = ['', 0];
    for await (const piece of bytes) {
      hash.update(piece);
      const text = rest + (done === 0 ? beginning(piece.toString('latin1')) : piece.toString('latin1'));
      done += piece.length;
      const lines = text.split('\n');
      rest = lines.pop() ?? '';
      yield keep(reader, lines);
      work.report({ phase: 'check the dump (bytes)', done, total });
    }
    if (rest !== '') yield keep(reader, [rest]);
  };
  await pipeline(kept, createWriteStream(path, { mode: 0o600, flags: 'wx' }), { signal: work.signal }).catch(
    (error: unknown) => {
      work.signal.throwIfAborted();
      throw error;
    },
  );
  return { path, sha256: hash.digest('hex'), ...reader.end() };
}

function keep(reader: PlainDumpReader, lines: readonly string[]): Buffer {
  const kept = lines.filter((line) => reader.take(line));
  return Buffer.from(kept.map((line) => `${line}\n`).join(''), 'latin1');
}

function beginning(text: string): string {
  const other = OTHER_KINDS.find(([start]) => text.startsWith(start));
  if (other) throw refused(`the file ${other[1]}`);
  return text.startsWith(BYTE_ORDER_MARK) ? text.slice(BYTE_ORDER_MARK.length) : text;
}

function refused(what: string, cause?: unknown): RecoveryError {
  return new RecoveryError('INVALID_INPUT', `plainDump: ${what}`, { cause });
}
