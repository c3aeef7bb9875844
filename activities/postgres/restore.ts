import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import type { PostgresConfig } from '../../config/schema.ts';
import type { Secret } from '../../config/secret.ts';
import { type ArtifactStore, contentOf, keyOfContent } from '../../domain/artifacts.ts';
import { RecoveryError } from '../../domain/failures.ts';
import type { RecoverySet } from '../../domain/recovery-set.ts';
import type { Dump, PostgresPart } from '../../domain/set-parts.ts';
import type { Work } from '../progress.ts';
import { withSession } from './client.ts';
import { checkProgram, endedBadly, majorOf, mustRun, type Programs, runProgram } from './programs.ts';
import { majorOfServer } from './ready.ts';
import { createScratch, scratchUrl, serverUrl } from './scratch-database.ts';
import { requireSpace, withScratchFolder } from './scratch-folder.ts';

/** One index may take long to build, without a word. */
const SILENCE_MS = 60 * 60_000;
const HEAD_BYTES = 1 << 16;
/** The version that `transaction_timeout` came with. */
const TIMEOUT_SINCE = 17;
/** Of what a program said, only so much is surely all of it. */
const WHOLE = 7_000;

const missingSchema = z.object({ name: z.string() });

/** What restoring needs. */
export interface Restorer {
  readonly config: PostgresConfig;
  readonly store: ArtifactStore;
  /** Search path of programs, used when `config.binDir` is absent. */
  readonly path?: string | undefined;
}

/**
 * Brings a set's dump up in a fresh scratch database: every file is fetched and compared with its hash, the whole archive is
 * decoded, and only then restored, stopping at the first error. Looks before it repeats.
 * @throws SET_TAMPERED, POSTGRES_*, INVALID_INPUT, INVALID_CONFIGURATION (the server or programs cannot take this dump),
 *   STORE_*, DISK_SHORT, DISK_FULL
 */
export async function restoreBeside(
  { config, store, path }: Restorer,
  { set, scratch }: { set: RecoverySet; scratch: string },
  work: Work,
): Promise<void> {
  const programs: Programs = { binDir: config.binDir, path };
  const url = scratchUrl(config, scratch);
  const part = postgresPartOf(set);
  const server = await checkServer(config, programs, part);
  await withScratchFolder(config.scratchDir, { purpose: 'restore', subject: scratch }, async (folder) => {
    const archive = await fetchDump(store, part.dump, folder, work);
    const encoding = await decode(programs, archive, work);
    await checkExtensions(config, programs, archive, work);
    await createScratch(config, scratch, encoding);
    work.report({ phase: 'restore the dump beside', done: 0, total: 1 });
    await restoreInto(programs, { archive, url, scratch, server, jobs: config.dumpJobs }, work);
    work.report({ phase: 'restore the dump beside', done: 1, total: 1 });
  });
}

interface Restore {
  readonly archive: string;
  readonly url: Secret;
  readonly scratch: string;
  readonly server: number;
  readonly jobs: number;
}

async function restoreInto(programs: Programs, restore: Restore, work: Work): Promise<void> {
  const { archive, url, scratch, server, jobs } = restore;
  const lenient = server < TIMEOUT_SINCE && (await majorOf(programs, 'pg_restore')) >= TIMEOUT_SINCE;
  const ending = await runProgram(programs, 'pg_restore', {
    args: [
      ...(lenient ? [] : ['--exit-on-error']),
      '--no-owner',
      '--no-privileges',
      '--no-tablespaces',
      // A copy must not take part in replication.
      '--no-publications',
      '--no-subscriptions',
      '--no-password',
      '--verbose',
      `--jobs=${jobs}`,
      archive,
    ],
    url,
    applicationName: `rag-recovery ${scratch}`,
    signal: work.signal,
    silenceMs: SILENCE_MS,
  });
  if (ending.code === 0 || (lenient && onlyTimeoutUnknown(ending.said))) return;
  throw endedBadly('pg_restore', ending);
}

/**
 * Since version 17 pg_restore sets `transaction_timeout` on whatever server it finds, and older ones do not know it: with
 * `--exit-on-error` nothing of a dump could be restored there. Without it, this tells that every error was that one.
 */
