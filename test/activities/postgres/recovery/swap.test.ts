import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { swapDatabase, WHOLE } from '../../../../activities/postgres/recovery/swap.ts';
import { runSql } from '../../../support/postgres.ts';
import { type AppStage, namesOfRun, run, setAppStage } from './app-stage.ts';

let app: AppStage;
let names: ReturnType<typeof namesOfRun>;
const DROP = `SELECT format('DROP DATABASE %I WITH (FORCE)', datname) AS sql FROM pg_database WHERE datname ~ '^dr_|^textbook$'`;

beforeAll(async () => {
  app = await setAppStage();
});
afterAll(() => app.stop());

/** The app's database and one beside, each knowing what it is. */
beforeEach(async () => {
  names = namesOfRun();
  await app.admin('ALTER ROLE app CREATEDB');
  for (const { sql } of await app.admin(DROP)) await app.admin(String(sql));
  await make('textbook', 'old');
  await make(names.restore, 'new', `${WHOLE} from a test`);
});

async function make(database: string, what: string, note = ''): Promise<void> {
  await app.admin(`CREATE DATABASE ${database} OWNER app`);
  await runSql(app.url(database), `CREATE TABLE what AS SELECT '${what}' AS it`);
  if (note) await app.admin(`COMMENT ON DATABASE ${database} IS '${note}'`);
}

/** Swaps in a process of its own, as a worker does. */
function inProcess(): ChildProcess {
  const module = pathToFileURL(join(process.cwd(), 'activities/postgres/recovery/swap.ts')).href;
  const secret = pathToFileURL(join(process.cwd(), 'config/secret.ts')).href;
  const script = `const { swapDatabase } = await import(${JSON.stringify(module)});
    const { Secret } = await import(${JSON.stringify(secret)});
    await swapDatabase({ url: new Secret(${JSON.stringify(app.url())}) },
      ${JSON.stringify({ database: names.restore, keepAs: names.before })});`;
  return spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['ignore', 'ignore', 'inherit'] });
}

async function until(condition: string): Promise<void> {
  for (let tries = 0; tries < 400; tries += 1) {
    const [row] = await app.admin(`SELECT (${condition}) AS yes`);
    if (row?.['yes'] === true) return;
    await pause(25);
  }
  throw new Error(`never came true: ${condition}`);
}

const swap = (patienceMs?: number): ReturnType<typeof swapDatabase> =>
  swapDatabase(app.parts.config, { database: names.restore, keepAs: names.before }, patienceMs);
const whatIs = async (database: string): Promise<unknown> =>
  (await runSql(app.url(database), 'SELECT it FROM what').catch(() => []))[0]?.['it'];
const all = async (): Promise<unknown> => ({
  live: await whatIs('textbook'),
  restore: await whatIs(names.restore),
  before: await whatIs(names.before),
});
const SWAPPED = { live: 'new', restore: undefined, before: 'old' };
const UNTOUCHED = { live: 'old', restore: 'new', before: undefined };

