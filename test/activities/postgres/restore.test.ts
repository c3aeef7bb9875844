import { chmod, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createRowStore } from '../../../activities/postgres/index.ts';
import { onlyTimeoutUnknown, restoreBeside } from '../../../activities/postgres/restore.ts';
import { dropScratch, listScratch, scratchUrl } from '../../../activities/postgres/scratch-database.ts';
import type { Artifact } from '../../../domain/artifacts.ts';
import { scratchDatabaseOf } from '../../../domain/names.ts';
import type { RecoverySet } from '../../../domain/recovery-set.ts';
import type { PostgresPart } from '../../../domain/set-parts.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { runSql, startPostgres } from '../../support/postgres.ts';
import { testWork } from '../../support/work.ts';
import { setStage, type Stage } from './stage.ts';

type DumpedSet = RecoverySet & { postgres: PostgresPart };
let stage: Stage;
let set: DumpedSet;
let sets = 0;

beforeAll(async () => {
  stage = await setStage();
  set = await takeSet();
});
afterAll(() => stage.postgres.destroy());

const takeSet = (): Promise<DumpedSet> =>
  stage.takeSet(`set-20260101T0000${String((sets += 1)).padStart(2, '0')}Z-aaaaaa`);
const nameOf = (of: RecoverySet, run = 'run00000'): string => scratchDatabaseOf(of.id, run);

describe('a dump that is restored beside', () => {
  test('comes up in a database of its own, whole, and is dropped without a trace', async () => {
    const scratch = nameOf(set);
    const work = testWork();
    await restoreBeside(stage.parts(), { set, scratch }, work);
    const url = scratchUrl(stage.parts().config, scratch).reveal();
    const [row] = await runSql(url, 'SELECT (SELECT count(*)::int FROM messages) AS messages');
    expect(row).toEqual({ messages: 400 });
    expect(await listScratch(stage.parts().config)).toEqual([scratch]);
    expect(work.reported.at(-1)).toEqual({ phase: 'restore the dump beside', done: 1, total: 1 });
    expect(await readdir(stage.scratchDir)).toEqual([]);

    await dropScratch(stage.parts().config, scratch);
    await dropScratch(stage.parts().config, scratch);
    expect(await listScratch(stage.parts().config)).toEqual([]);
  });

  test('can be read as chunk rows, as the live database can', async () => {
    const scratch = nameOf(set);
    await restoreBeside(stage.parts(), { set, scratch }, testWork());
    let rows = 0;
    for await (const batch of createRowStore({
      ...stage.parts().config,
      url: scratchUrl(stage.parts().config, scratch),
    })?.readRows() ?? [])
      rows += batch.length;
    expect(rows).toBe(3_000);
    await dropScratch(stage.parts().config, scratch);
  });

  test('takes the place of what a lost attempt left, though somebody is still connected to it', async () => {
    const scratch = nameOf(set);
    await stage.postgres.createDatabase(scratch, 'CREATE TABLE chunks (left_over int)');
    const url = scratchUrl(stage.parts().config, scratch).reveal();
    const hanging = runSql(url, 'SELECT pg_sleep(60)').catch((error: unknown) => String(error));
    await restoreBeside(stage.parts(), { set, scratch }, testWork());
    expect(await hanging).toMatch(/terminat/);
    expect(await runSql(url, 'SELECT count(*)::int AS n FROM chunks')).toEqual([{ n: 3_000 }]);
    await dropScratch(stage.parts().config, scratch);
  });

  test('goes to another server when one is configured, and nothing is made on the live one', async () => {
    const other = await startPostgres();
    try {
      const parts = stage.parts({ verifyUrl: other.url() });
      const scratch = nameOf(set);
      await restoreBeside(parts, { set, scratch }, testWork());
      expect(await listScratch(parts.config)).toEqual([scratch]);
      expect(await listScratch(stage.parts().config)).toEqual([]);
    } finally {
      await other.destroy();
    }
  });

  test('keeps the encoding of the database', async () => {
    await runSql(stage.url, `CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'`);
    const url = stage.postgres.url('latin');
    await runSql(
      url,
      `CREATE TABLE chunks (id int, text text, source text, at int, hash text); INSERT INTO chunks VALUES (1, 'é', 's');
       CREATE TABLE sessions (id int)`,
    );
    const latin = await stage.takeSet('set-20260102T000000Z-bbbbbb', { url });
    const scratch = nameOf(latin);
    await restoreBeside(stage.parts(), { set: latin, scratch }, testWork());
    expect(
      await runSql(stage.url, 'SELECT pg_encoding_to_char(encoding) AS e FROM pg_database WHERE datname = $1', [
        scratch,
      ]),
    ).toEqual([{ e: 'LATIN1' }]);
    await dropScratch(stage.parts().config, scratch);
  });
});

