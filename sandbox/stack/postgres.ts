import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { findProgram, isProgram } from './find.ts';
import { missing } from './missing.ts';
import { binDirFor, dataHomeFor, postgresUser, type SystemUser } from './postgres-user.ts';
import type { Command, PartPlan, StackContext } from './types.ts';

/** Data folders of different major versions do not mix: another one on PATH is passed over. */
const MAJOR = '18';
const ADMIN = 'sandbox_admin';
/** The role that the product and the app use: it owns its database and may create others beside it, and that is all. */
export const ROLE = 'textbook';
const DATABASE = 'textbook';
const QUERY_MS = 3_000;
const run = promisify(execFile);

export interface PostgresPlan extends PartPlan {
  /** Holds the password. */
  readonly url: string;
  /** The same server for whoever may do everything on it: verified dumps are restored and checked by it. */
  readonly adminUrl?: string;
  readonly binDir: string;
  /** Folder with the write-ahead log's finished files; null for a server that is not ours. */
  readonly archive: string | null;
}

/** A real Postgres cluster with password authentication, checksums and WAL archiving. */
export async function planPostgres(context: StackContext): Promise<PostgresPlan> {
  const user = postgresUser();
  const found = findBinDir(context);
  const external = context.options.postgres.url;
  if (external !== undefined) return externalPostgres(external.reveal(), found.path);
  const binDir = binDirFor(user, found.path);
  const home = dataHomeFor(user, join(context.dir, 'postgres'));
  await ensureCluster(context, { home, binDir, user });
  return {
    name: 'postgres',
    address: `127.0.0.1:${context.ports.postgres}`,
    source: `Postgres ${MAJOR}, ${found.from}`,
    url: connectionUrl(context, ROLE, context.secrets.postgres, DATABASE),
    adminUrl: connectionUrl(context, ADMIN, context.secrets.postgresAdmin, 'postgres'),
    binDir,
    archive: join(home, 'archive'),
    command: serverCommand(context, { home, binDir, user }),
    ready: () => ensureDatabase(context),
  };
}

function externalPostgres(url: string, binDir: string): PostgresPlan {
  const { host, pathname } = new URL(url);
  return {
    name: 'postgres',
    address: `${host}${pathname}`,
    source: 'given by SANDBOX_POSTGRES_URL',
    url,
    binDir,
    archive: null,
    ready: () => query(url, async (client) => void (await client.query('select 1'))),
  };
}

/** The folder of Postgres's programs, as a user that may run them needs it; `findBinDir` says where it was found. */
export function binDirOf(context: StackContext): { path: string; from: string } {
  const { path, from } = findBinDir(context);
  return { path: binDirFor(postgresUser(), path), from };
}

function findBinDir({ options, provided }: StackContext): { path: string; from: string } {
  const configured = options.postgres.binDir;
  const found = findProgram('postgres', {
    configured: configured === undefined ? undefined : join(configured, 'postgres'),
    variable: 'SANDBOX_PG_BIN',
    searchPath: [options.handedDown['PATH'] ?? '', folderOfPgConfig(options.handedDown)].join(delimiter),
    provided: join(provided.packages, 'embedded_postgres', 'pginstall', 'bin'),
    accept: (path) => isWhole(dirname(path)) && majorOf(path) === MAJOR,
  });
  if (!found) throw missing(`Postgres ${MAJOR}`, 'SANDBOX_PG_BIN');
  return { path: dirname(found.path), from: found.from };
}

/** Distributions keep the server's programs off PATH and tell of them by `pg_config`. */
function folderOfPgConfig(env: Readonly<Record<string, string>>): string {
  try {
    return execFileSync('pg_config', ['--bindir'], { encoding: 'utf8', env, timeout: 5_000, stdio: 'pipe' }).trim();
  } catch {
    return '';
  }
}

function isWhole(binDir: string): boolean {
  return ['initdb', 'pg_dump', 'pg_restore', 'pg_basebackup'].every((name) => isProgram(join(binDir, name)));
}

function majorOf(postgres: string): string | undefined {
  const text = execFileSync(postgres, ['--version'], { encoding: 'utf8', timeout: 5_000 });
  return /\s(\d+)(?:\.|devel|beta|rc|\s)/.exec(text)?.[1];
}

interface Cluster {
  readonly home: string;
  readonly binDir: string;
  readonly user: SystemUser | undefined;
}

