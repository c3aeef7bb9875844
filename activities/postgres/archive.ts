import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { type ArtifactStore, contentOf, keyOfContent } from '../../domain/artifacts.ts';
import { RecoveryError } from '../../domain/failures.ts';
import type { Dump } from '../../domain/set-parts.ts';
import type { Work } from '../progress.ts';
import type { Session } from './client.ts';
import { endedBadly, mustRun, type Programs, runProgram } from './programs.ts';
import { requireSpace } from './scratch-folder.ts';

/** One index may take long to build, without a word. */
export const SILENCE_MS = 60 * 60_000;
const HEAD_BYTES = 1 << 16;

const missingSchema = z.object({ name: z.string() });

/** What an archive says of the database that it was made of. */
export interface Origin {
  /** Encoding of its texts. */
  readonly encoding: string;
  /** The locale, as options of `CREATE DATABASE`; absent where the archive does not tell. */
  readonly locale?: string | undefined;
}

/** Fetches the files into a private folder. @throws SET_TAMPERED naming the file, DISK_SHORT, STORE_* */
export async function fetchDump(store: ArtifactStore, dump: Dump, folder: string, work: Work): Promise<string> {
  const total = dump.files.reduce((sum, file) => sum + contentOf(file).bytes, 0);
  await requireSpace(folder, total, 'the dump of the set');
  const archive = join(folder, 'dump');
  await mkdir(archive, { mode: 0o700 });
  let done = 0;
  for (const file of dump.files) {
    const name = nameIn(dump, keyOfContent(file));
    const counted = async function* (): AsyncGenerator<Uint8Array> {
      for await (const piece of store.open(file)) {
        done += piece.length;
        yield piece;
        work.report({ phase: 'fetch the dump (bytes)', done, total });
      }
    };
    const target = createWriteStream(join(archive, name), { mode: 0o600, flags: 'wx' });
    await pipeline(Readable.from(counted()), target, { signal: work.signal }).catch((error: unknown) => {
      work.signal.throwIfAborted();
      throw error;
    });
  }
  return archive;
}

/** A file's own name. @throws RecoveryError SET_TAMPERED for one that does not lie in the dump's folder */
function nameIn({ folder }: Dump, key: string): string {
  const name = key.startsWith(`${folder}/`) ? key.slice(folder.length + 1) : '';
  if (/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) return name;
  throw new RecoveryError('SET_TAMPERED', `the dump of Postgres: ${key} does not lie in ${folder}`);
}

/**
 * Decodes the whole archive, which its table of contents alone does not: a damaged or missing data file shows only here.
 * Tells what database it is of.
 * @throws RecoveryError SET_TAMPERED with what pg_restore said
 */
export async function decodeArchive(programs: Programs, archive: string, work: Work): Promise<Origin> {
  work.report({ phase: 'decode the dump', done: 0, total: 1 });
  let [head, seen] = ['', 0];
  const { code, said } = await runProgram(programs, 'pg_restore', {
    // With the statement that makes the database: it tells the locale.
    args: ['--file=-', '--create', archive],
    signal: work.signal,
    silenceMs: SILENCE_MS,
    onOutput: (piece) => {
      seen += piece.length;
      if (head.length < HEAD_BYTES) head += piece.toString('latin1');
    },
  });
  // Ended by a signal (no memory, a shutdown) it says nothing about the dump.
  if (typeof code !== 'number') throw endedBadly('pg_restore', { code, said });
  if (code !== 0) throw undecodable(`pg_restore ended with ${code}: ${said}`);
  const encoding = /^SET client_encoding = '([A-Za-z0-9_]+)';$/m.exec(head)?.[1];
  if (encoding === undefined) throw undecodable(`no encoding in its ${seen} bytes`);
  return { encoding, locale: localeIn(head) };
}

/** What of `CREATE DATABASE` is about the locale. Versions differ in how they say it, and read what older ones said. */
function localeIn(sql: string): string | undefined {
  const options = /^CREATE DATABASE .+ WITH TEMPLATE = template0 (.+);$/m.exec(sql)?.[1];
  const locale = options?.match(
    /\b(?:LOCALE_PROVIDER|(?:ICU_|BUILTIN_)?LOCALE|LC_COLLATE|LC_CTYPE|ICU_RULES) = (?:\w+|'(?:[^'\\]|'')*')/g,
  );
  return locale?.join(' ');
}

function undecodable(why: string): RecoveryError {
  return new RecoveryError('SET_TAMPERED', `the dump of Postgres cannot be decoded: ${why}`);
}

/** The archive's table of contents, an entry a line, as pg_restore takes it back with `--use-list`. */
export async function listArchive(programs: Programs, archive: string, work: Work): Promise<string> {
  let list = '';
  await mustRun(programs, 'pg_restore', {
    args: ['--list', archive],
    signal: work.signal,
    silenceMs: SILENCE_MS,
    onOutput: (piece) => (list += piece.toString('utf8')),
  });
  return list;
}

/** Extensions that a table of contents names. */
export function extensionsIn(list: string): string[] {
  return [...list.matchAll(/^\d+; \d+ \d+ EXTENSION - (.+?) *$/gm)].map(([, name = '']) => name);
}

/** @throws RecoveryError INVALID_CONFIGURATION naming the extensions that a dump needs and the server does not have */
export async function checkExtensions(session: Session, setting: string, needed: readonly string[]): Promise<void> {
  const missing = await session.rows(
    missingSchema,
    `SELECT name FROM unnest($1::text[]) AS name
      WHERE name NOT IN (SELECT name FROM pg_catalog.pg_available_extensions)`,
    [needed],
  );
  if (missing.length === 0) return;
  const names = missing.map(({ name }) => name).join(', ');
  throw new RecoveryError(
    'INVALID_CONFIGURATION',
    `${setting}: the server lacks extensions that the dump needs: ${names}`,
  );
}
