import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createBesideActivities } from '../../../../activities/postgres/recovery/beside.ts';
import type { RecoverySet } from '../../../../domain/recovery-set.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import { runSql } from '../../../support/postgres.ts';
import { type AppStage, binOf, namesOfRun, run, setAppStage } from './app-stage.ts';

let app: AppStage;
let set: RecoverySet;
let names: ReturnType<typeof namesOfRun>;

beforeAll(async () => {
  app = await setAppStage();
  await app.admin(
    `ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA public GRANT SELECT ON TABLES TO reader`,
    'textbook',
  );
  await runSql(app.url(), 'ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO reader');
  set = await app.takeSet();
});
afterAll(() => app.stop());
beforeEach(() => void (names = namesOfRun()));

const restore = (): Promise<void> => run(() => app.act.restoreDatabase({ set, database: names.restore }));
const noteOf = async (database: string): Promise<unknown> =>
  (
    await app.admin(
      `SELECT shobj_description(oid, 'pg_database') AS note FROM pg_database WHERE datname = '${database}'`,
    )
  )[0]?.['note'];
const counts = (database: string): Promise<unknown> =>
  runSql(
    app.url(database),
    'SELECT (SELECT count(*)::int FROM chunks) AS chunks, (SELECT count(*)::int FROM messages) AS messages',
  );
const WHOLE = [{ chunks: 3_000, messages: 400 }];

describe('a set’s dump on the app’s own server', () => {
  test('comes up whole, owned by the app’s role, with what was granted, and listed until it is dropped', async () => {
    await restore();
    expect(await counts(names.restore)).toEqual(WHOLE);
    const privileges = `SELECT has_table_privilege('reader', 'chunks', 'SELECT') AS granted,
      has_table_privilege('reader', 'messages', 'SELECT') AS others, pg_get_userbyid(relowner) AS owner
      FROM pg_class WHERE relname = 'chunks'`;
    expect(await app.admin(privileges, names.restore)).toEqual([{ granted: true, others: false, owner: 'app' }]);
    const defaults = 'SELECT pg_get_userbyid(defaclrole) AS role FROM pg_default_acl';
    expect(await app.admin(defaults, names.restore)).toEqual([{ role: 'app' }]);
    expect(await app.act.listRecoveryDatabases()).toEqual([names.restore]);
    expect(await readdir(app.stage.scratchDir)).toEqual([]);
    await app.act.dropDatabase({ database: names.restore });
    await app.act.dropDatabase({ database: names.restore });
    expect(await app.act.listRecoveryDatabases()).toEqual([]);
  });

  test('is not restored again when it is there and whole', async () => {
    await restore();
    await runSql(app.url(names.restore), 'CREATE TABLE seen ()');
    await restore();
    expect(await runSql(app.url(names.restore), `SELECT to_regclass('seen')::text AS seen`)).toEqual([
      { seen: 'seen' },
    ]);
    await app.act.dropDatabase({ database: names.restore });
  });

  test('is restored anew where an attempt was lost in the middle, whoever is connected to it', async () => {
    await app.admin(`CREATE DATABASE ${names.restore} OWNER app`);
    await app.admin(`COMMENT ON DATABASE ${names.restore} IS 'rag-recovery: not whole, 1'`);
    const hanging = runSql(app.url(names.restore), 'CREATE TABLE chunks (n int); SELECT pg_sleep(60)').catch(String);
    await restore();
    expect(await hanging).toMatch(/terminat/);
    expect(await counts(names.restore)).toEqual(WHOLE);
    await app.act.dropDatabase({ database: names.restore });
  });

  test('comes up also when the app’s database was dropped altogether, in the locale that it had', async () => {
    const [server] = await app.admin(`SELECT current_setting('server_version_num')::int >= 170000 AS modern`);
    const options =
      server?.['modern'] === true ? `LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'` : `LC_CTYPE 'C.UTF-8'`;
    await app.admin(`CREATE DATABASE other OWNER app TEMPLATE template0 ${options}`);
    const localeOf = async (database: string): Promise<unknown> => {
      const [row] = await app.admin(`SELECT to_jsonb(d) AS d FROM pg_database d WHERE datname = '${database}'`);
      const { datcollate, datctype, datlocprovider, datlocale } = Object(row?.['d']) as Record<string, unknown>;
      return { datcollate, datctype, datlocprovider, datlocale };
    };
    const locale = await localeOf('other');
    expect(locale).not.toEqual(await localeOf('textbook'));
    await runSql(
      app.url('other'),
      'CREATE TABLE chunks (id int, text text, source text, at int, hash text); CREATE TABLE sessions (id int)',
    );
    const taken = await app.stage.takeSet('set-20260102T000000Z-bbbbbb', { url: app.url('other') });
    const { config } = app.stage.parts({ url: app.url('other') });
    const recovery = { ...config.recovery, handMadeDumps: app.dumps };
    const act = createBesideActivities({ ...app.parts, config: { ...config, recovery } });
    await promisify(execFile)(binOf(app.stage, 'pg_dump'), [app.url('other'), '-f', join(app.dumps, 'other.sql')]);
    await run(() => act.restorePlainDump({ file: 'other.sql', database: names.after }));
    expect(await localeOf(names.after)).toEqual(locale);

    await app.admin('DROP DATABASE other');
    await run(() => act.restoreDatabase({ set: taken, database: names.restore }));
    expect(await localeOf(names.restore)).toEqual(locale);
    expect(await act.listRecoveryDatabases()).toEqual([names.after, names.restore]);
    for (const database of [names.restore, names.after]) await act.dropDatabase({ database });
  });

  test('leaves nothing when it fails, unless another attempt has begun meanwhile', async () => {
    const binDir = temporaryFolder('failing');
    const real = binOf(app.stage, 'pg_restore');
    const script = (then: string): string =>
      `#!/bin/sh\ncase "$*" in *--exit-on-error*) ${then}exit 1;; esac\nexec '${real}' "$@"\n`;
    await writeFile(join(binDir, 'pg_restore'), script(''));
    await chmod(join(binDir, 'pg_restore'), 0o755);
    const act = createBesideActivities({ ...app.parts, config: { ...app.parts.config, binDir } });
    const restoring = (): Promise<void> => run(() => act.restoreDatabase({ set, database: names.restore }));
    await expect(restoring()).rejects.toMatchObject({ code: 'POSTGRES_REFUSED' });
    expect(await app.act.listRecoveryDatabases()).toEqual([]);

    const psql = `'${binOf(app.stage, 'psql')}' '${app.url('postgres')}' -c "COMMENT ON DATABASE ${names.restore} IS 'the next'"; `;
    await writeFile(join(binDir, 'pg_restore'), script(psql));
    await expect(restoring()).rejects.toMatchObject({ code: 'POSTGRES_REFUSED' });
    expect(await noteOf(names.restore)).toBe('the next');
    await app.act.dropDatabase({ database: names.restore });
  });

  test.each(['textbook', 'postgres', 'dr_restore_', 'dr_verify_x_run00000', 'dr_restore_a"b'])(
    'goes to no database but a run’s: %s',
    async (database) => {
      const code = 'INVALID_INPUT';
      await expect(run(() => app.act.restoreDatabase({ set, database }))).rejects.toMatchObject({ code });
      await expect(run(() => app.act.restorePlainDump({ file: 'x.sql', database }))).rejects.toMatchObject({ code });
      await expect(app.act.dropDatabase({ database })).rejects.toMatchObject({ code });
      expect(await counts('textbook')).toEqual(WHOLE);
    },
  );

  test('says before anything is begun which right the role lacks', async () => {
    await app.admin('ALTER ROLE app NOCREATEDB');
    await expect(restore()).rejects.toMatchObject({
      code: 'POSTGRES_DENIED',
      message: 'Postgres: role "app" may not make and rename databases: ALTER ROLE "app" CREATEDB',
    });
    await app.admin('ALTER ROLE app CREATEDB; ALTER DATABASE textbook OWNER TO postgres');
    await expect(restore()).rejects.toMatchObject({
      code: 'POSTGRES_DENIED',
      message: expect.stringContaining('ALTER DATABASE "textbook" OWNER TO "app"'),
    });
    await app.admin('ALTER DATABASE textbook OWNER TO app');
    expect(await app.act.listRecoveryDatabases()).toEqual([]);
  });
});

