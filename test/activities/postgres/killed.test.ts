import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { checkRestored } from '../../../activities/postgres/check.ts';
import { restoreBeside } from '../../../activities/postgres/restore.ts';
import { dropScratch, listScratch, scratchUrl } from '../../../activities/postgres/scratch-database.ts';
import { scratchDatabaseOf } from '../../../domain/names.ts';
import { overallVerdict } from '../../../domain/verdict.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { runSql } from '../../support/postgres.ts';
import { testWork } from '../../support/work.ts';
import { SCHEMA, setStage, type Stage } from './stage.ts';

/** Building the index takes as long as there is a role of the name "hold", which databases share. */
const SLOW = `CREATE FUNCTION slow(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
  'BEGIN IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = ''hold'') THEN PERFORM pg_catalog.pg_sleep(120); END IF; RETURN n; END';
  CREATE TABLE others AS SELECT 1 AS n; CREATE INDEX others_slow ON others (slow(n));`;
let stage: Stage;

beforeAll(async () => {
  stage = await setStage(SCHEMA + SLOW);
});
afterAll(() => stage.postgres.destroy());

/** Runs one of our functions in a process of its own, as a worker does. */
function inProcess(module: string, name: string, args: string): ChildProcess {
  const urlOf = (path: string): string => JSON.stringify(pathToFileURL(join(process.cwd(), path)).href);
  const script = `const { ${name} } = await import(${urlOf(module)});
    const { createDiskStore } = await import(${urlOf('activities/store/disk.ts')});
    const { postgresConfigSchema } = await import(${urlOf('config/schema.ts')});
    const [given, ...rest] = ${args};
    const config = postgresConfigSchema.parse(given.config);
    const work = { signal: new AbortController().signal, report() {} };
    await ${name}({ config, url: config.url, store: createDiskStore(given.files) }, ...rest, work);`;
  return spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['ignore', 'ignore', 'inherit'] });
}

const settings = (): unknown => {
  const { config } = stage.parts();
  return { ...config, url: stage.url };
};

async function until(sql: string, values: unknown[], child?: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    const [row] = await runSql(stage.postgres.url(), `SELECT (${sql}) AS yes`, values);
    if (row?.['yes'] === true) return;
    if (child && child.exitCode !== null) throw new Error(`the process ended by itself with ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`never came true: ${sql}`);
}

async function killHard(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

const connections = (like: string): Promise<unknown> =>
  runSql(stage.postgres.url(), 'SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name LIKE $1', [
    like,
  ]);

describe('a worker that is killed in the middle', () => {
  test('of a dump: the next attempt ends what it left, succeeds, and leaves nothing', async () => {
    const id = 'set-20260101T000000Z-aaaaaa';
    const lock = runSql(stage.url, 'BEGIN; LOCK TABLE others; SELECT pg_sleep(120)').catch(() => undefined);
    await until(
      `EXISTS (SELECT FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation IS NOT NULL)`,
      [],
    );
    const args = JSON.stringify([{ config: settings(), files: stage.files }, `sets/${id}`]);
    const child = inProcess('activities/postgres/dump.ts', 'dump', args);
    await until(
      `EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE 'rag-recovery dump%' AND wait_event_type = 'Lock')`,
      [],
      child,
    );
    await killHard(child);
    expect(await readdir(stage.scratchDir)).toHaveLength(1);
    await runSql(
      stage.postgres.url(),
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BEGIN; LOCK%'`,
    );
    await lock;

    const set = await stage.takeSet(id);
    expect(set.postgres.rows).toMatchObject({ chunks: 3_000 });
    expect(await readdir(stage.scratchDir)).toEqual([]);
    await until(`NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE 'rag-recovery dump%')`, []);
    const named = [...set.postgres.dump.files, set.postgres.index].map((file) => file?.key).toSorted();
    expect(await stage.store.list(`sets/${id}/postgres/`)).toEqual(named);
  });

  test('of a restore: the next attempt makes the database anew, and it is whole', async () => {
    const set = await stage.takeSet('set-20260102T000000Z-bbbbbb');
    const scratch = scratchDatabaseOf(set.id, 'run00000');
    await runSql(stage.url, 'CREATE ROLE hold');
    const args = JSON.stringify([
      { config: settings(), files: stage.files },
      { set, scratch },
    ]);
    const child = inProcess('activities/postgres/restore.ts', 'restoreBeside', args);
    await until(`EXISTS (SELECT FROM pg_stat_activity WHERE datname = $1 AND wait_event = 'PgSleep')`, [scratch], child)
      .then(() => killHard(child))
      .finally(() => runSql(stage.url, 'DROP ROLE hold'));
    expect(await listScratch(stage.parts().config)).toEqual([scratch]);

    await restoreBeside(stage.parts(), { set, scratch }, testWork());
    expect(overallVerdict(await checkRestored(stage.parts(), { set, scratch }, testWork()))).toBe('pass');
    expect(await readdir(stage.scratchDir)).toEqual([]);
    await dropScratch(stage.parts().config, scratch);
    expect(await listScratch(stage.parts().config)).toEqual([]);
    expect(await connections(`rag-recovery ${scratch}`)).toEqual([{ n: 0 }]);
  });
});

describe('the password', () => {
  test('is in no program’s arguments, whatever is run', async () => {
    const binDir = temporaryFolder('telling');
    const log = join(binDir, 'log');
    for (const name of ['pg_dump', 'pg_restore', 'pg_amcheck']) {
      const real = join(stage.postgres.binDir, name);
      await writeFile(join(binDir, name), `#!/bin/sh\necho "${name} $*" >> '${log}'\nexec '${real}' "$@"\n`);
      await chmod(join(binDir, name), 0o755);
    }
    const set = await stage.takeSet('set-20260103T000000Z-cccccc', { binDir });
    const scratch = scratchDatabaseOf(set.id, 'run00000');
    const work = testWork();
    await restoreBeside(stage.parts({ binDir }), { set, scratch }, work);
    await checkRestored(stage.parts({ binDir }), { set, scratch }, work);
    await dropScratch(stage.parts().config, scratch);

    const told = await readFile(log, 'utf8');
    for (const name of ['pg_dump --format', 'pg_restore --exit-on-error', 'pg_amcheck --install'])
      expect(told).toContain(name);
    const everything = told + JSON.stringify(work.reported) + JSON.stringify(set);
    expect(everything).not.toContain(stage.postgres.password);
    expect(everything).not.toContain(encodeURIComponent(stage.postgres.password));
  });

  test('is in no message of a restore that fails', async () => {
    const set = await stage.takeSet('set-20260104T000000Z-dddddd');
    const binDir = temporaryFolder('failing');
    const script = `case "$*" in *--exit-on-error*) echo "secret: $PGPASSWORD; said: $*" >&2; exit 1;; esac`;
    const real = join(stage.postgres.binDir, 'pg_restore');
    await writeFile(join(binDir, 'pg_restore'), `#!/bin/sh\n${script}\nexec '${real}' "$@"\n`);
    await chmod(join(binDir, 'pg_restore'), 0o755);
    const scratch = scratchDatabaseOf(set.id, 'run00000');
    const failure: unknown = await restoreBeside(stage.parts({ binDir }), { set, scratch }, testWork()).catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code: 'POSTGRES_REFUSED', message: expect.stringContaining('secret: [redacted]') });
    expect(String(failure)).not.toContain(stage.postgres.password);
    expect(scratchUrl(stage.parts().config, scratch).toString()).toBe('[redacted]');
    await dropScratch(stage.parts().config, scratch);
  });
});
