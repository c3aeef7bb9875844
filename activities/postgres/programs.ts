import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Secret } from '../../config/secret.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { splitPassword } from './address.ts';

const VERSION_MS = 10_000;
/** Within this a program that was asked to end tells the server so; then it is killed. */
const GOODBYE_MS = 2_000;
const TAIL = 8_000;

/** Postgres' own programs that we start. */
export type ProgramName = 'pg_dump' | 'pg_restore' | 'pg_amcheck' | 'psql';

/** Where the programs are looked for. */
export interface Programs {
  readonly binDir?: string | undefined;
  /** Search path, used without `binDir`. */
  readonly path?: string | undefined;
}

/** One program with its arguments, and what watches it. */
export interface Invocation {
  readonly args: readonly string[];
  /** Database that it works on: given by `--dbname`, and the password by the environment. */
  readonly url?: Secret | undefined;
  /** What the server calls its connections. */
  readonly applicationName?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The longest time without any sign of life, in milliseconds. */
  readonly silenceMs: number;
  /** Receives what it prints; without it nothing is read. */
  readonly onOutput?: ((piece: Buffer) => void) | undefined;
  /** Handed a function to call when the program is seen to work in another way than by what it says. */
  readonly onStart?: ((alive: () => void) => void) | undefined;
}

/** How a program ended, and the end of what it complained of. Never holds the password. */
export interface Ending {
  readonly code: number | string | null;
  readonly said: string;
}

function commandOf({ binDir }: Programs, name: ProgramName): string {
  return binDir === undefined ? name : join(binDir, name);
}

/** The programs get no environment but this: what else the worker was given is none of their business. */
function environmentOf({ path }: Programs): Record<string, string> {
  return { LC_ALL: 'C', PGCONNECT_TIMEOUT: '10', ...(path === undefined ? {} : { PATH: path }) };
}

/** The program's major version. @throws RecoveryError INVALID_CONFIGURATION naming `postgres.binDir` when there is none */
export async function majorOf(programs: Programs, name: ProgramName): Promise<number> {
  const command = commandOf(programs, name);
  const run = promisify(execFile);
  const { stdout } = await run(command, ['--version'], { env: environmentOf(programs), timeout: VERSION_MS }).catch(
    (cause: unknown) => {
      throw new RecoveryError('INVALID_CONFIGURATION', `postgres.binDir: ${command} cannot be run`, { cause });
    },
  );
  return Number(/\(PostgreSQL\)\s+(\d+)/.exec(stdout)?.[1] ?? 0);
}

/**
 * The programs refuse servers of a newer major version than their own; this says so before anything is begun.
 * @throws RecoveryError INVALID_CONFIGURATION naming `postgres.binDir`
 */
export async function checkProgram(programs: Programs, name: ProgramName, serverMajor: number): Promise<void> {
  const major = await majorOf(programs, name);
  if (major >= serverMajor) return;
  throw new RecoveryError(
    'INVALID_CONFIGURATION',
    `postgres.binDir: ${commandOf(programs, name)} is of version ${major || 'unknown'}, and the server is ${serverMajor}; it takes ${serverMajor} or newer`,
  );
}

/**
 * Runs a program to its end, whatever that is. When this returns or throws, the program and what it started are gone.
 * @throws RecoveryError POSTGRES_UNREACHABLE when it fell silent, INVALID_CONFIGURATION when it cannot be run
 */
export async function runProgram(programs: Programs, name: ProgramName, what: Invocation): Promise<Ending> {
  what.signal?.throwIfAborted();
  const { dbname, password } = what.url ? splitPassword(what.url.reveal()) : { dbname: '', password: '' };
  const child = spawn(commandOf(programs, name), [...what.args, ...databaseArgument(name, dbname)], {
    env: {
      ...environmentOf(programs),
      ...(password === '' ? {} : { PGPASSWORD: password }),
      ...(what.applicationName === undefined ? {} : { PGAPPNAME: what.applicationName }),
    },
    stdio: ['ignore', what.onOutput ? 'pipe' : 'ignore', 'pipe'],
    // A process group of its own: parallel jobs are processes too, and must end with it.
    detached: true,
  });
  const said = tailOf(child.stderr);
  const ended = endOf(child, commandOf(programs, name));
  const silent = await watched(child, ended, what);
  const code = await ended;
  what.signal?.throwIfAborted();
  if (silent) throw lost(name, `silent for ${what.silenceMs / 60_000} min`);
  return { code, said: without(password, said()) };
}

