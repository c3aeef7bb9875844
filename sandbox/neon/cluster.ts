import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { chown } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import type { SystemUser } from '../stack/postgres-user.ts';
import type { Watchdog } from '../stack/watchdog.ts';
import { freePort } from './ports.ts';

const run = promisify(execFile);
const READY_MS = 60_000;
const STOP_MS = 10_000;
const LOOK_EVERY_MS = 10;
const QUERY_MS = 30_000;
const TRIES = 3;
export const ADMIN = 'cloud_admin';

/** What every cluster of a project is run with. */
export interface ClusterEnvironment {
  readonly binDir: string;
  readonly user: SystemUser | undefined;
  readonly watchdog: Watchdog;
  readonly adminPassword: () => string;
}

/** Runs one of Postgres's programs as the user that the data belong to. */
export async function runProgram(
  { user }: Pick<ClusterEnvironment, 'user'>,
  program: string,
  args: readonly string[],
  cwd: string,
): Promise<string> {
  const identity = user ? { uid: user.uid, gid: user.gid } : {};
  const { stdout } = await run(program, args, { ...identity, cwd, timeout: 120_000, maxBuffer: 64 << 20 });
  return stdout;
}

/**
 * Settings of every cluster. Without flushes and page images: a killed process loses nothing by that, only a machine
 * that loses power would, and the sandbox's data are worth little.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  // A socket's path may not be longer than about 100 characters, which a project folder may well be.
  unix_socket_directories: '',
  wal_level: 'replica',
  fsync: 'off',
  full_page_writes: 'off',
  shared_buffers: '16MB',
  max_connections: '60',
  max_wal_size: '64MB',
  min_wal_size: '2MB',
  // Recovery asks for the next file of a finished archive once, and should not wait for more.
  wal_retrieve_retry_interval: '10ms',
};

/** Connections are accepted while recovery still runs, so each waits for what it needs. */
const LOOKS = {
  open: 'select true as ready',
  promoted: 'select not pg_is_in_recovery() as ready',
} as const;
export type Readiness = keyof typeof LOOKS;

/** One Postgres process over a folder with `data/`. */
export class Cluster {
  readonly folder: string;
  readonly port: number;
  readonly #environment: ClusterEnvironment;
  readonly #child: ChildProcess;
  readonly #gone: Promise<void>;
  #kept: Promise<pg.Client> | undefined;