describe('a name that no run gives to a scratch database', () => {
  test.each(['stack', 'postgres', 'dr_verify_', 'dr_verify_a"b', 'DR_VERIFY_A', `dr_verify_${'a'.repeat(54)}`])(
    'is refused, and the database stays: %s',
    async (scratch) => {
      const { config } = stage.parts();
      const code = 'INVALID_INPUT';
      expect(() => dropScratch(config, scratch)).toThrow(expect.objectContaining({ code }));
      await expect(restoreBeside(stage.parts(), { set, scratch }, testWork())).rejects.toMatchObject({ code });
      expect(await runSql(stage.url, 'SELECT count(*)::int AS n FROM chunks')).toEqual([{ n: 3_000 }]);
    },
  );

  test('also when the live database has it', async () => {
    const url = stage.postgres.url('dr_verify_live');
    expect(() => dropScratch(stage.parts({ url }).config, 'dr_verify_live')).toThrow('is no scratch database');
  });
});

describe('what was damaged in the store is found, and named, before a database is made', () => {
  /** The largest file: a table's rows. */
  const victimOf = ({ postgres }: DumpedSet): Artifact => {
    const [largest] = postgres.dump.files.toSorted((a, b) => b.bytes - a.bytes);
    if (!largest) throw new Error('an empty dump');
    return largest;
  };

  test.each<[string, (path: string, bytes: number) => Promise<void>]>([
    [
      'one flipped byte',
      async (path, bytes) => {
        const content = await readFile(path);
        const at = Math.floor(bytes / 2);
        content[at] = (content[at] ?? 0) ^ 1;
        await chmod(path, 0o644);
        await writeFile(path, content);
      },
    ],
    ['a file that ends early', async (path, bytes) => chmod(path, 0o644).then(() => truncate(path, bytes - 1))],
    ['a file that is gone', (path) => rm(path)],
  ])('%s', async (_name, damage) => {
    const damaged = await takeSet();
    const victim = victimOf(damaged);
    await damage(join(stage.files, victim.key), victim.bytes);
    const restoring = restoreBeside(stage.parts(), { set: damaged, scratch: nameOf(damaged) }, testWork());
    await expect(restoring).rejects.toMatchObject({
      code: 'SET_TAMPERED',
      message: expect.stringContaining(victim.key),
    });
    expect(await listScratch(stage.parts().config)).toEqual([]);
    expect(await readdir(stage.scratchDir)).toEqual([]);
  });

  /** A set whose manifest was made over a file that was damaged already. */
  const replaced = async (of: DumpedSet, victim: Artifact, change: (content: Buffer) => Buffer): Promise<DumpedSet> => {
    const { dump } = of.postgres;
    const folder = `${dump.folder}-again`;
    const files = await Promise.all(
      dump.files.map(async (file) => {
        const content = await readFile(join(stage.files, file.key));
        const key = file.key.replace(dump.folder, folder);
        return stage.store.put(key, Readable.from([file.key === victim.key ? change(content) : content]));
      }),
    );
    return { ...of, postgres: { ...of.postgres, dump: { folder, files } } };
  };

  test('rows that cannot be decoded, though their hash is the manifest’s', async () => {
    const taken = await takeSet();
    const damaged = await replaced(taken, victimOf(taken), (content) => {
      content.fill(0x55, content.length >> 1, (content.length >> 1) + 8);
      return content;
    });
    const restoring = restoreBeside(stage.parts(), { set: damaged, scratch: nameOf(damaged) }, testWork());
    await expect(restoring).rejects.toMatchObject({
      code: 'SET_TAMPERED',
      message: expect.stringMatching(/cannot be decoded: pg_restore ended with 1: .*(data|decompress)/),
    });
    expect(await listScratch(stage.parts().config)).toEqual([]);
  });

  test('a manifest that leaves one file out', async () => {
    const taken = await takeSet();
    const victim = victimOf(taken);
    const files = taken.postgres.dump.files.filter(({ key }) => key !== victim.key);
    const short = { ...taken, postgres: { ...taken.postgres, dump: { ...taken.postgres.dump, files } } };
    await expect(
      restoreBeside(stage.parts(), { set: short, scratch: nameOf(short) }, testWork()),
    ).rejects.toMatchObject({
      code: 'SET_TAMPERED',
      message: expect.stringMatching(/cannot be decoded: pg_restore ended with 1: .*could not open (input )?file/),
    });
  });

  test('an extension that the server lacks is told before, by name', async () => {
    const url = await stage.postgres.createDatabase(
      'extended',
      `CREATE EXTENSION pg_trgm; CREATE TABLE chunks (id int, text text, source text, at int, hash text);
       CREATE TABLE sessions (id int)`,
    );
    const taken = await stage.takeSet('set-20260103T000000Z-cccccc', { url });
    const contents = taken.postgres.dump.files.find(({ key }) => key.endsWith('/toc.dat'));
    if (!contents) throw new Error('no table of contents');
    const foreign = await replaced(taken, contents, (content) =>
      Buffer.from(content.toString('latin1').replaceAll('pg_trgm', 'pg_none'), 'latin1'),
    );
    const restoring = restoreBeside(stage.parts(), { set: foreign, scratch: nameOf(foreign) }, testWork());
    await expect(restoring).rejects.toMatchObject({
      code: 'INVALID_CONFIGURATION',
      message: 'postgres.url: the server lacks extensions that the dump needs: pg_none',
    });
    expect(await listScratch(stage.parts().config)).toEqual([]);
  });

  test('a set of a newer server is refused', async () => {
    const newer = { ...set, postgres: { ...set.postgres, serverVersion: '99.1' } };
    await expect(restoreBeside(stage.parts(), { set: newer, scratch: nameOf(set) }, testWork())).rejects.toMatchObject({
      code: 'INVALID_CONFIGURATION',
      message: expect.stringContaining('takes 99 or newer'),
    });
  });

  test('programs that are not there are named', async () => {
    const parts = stage.parts({ binDir: temporaryFolder('empty') });
    await expect(restoreBeside(parts, { set, scratch: nameOf(set) }, testWork())).rejects.toMatchObject({
      code: 'INVALID_CONFIGURATION',
      message: expect.stringContaining('pg_restore cannot be run'),
    });
  });
});

describe('errors that an older server must cause, and no other, are passed over', () => {
  const timeout = `pg_restore: error: could not execute query: ERROR:  unrecognized configuration parameter "transaction_timeout"
Command was: SET transaction_timeout = 0;`;
  const other = `pg_restore: error: could not execute query: ERROR:  relation "t" already exists`;
  const ignored = (count: number): string => `pg_restore: warning: errors ignored on restore: ${count}`;

  test.each([
    [true, [timeout, ignored(1)]],
    [true, [timeout, timeout, ignored(2)]],
    [true, [timeout, timeout, timeout, ignored(2)]],
    [false, [...Array<string>(50).fill(timeout), ignored(2)]],
    [false, [timeout, other, ignored(2)]],
    // The beginning of what was said is not kept.
    [false, [timeout, ignored(2)]],
    // It did not come to an end.
    [false, [timeout]],
    [false, [ignored(0)]],
    [false, ['']],
  ])('%s', (passed, lines) => {
    expect(onlyTimeoutUnknown(lines.join('\n'))).toBe(passed);
  });
});