describe('a database that takes the app’s name', () => {
  test('has it, and what had it is kept; done again nothing is done; and it goes back', async () => {
    expect(await run(() => app.act.swapDatabase({ database: names.restore, keepAs: names.before }))).toEqual({
      kept: true,
      left: [],
    });
    expect(await all()).toEqual(SWAPPED);
    expect(await swap()).toEqual({ kept: true, left: [] });
    expect(await all()).toEqual(SWAPPED);
    expect(await app.act.listRecoveryDatabases()).toEqual([names.before]);

    const back = { database: names.before, keepAs: names.after };
    expect(await app.act.swapDatabase(back)).toEqual({ kept: true, left: [] });
    expect(await whatIs('textbook')).toBe('old');
    expect(await whatIs(names.after)).toBe('new');
  });

  test('takes it from an app that connects again at once, and never is there nothing of that name', async () => {
    const seen = new Map<string, number>();
    let stop = false;
    const note = (what: string): void => void seen.set(what, (seen.get(what) ?? 0) + 1);
    const busy = async (): Promise<void> => {
      while (!stop) {
        const client = new pg.Client({ connectionString: app.url(), connectionTimeoutMillis: 20_000 });
        client.on('error', () => undefined);
        try {
          await client.connect();
          while (!stop) {
            const { rows } = await client.query<{ it: string }>('SELECT it FROM what');
            note(rows[0]?.it ?? 'empty');
            await client.query('SELECT pg_sleep(0.005)');
          }
        } catch (error) {
          note(String(error));
        } finally {
          await client.end().catch(() => undefined);
        }
      }
    };
    const load = Array.from({ length: 8 }, busy);
    await pause(200);
    const startedAt = performance.now();
    expect(await swap()).toEqual({ kept: true, left: [] });
    const took = performance.now() - startedAt;
    await pause(200);
    stop = true;
    await Promise.all(load);
    expect(took).toBeLessThan(3_000);
    expect(seen.get('old')).toBeGreaterThan(0);
    expect(seen.get('new')).toBeGreaterThan(0);
    const others = [...seen.keys()].filter((what) => !['old', 'new'].includes(what));
    // Whoever was just connecting is told so, once, and not that there is no such database for good.
    for (const what of others) expect(what).toMatch(/terminat|connection error|ECONNRESET|does not exist/i);
    expect(await all()).toEqual(SWAPPED);
  });

  test('takes it where there is none any more, which leaves nothing to keep', async () => {
    await app.admin('DROP DATABASE textbook');
    expect(await swap()).toEqual({ kept: false, left: [] });
    expect(await whatIs('textbook')).toBe('new');
    expect(await swap()).toEqual({ kept: false, left: [] });
    expect(await app.act.listRecoveryDatabases()).toEqual([]);
  });

  test('takes it where somebody renamed the old one and went no further', async () => {
    await app.admin(`ALTER DATABASE textbook RENAME TO ${names.before}`);
    await app.admin(`ALTER DATABASE ${names.before} SET work_mem = '5MB'`);
    expect(await swap()).toEqual({ kept: true, left: [] });
    expect(await all()).toEqual(SWAPPED);
    expect(await runSql(app.url(), 'SHOW work_mem')).toEqual([{ work_mem: '5MB' }]);
  });

  test('is given the settings, privileges, limit and comment of the old one, and loses them not when it goes back', async () => {
    await app.admin(`
      ALTER DATABASE textbook SET search_path = "$user", public, "my, schema";
      ALTER DATABASE textbook SET application_name = 'it''s \\ "me"';
      ALTER DATABASE textbook SET statement_timeout = '12s';
      ALTER ROLE app IN DATABASE textbook SET work_mem = '7MB';
      ALTER DATABASE textbook CONNECTION LIMIT 17;
      COMMENT ON DATABASE textbook IS 'the app''s';
      REVOKE CONNECT ON DATABASE textbook FROM PUBLIC;
      GRANT CONNECT ON DATABASE textbook TO reader WITH GRANT OPTION`);
    const traits = `SELECT datconnlimit, shobj_description(d.oid, 'pg_database') AS comment, pg_get_userbyid(datdba) AS owner,
        (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(datacl) a) AS acl,
        (SELECT jsonb_agg(jsonb_build_array(setrole::regrole, setconfig) ORDER BY setrole) FROM pg_db_role_setting WHERE setdatabase = d.oid) AS settings
      FROM pg_database d WHERE datname = 'textbook'`;
    const before = await app.admin(traits);
    expect(await swap()).toEqual({ kept: true, left: [] });
    expect(await app.admin(traits)).toEqual(before);
    expect(await swap()).toEqual({ kept: true, left: [] });
    await app.act.swapDatabase({ database: names.before, keepAs: names.after });
    expect(await app.admin(traits)).toEqual(before);
    expect(await whatIs('textbook')).toBe('old');
  });

  test('is not kept from it by what the role may not give, which is named', async () => {
    await app.admin(
      `ALTER DATABASE textbook SET log_statement = 'all'; ALTER DATABASE textbook SET app.mine = '1'; ALTER ROLE reader IN DATABASE textbook SET work_mem = '7MB'`,
    );
    const left = ['the setting log_statement', 'the setting app.mine', 'the setting work_mem of role reader'];
    expect(await swap()).toEqual({ kept: true, left });
    expect(await swap()).toEqual({ kept: true, left });
    expect(await all()).toEqual(SWAPPED);
  });

  test('takes it when it is asked again after a worker that was killed in the middle', async () => {
    const superuser = new pg.Client({ connectionString: app.stage.postgres.url('textbook') });
    superuser.on('error', () => undefined);
    await superuser.connect();
    const child = inProcess();
    await until(`EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'ALTER DATABASE%RENAME%' AND state = 'active'
      AND pid <> pg_backend_pid())`);
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    await superuser.end();
    expect(await swap()).toEqual({ kept: true, left: [] });
    expect(await all()).toEqual(SWAPPED);
  }, 30_000);

  test('two at a time do it once', async () => {
    const both = await Promise.allSettled([swap(), swap()]);
    expect(both.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0);
    expect(await all()).toEqual(SWAPPED);
  });
});