  private constructor(folder: string, port: number, environment: ClusterEnvironment, child: ChildProcess) {
    this.folder = folder;
    this.port = port;
    this.#environment = environment;
    this.#child = child;
    this.#gone = new Promise((resolve) => {
      child.once('exit', () => {
        if (child.pid !== undefined) environment.watchdog.forget(child.pid);
        resolve();
      });
    });
  }

  /**
   * Starts the cluster and waits until it is as `until` says.
   * @throws Error with the end of its log
   */
  static async start(
    environment: ClusterEnvironment,
    folder: string,
    settings: Readonly<Record<string, string>>,
    until: Readiness,
  ): Promise<Cluster> {
    await endLeftover(environment, folder);
    for (let attempt = 1; ; attempt++) {
      const cluster = await Cluster.#spawn(environment, folder, settings);
      try {
        await cluster.#ready(until);
        return cluster;
      } catch (error) {
        await cluster.stop();
        // Somebody else may have taken the port between choice and use.
        if (attempt === TRIES || !cluster.#lastWords().includes('could not bind')) throw error;
      }
    }
  }

  static async #spawn(
    environment: ClusterEnvironment,
    folder: string,
    settings: Readonly<Record<string, string>>,
  ): Promise<Cluster> {
    const { binDir, user, watchdog } = environment;
    const port = await freePort();
    const flags = Object.entries({ ...SETTINGS, ...settings, port: String(port) });
    const log = openSync(join(folder, 'log'), 'w');
    try {
      const child = spawn(
        join(binDir, 'postgres'),
        ['-D', join(folder, 'data'), ...flags.flatMap(([name, value]) => ['-c', `${name}=${value}`])],
        {
          cwd: folder,
          stdio: ['ignore', log, log],
          detached: true,
          env: { LC_ALL: 'C', PATH: '/usr/local/bin:/usr/bin:/bin' },
          ...(user ? { uid: user.uid, gid: user.gid } : {}),
        },
      );
      const cluster = new Cluster(folder, port, environment, child);
      await new Promise<void>((resolve, reject) => {
        child.once('spawn', resolve);
        child.once('error', reject);
      });
      if (child.pid !== undefined) watchdog.watch(child.pid, 'SIGINT');
      return cluster;
    } finally {
      closeSync(log);
    }
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async #ready(until: Readiness): Promise<void> {
    const deadline = Date.now() + READY_MS;
    const look = async (client: pg.Client): Promise<void> => {
      for (; ; await pause(LOOK_EVERY_MS)) {
        const { rows } = await client.query<{ ready: boolean }>(LOOKS[until]);
        if (rows[0]?.ready) return;
        if (Date.now() > deadline) throw new Error(`Postgres was not ready in time:\n${this.#lastWords()}`);
      }
    };
    for (; ; await pause(LOOK_EVERY_MS)) {
      if (!this.running) throw new Error(`Postgres ended while starting:\n${this.#lastWords()}`);
      const seen = await this.session(look).then(
        () => true,
        () => false,
      );
      if (seen) return;
      if (Date.now() > deadline) throw new Error(`Postgres was not ready in time:\n${this.#lastWords()}`);
    }
  }

  #lastWords(): string {
    const file = join(this.folder, 'log');
    return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n').slice(-12).join('\n') : '';
  }

  url(role: string, password: string, database: string): string {
    return `postgresql://${role}:${encodeURIComponent(password)}@127.0.0.1:${this.port}/${encodeURIComponent(database)}`;
  }

  /** Runs SQL as the superuser, which nobody outside has the password of. */
  async query(sql: string, values?: unknown[], database = 'postgres'): Promise<Record<string, unknown>[]> {
    return this.session(
      (client) => client.query<Record<string, unknown>>(sql, values).then(({ rows }) => rows),
      database,
    );
  }

  /** Lends a connection of the superuser; the one to the common database is kept, for opening one costs more than using it. */
  async session<T>(use: (client: pg.Client) => Promise<T>, database = 'postgres'): Promise<T> {
    if (database === 'postgres') return use(await (this.#kept ??= this.#connect(database)));
    const client = await this.#connect(database);
    try {
      return await use(client);
    } finally {
      await client.end();
    }
  }

  async #connect(database: string): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.url(ADMIN, this.#environment.adminPassword(), database),
      connectionTimeoutMillis: QUERY_MS,
      query_timeout: QUERY_MS,
    });
    const forget = (): void => {
      if (database === 'postgres') this.#kept = undefined;
    };
    client.on('error', forget);
    client.on('end', forget);
    try {
      await client.connect();
      return client;
    } catch (error) {
      forget();
      throw error;
    }
  }

  /** Ends sessions and the cluster ("fast"); by force when that takes too long. */
  async stop(): Promise<void> {
    if (!this.running) return;
    await this.#kept?.then((client) => client.end()).catch(() => undefined);
    this.#child.kill('SIGINT');
    const timer = setTimeout(() => this.#child.kill('SIGQUIT'), STOP_MS);
    await this.#gone;
    clearTimeout(timer);
  }
}

/** Ends a server that a killed control plane has left over this folder. */
export async function endLeftover(environment: ClusterEnvironment, folder: string): Promise<void> {
  if (!existsSync(join(folder, 'data', 'postmaster.pid'))) return;
  const args = ['-D', join(folder, 'data'), '-m', 'fast', '-w', '-t', '15', 'stop'];
  // Fails when nobody is there any more, which is what is wanted.
  await runProgram(environment, join(environment.binDir, 'pg_ctl'), args, folder).catch(() => undefined);
}

/** A new cluster in `folder`, not running. */
export async function createCluster(environment: ClusterEnvironment, folder: string): Promise<void> {
  const { user, binDir, adminPassword } = environment;
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, adminPassword(), { mode: 0o600 });
  if (user) await chown(passwordFile, user.uid, user.gid);
  const who = ['--username', ADMIN, '--pwfile', passwordFile, '--auth', 'scram-sha-256'];
  // Small files of write-ahead log: a moment is archived sooner, and read back faster.
  const layout = ['--encoding', 'UTF8', '--locale', 'C', '--wal-segsize', '1', '--no-sync'];
  await runProgram(environment, join(binDir, 'initdb'), ['--pgdata', join(folder, 'data'), ...who, ...layout], folder);
  await runProgram(environment, 'rm', ['-f', passwordFile], folder);
}
