import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { dump } from '../../../activities/postgres/dump.ts';
import { splitPassword } from '../../../activities/postgres/address.ts';
import { createDiskStore } from '../../../activities/store/disk.ts';
import { type PostgresConfig, postgresConfigSchema } from '../../../config/schema.ts';
import type { Work } from '../../../activities/progress.ts';
import { openLines } from '../../../activities/lines.ts';
import type { ArtifactStore } from '../../../domain/artifacts.ts';
import type { RowEntry } from '../../../domain/index-entry.ts';
import { parseRowLine } from '../../../domain/lines.ts';
import type { PostgresPart } from '../../../domain/set-parts.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { runSql, startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { testWork } from '../../support/work.ts';

const SCHEMA = `CREATE TABLE chunks (id bigserial, text text, source text);
  CREATE TABLE sessions (id int);
  INSERT INTO chunks (text, source) SELECT 'text ' || n || repeat(md5(n::text), 10), 's' FROM generate_series(1, 20000) n;
  INSERT INTO sessions VALUES (1), (2)`;

let postgres: TestPostgres;
let folder: string;
let store: ArtifactStore;
let scratch: string;
let url: string;

beforeAll(async () => {
  postgres = await startPostgres();
  url = await postgres.createDatabase('stack', SCHEMA);
  folder = temporaryFolder('dump');
  scratch = join(folder, 'scratch');
  await mkdir(scratch);
  store = createDiskStore(join(folder, 'store'));
});
afterAll(() => postgres.destroy());

type Over = Partial<{ url: string; binDir: string; dumpJobs: number; scratchDir: string }>;

function config(over: Over = {}): PostgresConfig {
  const chunks = { table: 'chunks', pointId: 'id', text: 'text', source: 'source' };
  return postgresConfigSchema.parse({
    url,
    binDir: postgres.binDir,
    scratchDir: scratch,
    tables: { chunks, sessions: { table: 'public.sessions', id: 'id' } },
    ...over,
  });
}

function take(over: Over, place: string, work: Work): Promise<PostgresPart> {
  const settings = config(over);
  return dump({ config: settings, url: settings.url, store }, place, work);
}

/** A program of the name pg_dump that does what `script` says, after telling a version as the real one does. */
async function fakeProgram(name: string, script: string, version = 99): Promise<string> {
  const binDir = join(folder, name);
  await promisify(execFile)('mkdir', ['-p', binDir]);
  const text = `#!/bin/sh\nif [ "$1" = --version ]; then echo "pg_dump (PostgreSQL) ${version}.1"; exit 0; fi\n${script}\n`;
  await writeFile(join(binDir, 'pg_dump'), text);
  await chmod(join(binDir, 'pg_dump'), 0o755);
  return binDir;
}

describe('a dump', () => {
  test('is of one moment, though people go on writing: rows, fingerprints, index and dump agree', async () => {
    const enough = new AbortController();
    const writing = (async () => {
      while (!enough.signal.aborted) await runSql(url, `INSERT INTO chunks (text, source) VALUES ('later', 's')`);
    })();
    const work = testWork();
    const taken = await take({ dumpJobs: 3 }, 'sets/a', work);
    enough.abort();
    await writing;

    expect(taken.lsn).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/);
    expect(taken.serverVersion).toMatch(/^\d+/);
    expect(taken.rows).toEqual({ chunks: expect.any(Number), 'public.sessions': 2 });
    expect(taken.dump.files.map(({ key }) => key)).toContain(`${taken.dump.folder}/toc.dat`);
    const bytes = taken.dump.files.reduce((sum, file) => sum + file.bytes, 0);
    expect(work.reported.at(-1)).toMatchObject({ done: bytes, total: bytes });

    const beside = await postgres.createDatabase('beside');
    const archive = join(folder, 'store', taken.dump.folder);
    // The row index lies beside the files of the dump, and pg_restore does not mind.
    await promisify(execFile)(join(postgres.binDir, 'pg_restore'), ['--exit-on-error', '-d', beside, archive]);
    const [row] = await runSql(beside, 'SELECT count(*)::int AS n FROM chunks');
    expect(row?.['n']).toBe(taken.rows['chunks']);
    expect(await indexOf(taken)).toHaveLength(taken.rows['chunks'] ?? -1);
  });

  test('of a second attempt does not replace the first', async () => {
    const first = await take({}, 'sets/b', testWork());
    const second = await take({}, 'sets/b', testWork());
    const keys = [...first.dump.files, first.index, ...second.dump.files, second.index].map((file) => file?.key);
    expect(await store.list('sets/b/')).toEqual(keys.toSorted());
  });

  test('finds pg_dump on the search path when no folder is configured', async () => {
    const { binDir: _binDir, ...rest } = config();
    const taken = await dump({ config: rest, url: rest.url, store, path: postgres.binDir }, 'sets/c', testWork());
    expect(taken.dump.files[0]?.bytes).toBeGreaterThan(0);
  });

  test('lies in a folder that nobody else may look into, and is gone from there afterwards', async () => {
    const binDir = await fakeProgram('looking', `ls -ld ${scratch}/dr-dump-* | cut -c1-10 > ${folder}/mode; exit 1`);
    await expect(take({ binDir }, 'sets/j', testWork())).rejects.toMatchObject({ code: 'POSTGRES_REFUSED' });
    expect(await readFile(join(folder, 'mode'), 'utf8')).toBe('drwx------\n');
    expect(await readdir(scratch)).toEqual([]);
  });

  test('of a database without a chunks table has no row index', async () => {
    const settings = postgresConfigSchema.parse({
      url,
      binDir: postgres.binDir,
      tables: { sessions: { table: 'sessions', id: 'id' } },
    });
    const taken = await dump({ config: settings, url: settings.url, store }, 'sets/k', testWork());
    expect(taken.index).toBeUndefined();
    expect(taken.rows).toEqual({ sessions: 2 });
  });
});

