import { randomBytes, randomUUID } from 'node:crypto';
import { z } from 'zod';
import { RecoveryError } from '../../../domain/failures.ts';
import type { RecoverySet } from '../../../domain/recovery-set.ts';
import { type Work, withProgress } from '../../progress.ts';
import type { DatabaseRecoveryActivities } from '../../postgres-contract.ts';
import { databaseNameOf } from '../address.ts';
import { checkExtensions, type Origin, SILENCE_MS } from '../archive.ts';
import { checkProgram, mustRun, type Programs, runProgram } from '../programs.ts';
import { majorOfServer } from '../ready.ts';
import { checkVersion, restoreDump, type Restorer } from '../restore.ts';
import { withScratchFolder } from '../scratch-folder.ts';
import {
  besideUrl,
  checkRights,
  createBeside,
  dropBeside,
  listBeside,
  noteSql,
  readNote,
  refuseOthers,
} from './beside-database.ts';
import { copyHandMade, openHandMade } from './hand-made.ts';
import { PlainDumpReader, type PlainFacts } from './plain-dump.ts';
import { onServer } from './server.ts';
import { swapDatabase, WHOLE } from './swap.ts';

const SETTING = 'postgres.url';
const rolesSchema = z.object({ name: z.string() });

type BesideActivities = Pick<
  DatabaseRecoveryActivities,
  'restoreDatabase' | 'restorePlainDump' | 'swapDatabase' | 'dropDatabase' | 'listRecoveryDatabases'
>;

/** Databases that a run makes on the app's own server, to take the place of the app's database. */
export function createBesideActivities(parts: Restorer): BesideActivities {
  const { config } = parts;
  return {
    restoreDatabase: ({ resume, ...input }) => withProgress({ resume }, (work) => restoreSet(parts, input, work)),
    restorePlainDump: ({ resume, ...input }) => withProgress({ resume }, (work) => restorePlain(parts, input, work)),
    swapDatabase: (input) => swapDatabase(config, input),
    dropDatabase: ({ database }) => dropBeside(config, database),
    listRecoveryDatabases: () => listBeside(config),
  };
}

async function restoreSet(
  parts: Restorer,
  { set, database }: { set: RecoverySet; database: string },
  work: Work,
): Promise<void> {
  const { config } = parts;
  const url = besideUrl(config, database);
  const roles = await rolesOf(parts);
  await bringUp(parts, { database, from: set.id }, (create) => {
    const target = {
      name: database,
      url,
      setting: SETTING,
      privileges: { keepsDefaultsOf: (role: string) => roles.has(role) },
      ask: <T>(question: Parameters<typeof onServer<T>>[2]) => onServer(config, 'read', question),
      create,
    };
    return restoreDump(parts, { set, target }, work);
  });
}

async function restorePlain(
  parts: Restorer,
  { file, database }: { file: string; database: string },
  work: Work,
): Promise<void> {
  const { config, path } = parts;
  const programs: Programs = { binDir: config.binDir, path };
  refuseOthers(config, database);
  const source = await openHandMade(config.recovery.handMadeDumps, file);
  try {
    await withScratchFolder(config.scratchDir, { purpose: 'restore', subject: database }, async (folder) => {
      const roles = await rolesOf(parts);
      const dump = await copyHandMade(source, folder, new PlainDumpReader((role) => roles.has(role)), work);
      await checkPlain(parts, programs, dump);
      await bringUp(parts, { database, from: `a dump made by hand, SHA-256 ${dump.sha256}` }, async (create) => {
        await create({ encoding: dump.encoding ?? 'UTF8' });
        await runSql(programs, { file: dump.path, database, config }, work);
      });
    });
  } finally {
    await source.close();
  }
}