/**
 * Creates the cluster once. One whose creation was interrupted, or that belongs to a sandbox whose secrets are gone, is
 * created again from the start.
 */
async function ensureCluster(context: StackContext, { home, binDir, user }: Cluster): Promise<void> {
  const made = join(home, 'made');
  const mark = `${MAJOR} ${createHash('sha256').update(context.secrets.postgresAdmin).digest('hex')}\n`;
  if (existsSync(made) && readFileSync(made, 'utf8') === mark) return;
  rmSync(made, { force: true });
  mkdirSync(home, { recursive: true });
  for (const name of ['data', 'archive']) rmSync(join(home, name), { recursive: true, force: true });
  mkdirSync(join(home, 'archive'), { mode: 0o700, recursive: true });
  chmodSync(home, 0o700);
  const passwordFile = join(home, 'password');
  writeFileSync(passwordFile, context.secrets.postgresAdmin, { mode: 0o600 });
  if (user) for (const path of [home, join(home, 'archive'), passwordFile]) chownSync(path, user.uid, user.gid);
  try {
    const args = ['--pgdata', join(home, 'data'), '--username', ADMIN, '--pwfile', passwordFile];
    // 1 MB files of write-ahead log instead of 16: a point in time is archived sooner and takes less room.
    const layout = ['--auth', 'scram-sha-256', '--encoding', 'UTF8', '--locale', 'C', '--wal-segsize', '1'];
    await run(join(binDir, 'initdb'), [...args, ...layout], {
      ...identity(user),
      cwd: home,
      env: environment(context),
      timeout: 60_000,
    });
  } finally {
    rmSync(passwordFile, { force: true });
  }
  writeFileSync(made, mark);
}

function identity(user: SystemUser | undefined): { uid?: number; gid?: number } {
  return user ? { uid: user.uid, gid: user.gid } : {};
}

function environment({ options }: StackContext): Record<string, string> {
  return { ...options.handedDown, LC_ALL: 'C' };
}

function serverCommand(context: StackContext, { home, binDir, user }: Cluster): Command {
  // Relative to the data folder, where Postgres runs it: no path of ours needs quoting. An identical file is fine (the
  // server may have died between copying and noting it), another one of that name is never replaced.
  const archive =
    'cmp -s %p ../archive/%f || ' +
    '(test ! -e ../archive/%f && cp %p ../archive/%f.part && mv ../archive/%f.part ../archive/%f)';
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    port: String(context.ports.postgres),
    // A socket's path may not be longer than about 100 characters, which a project folder may well be.
    unix_socket_directories: '',
    wal_level: 'replica',
    archive_mode: 'on',
    archive_command: archive,
    archive_timeout: '60',
    shared_buffers: '32MB',
    max_connections: '50',
  };
  return {
    program: join(binDir, 'postgres'),
    args: [
      '-D',
      join(home, 'data'),
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    cwd: home,
    env: environment(context),
    user: user && { uid: user.uid, gid: user.gid },
    // "Fast": ends sessions. SIGTERM would wait for every client to leave.
    stopSignal: 'SIGINT',
  };
}

function connectionUrl({ ports }: StackContext, role: string, password: string, database: string): string {
  return `postgresql://${role}:${password}@127.0.0.1:${ports.postgres}/${database}`;
}

async function query(url: string, use: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: QUERY_MS, query_timeout: QUERY_MS });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await use(client);
  } finally {
    await client.end();
  }
}

/** Serves once the product's role can use its database; both are made on the first start. */
async function ensureDatabase(context: StackContext): Promise<void> {
  const admin = connectionUrl(context, ADMIN, context.secrets.postgresAdmin, 'postgres');
  await query(admin, async (client) => {
    const { rows } = await client.query('select 1 from pg_database where datname = $1', [DATABASE]);
    if (rows.length > 0) return;
    const role = await client.query('select 1 from pg_roles where rolname = $1', [ROLE]);
    const password = client.escapeLiteral(context.secrets.postgres);
    if (role.rows.length === 0) await client.query(`create role ${ROLE} login createdb password ${password}`);
    await client.query(`create database ${DATABASE} owner ${ROLE}`);
  });
  await query(connectionUrl(context, ROLE, context.secrets.postgres, DATABASE), async (client) => {
    await client.query('select 1');
  });
}