/** As `runProgram`, where only a good end will do. @throws also POSTGRES_REFUSED with the end of what it said */
export async function mustRun(programs: Programs, name: ProgramName, what: Invocation): Promise<void> {
  const ending = await runProgram(programs, name, what);
  if (ending.code !== 0) throw endedBadly(name, ending);
}

/** The failure that a program's bad end is. */
export function endedBadly(name: ProgramName, { code, said }: Ending): RecoveryError {
  // What psql calls a connection that could not be had, or went bad.
  const psqlLost = name === 'psql' && code === 2;
  if (psqlLost || LOST.test(said)) return lost(name, `ended with ${code}: ${said}`);
  return new RecoveryError('POSTGRES_REFUSED', `${name}: ended with ${code}: ${said}`);
}

/** pg_amcheck takes `--database` for a pattern, and the connection as its last argument. */
function databaseArgument(name: ProgramName, dbname: string): string[] {
  if (dbname === '') return [];
  return name === 'pg_amcheck' ? [dbname] : [`--dbname=${dbname}`];
}

/** Waits for the end, and brings it about on cancellation or silence. Tells whether it was silence. */
async function watched(child: ChildProcess, ended: Promise<unknown>, what: Invocation): Promise<boolean> {
  let silent = false;
  const stop = (): void => {
    kill(child, 'SIGTERM');
    setTimeout(() => kill(child, 'SIGKILL'), GOODBYE_MS).unref();
  };
  const watch = setTimeout(() => {
    silent = true;
    stop();
  }, what.silenceMs);
  const alive = (): void => void watch.refresh();
  what.signal?.addEventListener('abort', stop);
  child.stderr?.on('data', alive);
  child.stdout?.on('data', (piece: Buffer) => {
    alive();
    what.onOutput?.(piece);
  });
  what.onStart?.(alive);
  try {
    await ended;
  } finally {
    clearTimeout(watch);
    what.signal?.removeEventListener('abort', stop);
    kill(child, 'SIGKILL');
  }
  return silent;
}

function endOf(child: ChildProcess, command: string): Promise<number | string | null> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) =>
      reject(new RecoveryError('INVALID_CONFIGURATION', `postgres.binDir: ${command} cannot be run`, { cause })),
    );
    child.once('close', (code, by) => resolve(code ?? by));
  });
}

/** To the whole group; one that is gone already is fine. */
function kill(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // Nobody is left in the group.
  }
}

/** What libpq says of a server that is not there, or went away in the middle. */
const LOST =
  /connection (refused|timed out|reset)|server closed the connection|terminating connection|could not translate host|database system is/i;

function lost(name: string, said: string): RecoveryError {
  return new RecoveryError('POSTGRES_UNREACHABLE', `${name}: ${said}`);
}

/** What `--verbose` says while all is well: `pg_restore: creating TABLE "public.chunks"`. */
const CHATTER = /^pg_\w+: (?!error|warning|detail|hint|fatal)/;

/** The end of what was complained of. */
function tailOf(stream: NodeJS.ReadableStream | null): () => string {
  let [tail, rest] = ['', ''];
  stream?.setEncoding('utf8').on('data', (piece: string) => {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    const kept = lines.filter((line) => !CHATTER.test(line)).map((line) => `${line}\n`);
    tail = (tail + kept.join('')).slice(-TAIL);
  });
  return () => (tail + (CHATTER.test(rest) ? '' : rest)).trim();
}

function without(secret: string, text: string): string {
  return secret === ''
    ? text
    : text.replaceAll(secret, '[redacted]').replaceAll(encodeURIComponent(secret), '[redacted]');
}
