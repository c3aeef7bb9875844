import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Deadlines, withSession } from '../../../activities/postgres/client.ts';
import { readRows } from '../../../activities/postgres/rows.ts';
import { Secret } from '../../../config/secret.ts';
import { freePort } from '../../support/ports.ts';
import { runSql, startPostgres, type TestPostgres } from '../../support/postgres.ts';

const TABLE = { table: 'chunks', pointId: 'id', text: 'text', source: 'source' };
/** More than fits into all buffers between Postgres and its reader. */
const WIDE = { ...TABLE, table: 'wide' };
/** Sorted at once, and still more than one piece. */
const QUICK = { ...TABLE, table: 'quick' };
const IMPATIENT: Deadlines = { connect: 300, statement: 300, silence: 800 };
let postgres: TestPostgres;
let url: Secret;

beforeAll(async () => {
  postgres = await startPostgres();
  url = new Secret(
    await postgres.createDatabase(
      'stack',
      `CREATE TABLE chunks (id bigint, text text, source text);
       INSERT INTO chunks SELECT n, repeat('text', 100), repeat('s', 200) FROM generate_series(1, 30000) n;
       CREATE TABLE wide AS SELECT id, text, repeat(source, 10) AS source FROM chunks;
       CREATE TABLE quick AS SELECT * FROM wide WHERE id <= 1000`,
    ),
  );
});
afterAll(() => postgres.destroy());

async function count(rows: AsyncIterable<readonly unknown[]>, during?: (read: number) => unknown): Promise<number> {
  let read = 0;
  for await (const batch of rows) {
    read += batch.length;
    await during?.(read);
  }
  return read;
}

describe('what goes wrong with Postgres is told apart', () => {
  test('nobody listens: unreachable', async () => {
    const nobody = new Secret(`postgresql://u:p@127.0.0.1:${await freePort()}/db`);
    await expect(withSession(nobody, 'read', () => Promise.resolve())).rejects.toMatchObject({
      code: 'POSTGRES_UNREACHABLE',
    });
  });

  test('somebody listens and says nothing: unreachable, after the deadline', async () => {
    const sockets: Socket[] = [];
    const server: Server = createServer((socket) => void sockets.push(socket));
    const port = await new Promise<number>((resolve) =>
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
    );
    try {
      const silent = new Secret(`postgresql://u:p@127.0.0.1:${port}/db`);
      await expect(withSession(silent, 'read', () => Promise.resolve(), IMPATIENT)).rejects.toMatchObject({
        code: 'POSTGRES_UNREACHABLE',
      });
    } finally {
      for (const socket of sockets) socket.destroy();
      server.close();
    }
  });

  test('a wrong password: denied, and the password is in no message', async () => {
    const wrong = new Secret(url.reveal().replace(/:[^:@]+@/, ':open-sesame@'));
    const failure = await withSession(wrong, 'read', () => Promise.resolve()).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'POSTGRES_DENIED' });
    expect(String(failure)).not.toContain('open-sesame');
  });

  test('no right to the table: denied', async () => {
    await runSql(url.reveal(), `CREATE ROLE reader LOGIN PASSWORD 'pw'`);
    const reader = new Secret(url.reveal().replace(/\/\/[^@]+@/, '//reader:pw@'));
    await expect(count(readRows({ url: reader }, TABLE))).rejects.toMatchObject({ code: 'POSTGRES_DENIED' });
  });

  test('a database that is not there: refused, in Postgres’ words', async () => {
    const absent = new Secret(postgres.url('absent'));
    await expect(withSession(absent, 'read', () => Promise.resolve())).rejects.toMatchObject({
      code: 'POSTGRES_REFUSED',
      message: expect.stringContaining('database "absent" does not exist (3D000)'),
    });
  });

  test('encryption that the server does not have: refused, since no waiting brings it', async () => {
    const encrypted = new Secret(`${url.reveal()}?sslmode=verify-full`);
    await expect(withSession(encrypted, 'read', () => Promise.resolve())).rejects.toMatchObject({
      code: 'POSTGRES_REFUSED',
      message: expect.stringContaining('SSL'),
    });
  });

  test('too many connections: unreachable, since they go by themselves', async () => {
    await runSql(postgres.url(), `CREATE ROLE crowded LOGIN PASSWORD 'pw' CONNECTION LIMIT 0`);
    const crowded = new Secret(url.reveal().replace(/\/\/[^@]+@/, '//crowded:pw@'));
    await expect(withSession(crowded, 'read', () => Promise.resolve())).rejects.toMatchObject({
      code: 'POSTGRES_UNREACHABLE',
    });
  });

  test('a connection that is ended in the middle of a read: unreachable', async () => {
    const terminate = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'stack' AND pid <> pg_backend_pid()`;
    let ended = false;
    const read = count(readRows({ url }, WIDE), async () => {
      if (!ended) await runSql(url.reveal(), terminate);
      ended = true;
    });
    await expect(read).rejects.toMatchObject({ code: 'POSTGRES_UNREACHABLE' });
  });

  test('a lock that somebody holds: unreachable, after a silence', async () => {
    await withSession(url, 'write', async (session) => {
      await session.run('LOCK TABLE chunks IN ACCESS EXCLUSIVE MODE');
      await expect(count(readRows({ url }, TABLE, undefined, IMPATIENT))).rejects.toMatchObject({
        code: 'POSTGRES_UNREACHABLE',
        message: expect.stringContaining('no answer within 0.8 s'),
      });
    });
  });

  test('a reader that is slower than the deadline is not mistaken for a silent server', async () => {
    const silence = 400;
    let waited = false;
    const slowlyAtFirst = async (): Promise<void> => {
      if (!waited) await pause(silence + 50);
      waited = true;
    };
    const rows = readRows({ url }, QUICK, undefined, { ...IMPATIENT, silence });
    expect(await count(rows, slowlyAtFirst)).toBe(1_000);
    expect(waited).toBe(true);
  });

  test('cancellation ends a read with its own reason', async () => {
    const controller = new AbortController();
    const read = count(readRows({ url }, WIDE, controller.signal), () => controller.abort(new Error('asked to stop')));
    await expect(read).rejects.toThrow('asked to stop');
  });

  test('a crash in the middle of a read: unreachable', async () => {
    let stopped = false;
    const read = count(readRows({ url }, WIDE), async () => {
      if (!stopped) await postgres.stop();
      stopped = true;
    });
    await expect(read).rejects.toMatchObject({ code: 'POSTGRES_UNREACHABLE' });
    await postgres.start();
  });
});

describe('a session that was opened to read', () => {
  test('cannot write, whatever it is told', async () => {
    const write = withSession(url, 'read', (session) => session.run('DELETE FROM chunks'));
    await expect(write).rejects.toMatchObject({
      code: 'POSTGRES_REFUSED',
      message: expect.stringContaining('read-only'),
    });
  });

  test('keeps nothing of what a writing session did not commit', async () => {
    await withSession(url, 'write', (session) => session.run('DELETE FROM chunks'));
    expect(await count(readRows({ url }, TABLE))).toBe(30_000);
  });
});