/** What a set's dump is checked for too. */
function checkPlain({ config }: Restorer, programs: Programs, { serverMajor, extensions }: PlainFacts): Promise<void> {
  return onServer(config, 'read', async (session) => {
    const ours = await majorOfServer(session);
    await checkProgram(programs, 'psql', ours);
    checkVersion(SETTING, { theirs: serverMajor ?? 0, ours });
    await checkExtensions(session, SETTING, extensions);
  });
}

/** All of it in one transaction, up to the first error. */
async function runSql(
  programs: Programs,
  { file, database, config }: { file: string; database: string; config: Restorer['config'] },
  work: Work,
): Promise<void> {
  const phase = 'restore the dump beside';
  const restricted = (await knowsRestrict(programs, work))
    ? [`--command=\\restrict ${randomBytes(16).toString('hex')}`]
    : [];
  work.report({ phase, done: 0, total: 1 });
  await mustRun(programs, 'psql', {
    // Without -1 a part would stay; without ON_ERROR_STOP psql would go on after an error, roll back, and call it a success.
    args: ['-X', '-1', '-v', 'ON_ERROR_STOP=1', '--no-password', ...restricted, '-f', file],
    url: besideUrl(config, database),
    applicationName: `rag-recovery ${database}`,
    signal: work.signal,
    silenceMs: SILENCE_MS,
    onOutput: () => undefined,
  });
  work.report({ phase, done: 1, total: 1 });
}

/** Editions since August 2025 can be told to take no command from the file. */
async function knowsRestrict(programs: Programs, { signal }: Work): Promise<boolean> {
  let help = '';
  const onOutput = (piece: Buffer): void => void (help += piece.toString('latin1'));
  await runProgram(programs, 'psql', { args: ['--help=commands'], signal, silenceMs: SILENCE_MS, onOutput });
  return help.includes('\\restrict');
}

/**
 * Makes a database and fills it, unless it is there, whole and from the same. A note on the database tells: nothing takes one for
 * whole that an attempt left in the middle. Of an attempt that fails nothing stays, and of one that was killed nothing is used.
 */
async function bringUp(
  { config }: Restorer,
  { database, from }: { database: string; from: string },
  fill: (create: (origin: Origin) => Promise<void>) => Promise<void>,
): Promise<void> {
  const whole = `${WHOLE} from ${from}`;
  const there = await onServer(config, 'read', async (session) => {
    await checkRights(session, databaseNameOf(config.url));
    return readNote(session, database);
  });
  if (there === whole) return;
  const own = `rag-recovery: not whole, ${randomUUID()}`;
  try {
    await fill((origin) => createBeside(config, database, origin, own));
    await exchangeNote(config, database, { own, whole });
  } catch (error) {
    await dropOwn(config, database, own).catch(() => undefined);
    throw error;
  }
}

/** @throws RESTORE_INCOMPLETE when another attempt has begun anew in the meantime */
function exchangeNote(
  config: Restorer['config'],
  database: string,
  { own, whole }: { own: string; whole: string },
): Promise<void> {
  return onServer(config, 'write', async (session) => {
    if ((await readNote(session, database)) !== own) {
      throw new RecoveryError('RESTORE_INCOMPLETE', `Postgres: another attempt makes ${database} anew`);
    }
    await session.run(noteSql(database, whole));
    await session.commit();
  });
}

/** An attempt that was given up may still be at work: it must not take away what the next one made. */
async function dropOwn(config: Restorer['config'], database: string, own: string): Promise<void> {
  const note = await onServer(config, 'read', (session) => readNote(session, database));
  if (note === own) await dropBeside(config, database);
}

/** Roles whose rights the connecting one has: its own, and those it was granted. */
async function rolesOf({ config }: Restorer): Promise<ReadonlySet<string>> {
  const rows = await onServer(config, 'read', (session) =>
    session.rows(rolesSchema, `SELECT rolname AS name FROM pg_catalog.pg_roles WHERE pg_has_role(oid, 'USAGE')`),
  );
  return new Set(rows.map(({ name }) => name));
}