describe('nothing is renamed', () => {
  afterEach(async () => {
    expect(await all()).toEqual(UNTOUCHED);
  });

  test('for a database that was not restored to its end', async () => {
    await app.admin(`COMMENT ON DATABASE ${names.restore} IS 'rag-recovery: not whole, 1'`);
    await expect(swap()).rejects.toMatchObject({ code: 'RESTORE_INCOMPLETE' });
  });

  test('for a database that is not there', async () => {
    const swapping = app.act.swapDatabase({ database: names.after, keepAs: names.before });
    await expect(swapping).rejects.toMatchObject({ code: 'STALE_PLAN', message: expect.stringContaining(names.after) });
  });

  test.each([
    ['textbook', 'dr_before_x', 'database'],
    ['dr_restore_x', 'textbook', 'keepAs'],
    ['dr_restore_x', 'dr_restore_x', 'keepAs'],
    ['dr_restore_x', 'other', 'keepAs'],
  ])('for other names: %s, %s', async (database, keepAs, field) => {
    await expect(swapDatabase(app.parts.config, { database, keepAs })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining(field),
    });
  });

  test('without the right to, which is named', async () => {
    await app.admin('ALTER ROLE app NOCREATEDB');
    await expect(swap()).rejects.toMatchObject({
      code: 'POSTGRES_DENIED',
      message: expect.stringContaining('ALTER ROLE "app" CREATEDB'),
    });
  });

  test('without a database to do it from, and it is said what is missing', async () => {
    await app.admin('REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC');
    await expect(swap()).rejects.toMatchObject({
      code: 'POSTGRES_DENIED',
      message: expect.stringContaining('GRANT CONNECT on postgres or template1'),
    });
    await app.admin('GRANT CONNECT ON DATABASE template1 TO PUBLIC');
    await app.admin('COMMENT ON DATABASE ' + names.restore + ` IS 'rag-recovery: not whole, 1'`);
    await expect(swap()).rejects.toMatchObject({ code: 'RESTORE_INCOMPLETE' });
    await app.admin('GRANT CONNECT ON DATABASE postgres TO PUBLIC');
  });

  test('while somebody is connected whom the role may not send away, and it is said who', async () => {
    const client = new pg.Client({ connectionString: app.stage.postgres.url('textbook') });
    client.on('error', () => undefined);
    await client.connect();
    try {
      await expect(swap(0)).rejects.toMatchObject({
        code: 'POSTGRES_DENIED',
        message: expect.stringMatching(/1 of "postgres".*GRANT pg_signal_backend TO "app"/),
      });
      expect((await client.query<{ one: number }>('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    } finally {
      await client.end();
    }
  }, 20_000);

  test('where the name to keep under is taken', async () => {
    await make(names.before, 'other');
    await expect(swap()).rejects.toMatchObject({ code: 'STALE_PLAN', message: expect.stringContaining(names.before) });
    await app.admin(`DROP DATABASE ${names.before} WITH (FORCE)`);
  });
});
