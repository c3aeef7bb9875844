import { execFile, type ExecFileOptions, spawn } from 'node:child_process';
import { chown, glob, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort } from './ports.ts';

const run = promisify(execFile);
const PASSWORD = 'correct horse battery staple';
/** Postgres refuses to run as root; this is the usual number of the user `nobody`. */
const NOBODY = 65_534;

/** A real Postgres cluster of its own, in a temporary folder, on a free port. */
export interface TestPostgres {
  /** Folder of its programs, `pg_dump` among them. */
  readonly binDir: string;
  readonly port: number;
  readonly password: string;
  /** Address of a database in it. */
  url(database?: string): string;
  /** Creates an empty database and runs `sql` in it. Returns its address. */
  createDatabase(name: string, sql?: string): Promise<string>;
  start(): Promise<void>;
  /** Stops at once, like a crash, and can be started again. */
  stop(): Promise<void>;
  /** Stops and removes everything. */
  destroy(): Promise<void>;
}

export async function startPostgres(settings: Readonly<Record<string, string>> = {}): Promise<TestPostgres> {
  const binDir = await findBinDir();
  const directory = await mkdtemp(join(tmpdir(), 'recovery-postgres-'));
  const user = await lowerRights(directory);
  const port = await freePort();
  const data = join(directory, 'data');
  const pgCtl = (...args: string[]): Promise<unknown> => run(join(binDir, 'pg_ctl'), ['-D', data, '-w', ...args], user);
  await writeFile(join(directory, 'password'), PASSWORD);
  await run(
    join(binDir, 'initdb'),
    [
      '-D',
      data,
      '-U',
      'postgres',
      '-A',
      'scram-sha-256',
      '--pwfile',
      join(directory, 'password'),
      '-E',
      'UTF8',
      '--locale=C',
      '--no-sync',
    ],
    user,
  );
  const options = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    fsync: 'off',
    ...settings,
  };
  const flags = Object.entries(options)
    .map(([name, value]) => `-c ${name}='${value}'`)
    .join(' ');
  const url = (database = 'postgres'): string =>
    `postgresql://postgres:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/${database}`;
  const start = async (): Promise<void> => void (await pgCtl('-l', join(directory, 'log'), '-o', flags, 'start'));
  await start();
  const dropWatch = watch(join(binDir, 'pg_ctl'), directory, user);
  return {
    binDir,
    port,
    password: PASSWORD,
    url,
    start,
    async createDatabase(name, sql) {
      await runSql(url(), `CREATE DATABASE "${name}"`);
      if (sql) await runSql(url(name), sql);
      return url(name);
    },
    stop: async () => void (await pgCtl('-m', 'immediate', 'stop')),
    async destroy() {
      dropWatch();
      await pgCtl('-m', 'immediate', 'stop').catch(() => undefined);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/**
 * A server outlives a test run that is killed. This shell waits for the end of its input, which comes when this process
 * ends in whatever way, and then stops the server and takes its folder away.
 */
function watch(pgCtl: string, directory: string, user: ExecFileOptions): () => void {
  const script = 'cat; "$0" -D "$1/data" -m immediate stop; rm -rf "$1"';
  const shell = spawn('sh', ['-c', script, pgCtl, directory], {
    ...user,
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  shell.unref();
  if (shell.stdin instanceof Socket) shell.stdin.unref();
  return () => shell.kill();
}

/** Runs SQL, for arranging and for looking. */
export async function runSql(url: string, sql: string, values?: unknown[]): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const result: pg.QueryResult<Record<string, unknown>> = await client.query(sql, values);
    return result.rows;
  } finally {
    await client.end();
  }
}

async function lowerRights(directory: string): Promise<ExecFileOptions> {
  if (process.getuid?.() !== 0) return {};
  await chown(directory, NOBODY, NOBODY);
  return { uid: NOBODY, gid: NOBODY, cwd: directory };
}

/** Named by TEST_POSTGRES_BIN, else the sandbox's own, else the system's. */
export async function findBinDir(): Promise<string> {
  if (process.env['TEST_POSTGRES_BIN']) return process.env['TEST_POSTGRES_BIN'];
  for await (const path of glob('.sandbox/python/lib/python3*/site-packages/embedded_postgres/pginstall/bin'))
    return join(process.cwd(), path);
  const found = await run('pg_config', ['--bindir']).catch(() => undefined);
  if (found) return found.stdout.trim();
  throw new Error(
    'tests need Postgres programs: run `npm run sandbox` once, put pg_config on PATH, or set TEST_POSTGRES_BIN',
  );
}