describe('a dump made by hand', () => {
  const dump = async (file: string, ...args: string[]): Promise<string> => {
    const path = join(app.dumps, file);
    await promisify(execFile)(binOf(app.stage, 'pg_dump'), [app.url(), '--file', path, ...args]);
    return path;
  };
  const restorePlain = (file: string): Promise<void> =>
    run(() => app.act.restorePlainDump({ file, database: names.restore }));

  test('comes up whole, and is not restored again', async () => {
    await dump('backup.sql');
    await restorePlain('backup.sql');
    expect(await counts(names.restore)).toEqual(WHOLE);
    await runSql(app.url(names.restore), 'CREATE TABLE seen ()');
    await restorePlain('backup.sql');
    expect(await runSql(app.url(names.restore), `SELECT to_regclass('seen')::text AS seen`)).toEqual([
      { seen: 'seen' },
    ]);
    expect(await noteOf(names.restore)).toMatch(
      /^rag-recovery: whole, from a dump made by hand, SHA-256 [0-9a-f]{64}$/,
    );
    expect(await readdir(app.stage.scratchDir)).toEqual([]);
    await app.act.dropDatabase({ database: names.restore });
  });

  test('may be a link to another file of the folder, and be of rows as statements, with a byte order mark', async () => {
    const path = await dump('inserts.sql', '--inserts');
    await writeFile(path, Buffer.concat([Buffer.from('\ufeff'), await readFile(path)]));
    await symlink('inserts.sql', join(app.dumps, 'latest.sql'));
    await restorePlain('latest.sql');
    expect(await counts(names.restore)).toEqual(WHOLE);
    await app.act.dropDatabase({ database: names.restore });
  });

  test.each(['', '.', '..', '../x.sql', '/etc/passwd', 'a/b.sql', 'a\\b.sql', 'a\0b'])(
    'is no path: %j',
    async (file) => {
      await expect(restorePlain(file)).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        message: expect.stringMatching(/^plainDump: .*is no name of a file/s),
      });
    },
  );

  test('is a file, that is there, and in the folder', async () => {
    const outside = join(temporaryFolder('outside'), 'x.sql');
    await writeFile(outside, '');
    await symlink(outside, join(app.dumps, 'out.sql'));
    await mkdir(join(app.dumps, 'folder.sql'));
    await promisify(execFile)('mkfifo', [join(app.dumps, 'pipe.sql')]);
    const code = 'INVALID_INPUT';
    await expect(restorePlain('out.sql')).rejects.toMatchObject({
      code,
      message: expect.stringContaining('leads out'),
    });
    await expect(restorePlain('none.sql')).rejects.toMatchObject({
      code,
      message: expect.stringContaining('there is no'),
    });
    await expect(restorePlain('folder.sql')).rejects.toMatchObject({
      code,
      message: expect.stringContaining('is no file'),
    });
    await expect(restorePlain('pipe.sql')).rejects.toMatchObject({
      code,
      message: expect.stringContaining('is no file'),
    });
    const { config } = app.stage.parts({ url: app.url() });
    const act = createBesideActivities({ ...app.parts, config });
    await expect(run(() => act.restorePlainDump({ file: 'x.sql', database: names.restore }))).rejects.toMatchObject({
      code,
      message: 'plainDump: postgres.recovery.handMadeDumps names no folder of such dumps',
    });
  });

  test.each([
    ['--create', /line \d+: CREATE DATABASE textbook/],
    ['--format=custom', /is an archive of pg_dump/],
  ])('is refused before a database is made: %s', async (arg, message) => {
    await dump('other.sql', arg);
    await expect(restorePlain('other.sql')).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(message),
    });
    expect(await app.act.listRecoveryDatabases()).toEqual([]);
  });

  test('that breaks off is refused; so is one of a newer server, or that needs what the server lacks', async () => {
    const path = await dump('cut.sql');
    const whole = await readFile(path, 'utf8');
    await writeFile(path, whole.slice(0, whole.length / 2));
    await expect(restorePlain('cut.sql')).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining('breaks off'),
    });
    await writeFile(
      path,
      whole.replace(/^-- Dumped from database version .*/m, '-- Dumped from database version 99.1'),
    );
    await expect(restorePlain('cut.sql')).rejects.toMatchObject({
      code: 'INVALID_CONFIGURATION',
      message: expect.stringContaining('takes 99'),
    });
    await writeFile(
      path,
      whole.replace('CREATE TABLE', 'CREATE EXTENSION IF NOT EXISTS none WITH SCHEMA public;\n\nCREATE TABLE'),
    );
    await expect(restorePlain('cut.sql')).rejects.toMatchObject({
      code: 'INVALID_CONFIGURATION',
      message: 'postgres.url: the server lacks extensions that the dump needs: none',
    });
    expect(await app.act.listRecoveryDatabases()).toEqual([]);
  });

  test('of which one statement fails leaves nothing, and says which', async () => {
    const path = await dump('failing.sql');
    const whole = await readFile(path, 'utf8');
    await writeFile(
      path,
      whole
        .replace('CREATE INDEX', 'SELECT 1/0;\nCREATE INDEX')
        .replace('--\n-- PostgreSQL database dump complete', 'SELECT 1/0;\n--\n-- PostgreSQL database dump complete'),
    );
    await expect(restorePlain('failing.sql')).rejects.toMatchObject({
      code: 'POSTGRES_REFUSED',
      message: expect.stringMatching(/^psql: ended with 3: .*division by zero/s),
    });
    expect(await app.act.listRecoveryDatabases()).toEqual([]);
    expect(await readdir(app.stage.scratchDir)).toEqual([]);
  });

  test('can give psql no command, even one that is hidden from us', async () => {
    const touched = join(app.dumps, 'touched');
    // From then on a text ends for psql where it does not seem to end.
    const hidden = `SELECT set_config('standard_conforming_' || 'strings', 'off', false);
SELECT 'a\\''; \\! touch ${touched}
--';
--
-- PostgreSQL database dump complete
--
`;
    await writeFile(join(app.dumps, 'forged.sql'), hidden);
    await expect(restorePlain('forged.sql')).rejects.toMatchObject({
      code: 'POSTGRES_REFUSED',
      message: expect.stringContaining('backslash commands are restricted'),
    });
    expect(await readdir(app.dumps)).not.toContain('touched');
    expect(await app.act.listRecoveryDatabases()).toEqual([]);
    // Without what we tell psql it would be run.
    await promisify(execFile)(binOf(app.stage, 'psql'), [app.url(), '-f', join(app.dumps, 'forged.sql')]);
    expect(await readdir(app.dumps)).toContain('touched');
  });
});
