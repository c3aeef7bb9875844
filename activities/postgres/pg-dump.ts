import { execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { RecoveryError } from '../../domain/failures.ts';
import { splitPassword } from './address.ts';

const VERSION_MS = 10_000;
const SILENCE_MS = 10 * 60_000;
const TAIL = 2_000;

/** Where the program is looked for. */
export interface Program {
  readonly binDir?: string | undefined;
  /** Search path, used without `binDir`. */
  readonly path?: string | undefined;
}

function commandOf({ binDir }: Program): string {
  return binDir === undefined ? 'pg_dump' : join(binDir, 'pg_dump');
}

/** pg_dump gets no environment but this: what else the worker was given is none of its business. */
function environmentOf({ path }: Program): Record<string, string> {
  return { LC_ALL: 'C', PGCONNECT_TIMEOUT: '10', ...(path === undefined ? {} : { PATH: path }) };
}

/**
 * pg_dump refuses servers of a newer major version than its own; this says so before anything is begun.
 * @throws RecoveryError INVALID_CONFIGURATION naming `postgres.binDir`
 */
export async function checkProgram(program: Program, serverMajor: number): Promise<void> {
  const command = commandOf(program);
  const run = promisify(execFile);
  const { stdout } = await run(command, ['--version'], { env: environmentOf(program), timeout: VERSION_MS }).catch(
    (cause: unknown) => {
      throw new RecoveryError('INVALID_CONFIGURATION', `postgres.binDir: ${command} cannot be run`, { cause });
    },
  );
  const major = Number(/\(PostgreSQL\)\s+(\d+)/.exec(stdout)?.[1]);
  if (major >= serverMajor) return;
  throw new RecoveryError(
    'INVALID_CONFIGURATION',
    `postgres.binDir: ${command} is of version ${major || 'unknown'}, and the server is ${serverMajor}; it takes ${serverMajor} or newer`,
  );
}

/**
 * The bytes of a dump in custom format, of the moment that `snapshot` was exported at. The stream ends only when pg_dump
 * ended well; the password goes by its environment and never by its arguments.
 * @throws RecoveryError POSTGRES_REFUSED with the end of what it said, POSTGRES_UNREACHABLE when it fell silent
 */
export async function* runPgDump(
  program: Program,
  url: string,
  snapshot: string,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { dbname, password } = splitPassword(url);
  const child = spawn(
    commandOf(program),
    ['--format=custom', '--no-password', '--lock-wait-timeout=60s', `--snapshot=${snapshot}`, `--dbname=${dbname}`],
    { env: { ...environmentOf(program), PGPASSWORD: password }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const kill = (): void => void child.kill('SIGKILL');
  signal?.addEventListener('abort', kill);
  const silence = new AbortController();
  silence.signal.addEventListener('abort', kill);
  const watch = setTimeout(() => silence.abort(), SILENCE_MS);
  const said = tailOf(child.stderr);
  const ended = new Promise<number | string | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, by) => resolve(code ?? by));
  });
  ended.catch(() => undefined);
  try {
    for await (const piece of child.stdout as AsyncIterable<Uint8Array>) {
      watch.refresh();
      yield piece;
    }
    const code = await ended;
    signal?.throwIfAborted();
    if (silence.signal.aborted) throw lost(`silent for ${SILENCE_MS / 60_000} min`);
    if (code !== 0) throw asFailure(`ended with ${code}: ${without(password, said())}`);
  } finally {
    clearTimeout(watch);
    signal?.removeEventListener('abort', kill);
    kill();
  }
}

/** What libpq says of a server that is not there, or went away in the middle. */
const LOST =
  /connection (refused|timed out|reset)|server closed the connection|terminating connection|could not translate host|database system is/i;

function asFailure(said: string): RecoveryError {
  return LOST.test(said) ? lost(said) : new RecoveryError('POSTGRES_REFUSED', `pg_dump: ${said}`);
}

function lost(said: string): RecoveryError {
  return new RecoveryError('POSTGRES_UNREACHABLE', `pg_dump: ${said}`);
}

function tailOf(stream: NodeJS.ReadableStream): () => string {
  let tail = '';
  stream.setEncoding('utf8').on('data', (piece: string) => (tail = (tail + piece).slice(-TAIL)));
  return () => tail.trim();
}

function without(secret: string, text: string): string {
  return secret === ''
    ? text
    : text.replaceAll(secret, '[redacted]').replaceAll(encodeURIComponent(secret), '[redacted]');
}
