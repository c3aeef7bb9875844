import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { QdrantClient } from '@qdrant/js-client-rest';
import { Connection } from '@temporalio/client';
import pg from 'pg';
import { isAlive } from '../../sandbox/launch/lock.mjs';
import { openControl } from '../../sandbox/stack/control.ts';
import { isFree } from '../../sandbox/stack/ports.ts';
import { type PartName, type Stack, startStack } from '../../sandbox/stack/stack.ts';

const STORES: readonly PartName[] = ['postgres', 'qdrant'];
const PATIENCE_MS = 20_000;

const folder = mkdtempSync(join(tmpdir(), 'stack-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + PATIENCE_MS; !(await holds()); await pause(20)) {
    if (Date.now() > deadline) throw new Error(`not seen within ${PATIENCE_MS / 1000} s: ${what}`);
  }
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

function qdrantOf({ env }: Stack, key = env['QDRANT_API_KEY']): QdrantClient {
  return new QdrantClient({
    url: env['QDRANT_URL'] ?? '',
    headers: { 'api-key': key ?? '' },
    checkCompatibility: false,
  });
}

const databaseOf = ({ env }: Stack): string => env['DATABASE_URL'] ?? '';
const pidOf = (stack: Stack, name: PartName): number => stack.parts().find((part) => part.name === name)?.pid ?? 0;

describe('two sandboxes side by side', () => {
  let one: Stack;
  let two: Stack;
  const told: string[] = [];

  beforeAll(async () => {
    [one, two] = await Promise.all([
      startStack({ name: 'one', folder, only: ['temporal', ...STORES], onMessage: (message) => told.push(message) }),
      startStack({ name: 'two', folder, only: STORES }),
    ]);
  });

  afterAll(async () => {
    const pids = [one, two].flatMap((stack) => stack.parts().map(({ pid }) => pid ?? 0));
    await Promise.all([one.stop(), two.stop()]);
    expect(pids.filter((pid) => isAlive(pid))).toEqual([]);
    for (const port of [one.ports.temporal, one.ports.postgres, one.ports.qdrant, two.ports.postgres]) {
      expect(await isFree(port)).toBe(true);
    }
    expect(existsSync(join(folder, 'current.json'))).toBe(false);
  });

  test('keep their data apart', async () => {
    await query(databaseOf(one), 'create table only_in_one ()');
    const tables = "select tablename from pg_tables where schemaname = 'public'";
    expect(await query(databaseOf(one), tables)).toEqual([{ tablename: 'only_in_one' }]);
    expect(await query(databaseOf(two), tables)).toEqual([]);
  });

  test('have keys of their own, and the read-only one may not write', async () => {
    const stranger = qdrantOf(two, one.env['QDRANT_API_KEY']);
    await expect(stranger.getCollections()).rejects.toMatchObject({ status: expect.any(Number) });
    const reader = qdrantOf(one, one.env['QDRANT_READ_ONLY_API_KEY']);
    expect(await reader.getCollections()).toMatchObject({ collections: [] });
    await expect(reader.createCollection('c', { vectors: { size: 4, distance: 'Cosine' } })).rejects.toThrow();
  });

  test('a name that runs is not started a second time', async () => {
    await expect(startStack({ name: 'one', folder, only: STORES })).rejects.toThrow("the sandbox 'one' runs already");
  });

  test('files with passwords are for their owner alone', () => {
    for (const file of ['environment', 'secrets.json', 'current.json']) {
      expect(statSync(join(one.dir, file)).mode & 0o077).toBe(0);
    }
  });

  test('the product role is no superuser, and may create a database beside', async () => {
    const rights = 'select rolsuper, rolcreatedb from pg_roles where rolname = current_user';
    expect(await query(databaseOf(one), rights)).toEqual([{ rolsuper: false, rolcreatedb: true }]);
  });

  test('Postgres archives its write-ahead log', async () => {
    const admin = databaseOf(one).replace(/textbook:[0-9a-f]+@/, `sandbox_admin:${one.secrets.postgresAdmin}@`);
    const [switched] = await query(admin, 'select pg_walfile_name(pg_switch_wal()) as file');
    const archive = join(one.dir, 'postgres', 'archive');
    await eventually('the switched file in the archive', () =>
      readdirSync(archive).includes(String(switched?.['file'])),
    );
  });

  test('Temporal knows the search attributes that runs set', async () => {
    const connection = await Connection.connect({ address: one.env['TEMPORAL_ADDRESS'] ?? '' });
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace: 'default' });
    await connection.close();
    expect(Object.keys(customAttributes)).toEqual(
      expect.arrayContaining(['DrScenario', 'DrEnvironment', 'DrPhase', 'DrOutcome', 'DrDrill', 'DrRtoSeconds']),
    );
  });

  test('a part that was killed comes back with its data, on its port', async () => {
    await qdrantOf(one).createCollection('kept', { vectors: { size: 4, distance: 'Cosine' } });
    const before = pidOf(one, 'qdrant');
    await one.kill('qdrant');
    expect(one.isRunning('qdrant')).toBe(false);
    await expect(qdrantOf(one).getCollections()).rejects.toThrow();
    await one.start('qdrant');
    expect(pidOf(one, 'qdrant')).not.toBe(before);
    expect(await qdrantOf(one).collectionExists('kept')).toEqual({ exists: true });
    expect(told.filter((message) => message.includes('unexpectedly'))).toEqual([]);
  });

  test('a part that dies by itself is told with its log, and the others stay up', async () => {
    process.kill(pidOf(two, 'qdrant'), 'SIGKILL');
    process.kill(pidOf(one, 'postgres'), 'SIGKILL');
    await eventually('the message', () => told.some((message) => message.startsWith('postgres ended unexpectedly')));
    expect(told.at(-1)).toContain(join(one.dir, 'logs', 'postgres.log'));
    expect(one.parts().map(({ name, state }) => `${name} ${state}`)).toEqual([
      'temporal running',
      'postgres crashed',
      'qdrant running',
    ]);
    await Promise.all([one.start('postgres'), two.start('qdrant')]);
    expect(await query(databaseOf(one), 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('the control port asks for its token, and kills and starts parts', async () => {
    const control = await openControl(one);
    const call = async (method: string, path: string, token: string): Promise<[number, unknown]> => {
      const answer = await fetch(control.url + path, { method, headers: { authorization: `Bearer ${token}` } });
      return [answer.status, await answer.json()];
    };
    const { control: told } = JSON.parse(readFileSync(join(folder, 'current.json'), 'utf8')) as {
      control: { url: string; token: string };
    };
    expect(told.url).toBe(control.url);
    expect((await call('GET', '/', 'guessed'))[0]).toBe(401);
    expect(await call('POST', '/parts/qdrant/kill', told.token)).toMatchObject([200, { part: { state: 'stopped' } }]);
    expect(await call('POST', '/parts/qdrant/start', told.token)).toMatchObject([200, { part: { state: 'running' } }]);
    expect((await call('POST', '/parts/kettle/start', told.token))[0]).toBe(400);
    expect((await call('POST', '/break/qdrant/no-such-fault', told.token))[0]).toBe(404);
    await control.close();
  });
});

describe('one sandbox after another', () => {
  test('finds the data of the last one, unless it is to begin afresh', async () => {
    const start = (fresh: boolean): Promise<Stack> => startStack({ name: 'again', folder, only: ['postgres'], fresh });
    const count = "select count(*)::int as tables from pg_tables where schemaname = 'public'";
    const first = await start(false);
    await query(databaseOf(first), 'create table kept ()');
    await first.stop();
    const second = await start(false);
    expect(second.ports.postgres).toBe(first.ports.postgres);
    expect(await query(databaseOf(second), count)).toEqual([{ tables: 1 }]);
    await second.stop();
    const third = await start(true);
    expect(await query(databaseOf(third), count)).toEqual([{ tables: 0 }]);
    await third.stop();
  });

  test('nothing is left running when the supervisor is killed, and the next one starts on its data', async () => {
    const script = join(folder, 'start.ts');
    const stackModule = join(process.cwd(), 'sandbox/stack/stack.ts');
    writeFileSync(
      script,
      `import { startStack } from ${JSON.stringify(stackModule)};
       const stack = await startStack({ name: 'killed', folder: ${JSON.stringify(folder)}, only: ['postgres', 'qdrant'] });
       console.log(stack.parts().map(({ pid }) => pid).join(' '));
       await new Promise(() => setInterval(() => undefined, 1_000));`,
    );
    const supervisor = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const printed = await new Promise<string>((resolve) =>
      supervisor.stdout.setEncoding('utf8').once('data', (text: string) => resolve(text)),
    );
    const pids = printed.trim().split(' ').map(Number);
    expect(pids.map((pid) => isAlive(pid))).toEqual([true, true]);
    supervisor.kill('SIGKILL');
    await eventually('the end of every part', () => !pids.some((pid) => isAlive(pid)));
    const next = await startStack({ name: 'killed', folder, only: STORES });
    expect(await query(databaseOf(next), 'select 1 as one')).toEqual([{ one: 1 }]);
    await next.stop();
  });

  test('one that cannot start says which part and why, and stops the others', async () => {
    const told: string[] = [];
    const blocked = startStack({
      name: 'blocked',
      folder,
      only: STORES,
      options: {
        qdrant: { program: '/bin/false' },
        postgres: {},
        temporal: {},
        caddy: {},
        embeddings: {},
        handedDown: { PATH: process.env['PATH'] ?? '' },
      },
      onMessage: (message) => told.push(message),
    });
    await expect(blocked).rejects.toThrow('qdrant ended (exit code 1)');
    expect(existsSync(join(folder, 'run', 'blocked', 'running.json'))).toBe(false);
    const again = await startStack({ name: 'blocked', folder, only: ['postgres'] });
    await again.stop();
  });
});
