import { writeFile } from 'node:fs/promises';
import type { PostgresConfig } from '../../config/schema.ts';
import type { Secret } from '../../config/secret.ts';
import type { ArtifactStore } from '../../domain/artifacts.ts';
import { RecoveryError } from '../../domain/failures.ts';
import type { RecoverySet } from '../../domain/recovery-set.ts';
import type { PostgresPart } from '../../domain/set-parts.ts';
import type { Work } from '../progress.ts';
import {
  checkExtensions,
  decodeArchive,
  extensionsIn,
  fetchDump,
  listArchive,
  type Origin,
  SILENCE_MS,
} from './archive.ts';
import type { Session } from './client.ts';
import { checkProgram, endedBadly, majorOf, type Programs, runProgram } from './programs.ts';
import { majorOfServer } from './ready.ts';
import { scratchTarget } from './scratch-database.ts';
import { withScratchFolder } from './scratch-folder.ts';

/** The version that `transaction_timeout` came with. */
const TIMEOUT_SINCE = 17;
/** Of what a program said, only so much is surely all of it. */
const WHOLE = 7_000;

/** What restoring needs. */
export interface Restorer {
  readonly config: PostgresConfig;
  readonly store: ArtifactStore;
  /** Search path of programs, used when `config.binDir` is absent. */
  readonly path?: string | undefined;
}

/** A database that is going to be made and restored into. */
export interface Target {
  readonly name: string;
  /** Address of the database. */
  readonly url: Secret;
  /** The setting that names its server, for messages. */
  readonly setting: string;
  /**
   * Who was granted what is granted it again, and `keepsDefaultsOf` tells whose default privileges can be. Without it nobody
   * but the owner may do anything.
   */
  readonly privileges?: { keepsDefaultsOf(role: string): boolean } | undefined;
  /** Asks the server something. */
  ask<T>(question: (session: Session) => Promise<T>): Promise<T>;
  /** Makes it, empty; one of the name that is there is dropped first. */
  create(origin: Origin): Promise<void>;
}

/**
 * Brings a set's dump up in a fresh scratch database. Looks before it repeats.
 * @throws as `restoreDump`, and INVALID_INPUT for a name that no run gives to a scratch database
 */
export async function restoreBeside(
  parts: Restorer,
  { set, scratch }: { set: RecoverySet; scratch: string },
  work: Work,
): Promise<void> {
  await restoreDump(parts, { set, target: scratchTarget(parts.config, scratch) }, work);
}

/**
 * Brings a set's dump up in a fresh database: every file is fetched and compared with its hash, the whole archive is
 * decoded, and only then restored, stopping at the first error.
 *
 * It is restored by several connections at a time, which one transaction cannot have: what breaks off leaves a database in
 * which something is missing. Whoever calls this must drop it, or never take it for whole.
 * @throws SET_TAMPERED, POSTGRES_*, INVALID_CONFIGURATION (the server or programs cannot take this dump), STORE_*, DISK_SHORT,
 *   DISK_FULL
 */
export async function restoreDump(
  { config, store, path }: Restorer,
  { set, target }: { set: RecoverySet; target: Target },
  work: Work,
): Promise<void> {
  const programs: Programs = { binDir: config.binDir, path };
  const part = postgresPartOf(set);
  const server = await checkServer(target, programs, part);
  await withScratchFolder(config.scratchDir, { purpose: 'restore', subject: target.name }, async (folder) => {
    const archive = await fetchDump(store, part.dump, folder, work);
    const origin = await decodeArchive(programs, archive, work);
    const list = await listArchive(programs, archive, work);
    await target.ask((session) => checkExtensions(session, target.setting, extensionsIn(list)));
    await target.create(origin);
    work.report({ phase: 'restore the dump beside', done: 0, total: 1 });
    const privileges = await privilegeArguments(target, list, `${folder}/list`);
    await restoreInto(programs, { archive, target, privileges, server, jobs: config.dumpJobs }, work);
    work.report({ phase: 'restore the dump beside', done: 1, total: 1 });
  });
}

/**
 * Default privileges say what others get of what a role makes later, and only that role may be given them. Neon keeps some
 * for a role of its own; with these a dump of it could be restored by nobody.
 */
async function privilegeArguments({ privileges }: Target, list: string, file: string): Promise<string[]> {
  if (!privileges) return ['--no-privileges'];
  const lines = list.split('\n');
  const kept = lines.filter((line) => {
    const role = /^\d+; \d+ \d+ DEFAULT ACL .* DEFAULT PRIVILEGES FOR (?:LARGE OBJECTS|\S+) (.+?) *$/.exec(line)?.[1];
    return role === undefined || privileges.keepsDefaultsOf(role);
  });
  if (kept.length === lines.length) return [];
  await writeFile(file, kept.join('\n'), { mode: 0o600 });
  return [`--use-list=${file}`];
}

interface Restore {
  readonly archive: string;
  readonly target: Target;
  readonly privileges: readonly string[];
  readonly server: number;
  readonly jobs: number;
}

async function restoreInto(programs: Programs, restore: Restore, work: Work): Promise<void> {
  const { archive, target, privileges, server, jobs } = restore;
  const lenient = server < TIMEOUT_SINCE && (await majorOf(programs, 'pg_restore')) >= TIMEOUT_SINCE;
  const ending = await runProgram(programs, 'pg_restore', {
    args: [
      ...(lenient ? [] : ['--exit-on-error']),
      '--no-owner',
      ...privileges,
      '--no-tablespaces',
      // A copy must not take part in replication.
      '--no-publications',
      '--no-subscriptions',
      '--no-password',
      '--verbose',
      `--jobs=${jobs}`,
      archive,
    ],
    url: target.url,
    applicationName: `rag-recovery ${target.name}`,
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
async function checkServer(target: Target, programs: Programs, { serverVersion }: PostgresPart): Promise<number> {
  const theirs = Number.parseInt(serverVersion);
  const ours = await target.ask(majorOfServer);
  await checkProgram(programs, 'pg_restore', Math.max(theirs, ours));
  checkVersion(target.setting, { theirs, ours });
  return ours;
}

/** @throws RecoveryError INVALID_CONFIGURATION when the dump is of a newer server than the one that shall take it */
export function checkVersion(setting: string, { theirs, ours }: { theirs: number; ours: number }): void {
  if (ours >= theirs) return;
  throw new RecoveryError(
    'INVALID_CONFIGURATION',
    `${setting}: the server is of version ${ours}, and the dump of ${theirs}; it takes ${theirs} or newer`,
  );
}