async function indexOf({ index }: PostgresPart): Promise<RowEntry[]> {
  if (!index) throw new Error('no row index');
  const entries: RowEntry[] = [];
  for await (const batch of openLines(store, index, parseRowLine)) entries.push(...batch);
  return entries;
}

describe('a dump that fails', () => {
  test('leaves nothing in the store, and tells what pg_dump said but never the password', async () => {
    const binDir = await fakeProgram('telling', 'echo half a dump; echo "secret: $PGPASSWORD; said: $*" >&2; exit 3');
    const failure: unknown = await take({ binDir }, 'sets/d', testWork()).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 'POSTGRES_REFUSED',
      message: expect.stringMatching(/ended with 3: secret: \[redacted\]; said: .*--snapshot=/),
    });
    expect(String(failure)).not.toContain(postgres.password);
    expect(String(failure)).not.toContain(encodeURIComponent(postgres.password));
    expect(await store.list('sets/d/')).toEqual([]);
  });

  test('is an outage when the server went away', async () => {
    const binDir = await fakeProgram(
      'lost',
      'echo "pg_dump: error: server closed the connection unexpectedly" >&2; exit 1',
    );
    await expect(take({ binDir }, 'sets/e', testWork())).rejects.toMatchObject({
      code: 'POSTGRES_UNREACHABLE',
    });
  });

  test('is refused beforehand when pg_dump is older than the server', async () => {
    const binDir = await fakeProgram('old', 'exit 0', 12);
    await expect(take({ binDir }, 'sets/f', testWork())).rejects.toMatchObject({
      code: 'INVALID_CONFIGURATION',
      message: expect.stringMatching(/postgres\.binDir: .* is of version 12, and the server is \d+/),
    });
  });

  test('is refused beforehand when there is no pg_dump', async () => {
    await expect(take({ binDir: folder }, 'sets/g', testWork())).rejects.toMatchObject({
      code: 'INVALID_CONFIGURATION',
      message: expect.stringContaining('postgres.binDir'),
    });
  });

  test('is refused beforehand when a configured table is absent', async () => {
    const other = await postgres.createDatabase('other');
    await expect(take({ url: other }, 'sets/h', testWork())).rejects.toMatchObject({
      code: 'UNEXPECTED_SCHEMA',
    });
  });

  test('ends with its program when it is cancelled', async () => {
    const binDir = await fakeProgram('endless', 'echo start; exec sleep 1000');
    const work = testWork();
    const report = work.report.bind(work);
    const taken = take({ binDir }, 'sets/i', {
      ...work,
      report: (progress) => {
        report(progress);
        if (progress.phase.startsWith('dump')) work.cancel();
      },
    });
    await expect(taken).rejects.toThrow('cancelled');
    expect(await store.list('sets/i/')).toEqual([]);
  });
});

describe('what pg_dump is told on its command line', () => {
  test.each([
    [
      'postgresql://u:p%40ss@h:5433/db?sslmode=require&pgbouncer=true&schema=public',
      'p@ss',
      'postgresql://u@h:5433/db?sslmode=require',
    ],
    ['postgresql://u@h/db?password=other', 'other', 'postgresql://u@h/db'],
    [
      'postgresql://u:pw@ep-quiet-sun-123-pooler.eu.aws.neon.tech/db',
      'pw',
      'postgresql://u@ep-quiet-sun-123.eu.aws.neon.tech/db',
    ],
    ['postgresql:///db?host=/run/postgresql', '', 'postgresql:///db?host=/run/postgresql'],
  ])('of %s has no password, no foreign parameter, and the direct host', (given, password, dbname) => {
    expect(splitPassword(given)).toEqual({ dbname, password });
  });
});
