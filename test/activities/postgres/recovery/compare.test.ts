import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compareBytewise, type Keyed, parseKeyed } from '../../../../activities/postgres/recovery/keyed-rows.ts';
import { mergeKeyed } from '../../../../activities/postgres/recovery/merge.ts';
import { compareDatabases } from '../../../../activities/postgres/recovery/compare.ts';
import { runSql } from '../../../support/postgres.ts';
import { testWork } from '../../../support/work.ts';
import { must, setStage, type Stage } from './stage.ts';

const TABLES = { chunks: { table: 'chunks', pointId: 'point', text: 'body', source: 'source' } };
let stage: Stage;
beforeAll(async () => {
  stage = await setStage(TABLES);
});
afterAll(() => stage.postgres.destroy());

describe('the order of keys', () => {
  test('is that of their bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        expect(Math.sign(compareBytewise(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
  });

  test('is kept, or the merge refuses', async () => {
    await expect(merge(['b', 'a'], [])).rejects.toThrow('rows are not sorted: a came after b');
    await expect(merge(['a'], ['c', 'd', 'b'])).rejects.toThrow('rows are not sorted');
  });

  test('pairs what both have, however the lists are cut', async () => {
    const list = fc.array(fc.string({ maxLength: 2 }), { maxLength: 20 }).map((keys) => keys.toSorted(compareBytewise));
    await fc.assert(
      fc.asyncProperty(list, list, fc.integer({ min: 1, max: 5 }), async (one, other, size) => {
        const pairs = await merge(one, other, size);
        expect(pairs.flatMap(([a]) => a ?? [])).toEqual(one);
        expect(pairs.flatMap(([, b]) => b ?? [])).toEqual(other);
        for (const [a, b] of pairs) expect(a === undefined || b === undefined || a === b).toBe(true);
        const lone = new Set(pairs.flatMap(([a, b]) => (a === undefined ? [b] : [])));
        const left = pairs.flatMap(([a, b]) => (b === undefined && !lone.has(a) ? [a] : []));
        for (const key of left)
          expect(one.filter((k) => k === key).length).toBeGreaterThan(other.filter((k) => k === key).length);
      }),
    );
  });
});

async function merge(one: string[], other: string[], size = 2): Promise<(string | undefined)[][]> {
  const batches = async function* (keys: string[]): AsyncGenerator<Keyed[]> {
    for (let at = 0; at < keys.length; at += size)
      yield keys.slice(at, at + size).map((key) => ({ key, hash: '', line: key }));
  };
  const pairs: (string | undefined)[][] = [];
  for await (const found of mergeKeyed(batches(one), batches(other)))
    pairs.push(...found.map((pair) => [pair.one?.key, pair.other?.key]));
  return pairs;
}

describe('comparing two states', () => {
  const CHUNKS = `CREATE TABLE chunks (id int PRIMARY KEY, point uuid, body text, source text);
    INSERT INTO chunks SELECT n, md5(n::text)::uuid, 'text ' || n, 's' FROM generate_series(1, 5) n`;

  test('lists rows that are gone or changed as they were, and new ones as they are', async () => {
    const pair = await stage.pair(
      CHUNKS,
      '',
      `DELETE FROM chunks WHERE id = 2; UPDATE chunks SET body = 'other' WHERE id = 3; UPDATE chunks SET source = 't' WHERE id = 4;
       INSERT INTO chunks VALUES (10, NULL, 'new', 's')`,
    );
    const [diff] = await pair.compare(['chunks']);
    const { same, removed, changed, added } = must(diff);
    expect(same).toBe(2);
    const asIn = async (url: string, where: string): Promise<unknown[]> =>
      (
        await runSql(
          url,
          `SELECT id || E'\\t' || hashtextextended(ROW(body, id, point, source)::text COLLATE "C", 0) || E'\\t' || coalesce(point::text, '')
             || E'\\t' || encode(substring(sha256(body::bytea), 1, 8), 'hex') AS line FROM chunks WHERE ${where} ORDER BY id::text`,
        )
      ).map(({ line }) => line);
    expect(await stage.lines(removed)).toEqual(await asIn(pair.fromUrl, 'id = 2'));
    expect(await stage.lines(changed)).toEqual(await asIn(pair.fromUrl, 'id IN (3, 4)'));
    expect(await stage.lines(added)).toEqual(await asIn(pair.toUrl, 'id = 10'));
    expect([removed.count, changed.count, added.count]).toEqual([1, 2, 1]);
  });

  test('goes by the columns that both have, and leaves out tables that cannot be compared', async () => {
    const pair = await stage.pair(
      `CREATE TABLE t (id int PRIMARY KEY, a text, b text); INSERT INTO t VALUES (1, 'a', 'b'), (2, 'a', 'b');
       CREATE TABLE keyless (a int); CREATE TABLE gone (id int PRIMARY KEY); CREATE TABLE other_key (id int PRIMARY KEY)`,
      `ALTER TABLE t DROP COLUMN b`,
      `ALTER TABLE t ADD c int; UPDATE t SET b = 'z' WHERE id = 1; UPDATE t SET a = 'z' WHERE id = 2; DROP TABLE gone;
       ALTER TABLE other_key RENAME id TO number`,
    );
    const diffs = await pair.compare(['t', 'keyless', 'gone', 'other_key', 'nowhere']);
    expect(diffs.map(({ table, same, changed }) => [table, same, changed.count])).toEqual([['t', 1, 1]]);
  });

  test('bears chunks that have lost their columns or their primary key', async () => {
    const pair = await stage.pair(
      CHUNKS,
      '',
      `ALTER TABLE chunks DROP COLUMN body; ALTER TABLE chunks DROP CONSTRAINT chunks_pkey; ALTER TABLE chunks ALTER id DROP NOT NULL; INSERT INTO chunks VALUES (5), (NULL);
       ALTER TABLE chunks DROP COLUMN point`,
    );
    const [diff] = await pair.compare(['chunks']);
    expect(diff).toMatchObject({ same: 5, added: { count: 1 } });
    expect(await stage.lines(must(diff).added)).toEqual([expect.stringMatching(/^5\t-?\d+\t\t$/)]);
  });

  test('an attempt that is repeated writes lists of its own, and a cancelled one leaves none', async () => {
    const pair = await stage.pair(CHUNKS, '', 'DELETE FROM chunks WHERE id = 1');
    const [once, twice] = [await pair.compare(['chunks']), await pair.compare(['chunks'])];
    expect(await stage.lines(must(once[0]).removed)).toEqual(await stage.lines(must(twice[0]).removed));
    const work = testWork();
    const cancelling = { ...work, report: () => work.cancel() };
    const question = { earlier: pair.from, later: pair.to, tables: ['chunks', 'chunks'], folder: 'cancelled' };
    await expect(compareDatabases(pair.parts, question, cancelling)).rejects.toThrow('cancelled');
    expect((await stage.store.list('cancelled/')).length).toBeLessThanOrEqual(3);
  });

  test('lists are read as they were written', () => {
    expect(parseKeyed('a\\tb\t12\tx\ty')).toEqual({ key: 'a\tb', hash: '12', line: 'a\\tb\t12\tx\ty' });
    expect(parseKeyed('a\t12')).toMatchObject({ key: 'a', hash: '12' });
    expect(parseKeyed('alone')).toMatchObject({ key: 'alone', hash: '' });
  });
});