export function onlyTimeoutUnknown(said: string): boolean {
  const unknown = said.match(/^pg_restore: error: .*unrecognized configuration parameter "transaction_timeout"$/gm);
  const ignored = /^pg_restore: warning: errors ignored on restore: (\d+)$/m.exec(said)?.[1];
  const errors = said.match(/^pg_restore: error: /gm);
  // Jobs say it too, and are not counted. What is longer may have lost its beginning.
  const whole = unknown !== null && Number(ignored) <= unknown.length && said.length < WHOLE;
  return whole && errors?.length === unknown.length;
}

/** @throws RecoveryError SET_MISMATCH for a set without a dump */
export function postgresPartOf({ id, postgres }: RecoverySet): PostgresPart {
  if (postgres) return postgres;
  throw new RecoveryError('SET_MISMATCH', `${id} has no dump of Postgres`);
}

/** The major version of the server. */
async function checkServer(
  config: PostgresConfig,
  programs: Programs,
  { serverVersion }: PostgresPart,
): Promise<number> {
  const theirs = Number.parseInt(serverVersion);
  const ours = await withSession(serverUrl(config), 'read', majorOfServer);
  await checkProgram(programs, 'pg_restore', Math.max(theirs, ours));
  if (ours >= theirs) return ours;
  throw new RecoveryError(
    'INVALID_CONFIGURATION',
    `postgres.verifyUrl: the server is of version ${ours}, and the dump of ${theirs}; it takes ${theirs} or newer`,
  );
}

/** Fetches the files into a private folder. @throws SET_TAMPERED naming the file, DISK_SHORT, STORE_* */
async function fetchDump(store: ArtifactStore, dump: Dump, folder: string, work: Work): Promise<string> {
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
 * Returns the encoding that its text is in.
 * @throws RecoveryError SET_TAMPERED with what pg_restore said
 */
async function decode(programs: Programs, archive: string, work: Work): Promise<string> {
  work.report({ phase: 'decode the dump', done: 0, total: 1 });
  let [head, seen] = ['', 0];
  const { code, said } = await runProgram(programs, 'pg_restore', {
    args: ['--file=-', archive],
    signal: work.signal,
    silenceMs: SILENCE_MS,
    onOutput: (piece) => {
      seen += piece.length;
      if (head.length < HEAD_BYTES) head += piece.toString('latin1');
    },
  });
  if (code !== 0) throw undecodable(`pg_restore ended with ${code}: ${said}`);
  const encoding = /^SET client_encoding = '([A-Za-z0-9_]+)';$/m.exec(head)?.[1];
  if (encoding === undefined) throw undecodable(`no encoding in its ${seen} bytes`);
  return encoding;
}

function undecodable(why: string): RecoveryError {
  return new RecoveryError('SET_TAMPERED', `the dump of Postgres cannot be decoded: ${why}`);
}

/** @throws RecoveryError INVALID_CONFIGURATION naming the extensions that the dump needs and the server does not have */
async function checkExtensions(config: PostgresConfig, programs: Programs, archive: string, work: Work): Promise<void> {
  let list = '';
  await mustRun(programs, 'pg_restore', {
    args: ['--list', archive],
    signal: work.signal,
    silenceMs: SILENCE_MS,
    onOutput: (piece) => (list += piece.toString('utf8')),
  });
  const needed = [...list.matchAll(/^\d+; \d+ \d+ EXTENSION - (.+?) *$/gm)].map(([, name = '']) => name);
  const missing = await withSession(serverUrl(config), 'read', (session) =>
    session.rows(
      missingSchema,
      `SELECT name FROM unnest($1::text[]) AS name
        WHERE name NOT IN (SELECT name FROM pg_catalog.pg_available_extensions)`,
      [needed],
    ),
  );
  if (missing.length === 0) return;
  const names = missing.map(({ name }) => name).join(', ');
  throw new RecoveryError(
    'INVALID_CONFIGURATION',
    `${config.verifyUrl ? 'postgres.verifyUrl' : 'postgres.url'}: the server lacks extensions that the dump needs: ${names}`,
  );
}
