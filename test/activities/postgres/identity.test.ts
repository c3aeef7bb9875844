import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { markedPostgres } from '../../../activities/postgres/identity.ts';
import { Secret } from '../../../config/secret.ts';
import { runSql, startPostgres, type TestPostgres } from '../../support/postgres.ts';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.destroy());

describe('the environment’s name in Postgres', () => {
  test('is absent at first, then what was written, and can be written again', async () => {
    const store = markedPostgres({ url: new Secret(await postgres.createDatabase('a')) });
    expect(await store.readMark()).toBeUndefined();
    await store.writeMark('staging');
    await store.writeMark('staging');
    expect(await store.readMark()).toBe('staging');
  });

  test('is never replaced by another', async () => {
    const store = markedPostgres({ url: new Secret(await postgres.createDatabase('b')) });
    await store.writeMark('production');
    await expect(store.writeMark('staging')).rejects.toMatchObject({ code: 'WRONG_ENVIRONMENT' });
    expect(await store.readMark()).toBe('production');
  });

  test('of several writers at once, one wins and the others agree or are refused', async () => {
    const url = await postgres.createDatabase('c', 'CREATE TABLE dr_environment (name text NOT NULL)');
    const store = markedPostgres({ url: new Secret(url) });
    const results = await Promise.allSettled(['x', 'x', 'y', 'y'].map((name) => store.writeMark(name)));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
    expect(await runSql(url, 'SELECT count(*)::int AS n FROM dr_environment')).toEqual([{ n: 1 }]);
  });

  test('is refused when there are two', async () => {
    const url = await postgres.createDatabase(
      'd',
      `CREATE TABLE dr_environment (name text); INSERT INTO dr_environment VALUES ('x'), ('y')`,
    );
    await expect(markedPostgres({ url: new Secret(url) }).readMark()).rejects.toMatchObject({
      code: 'UNEXPECTED_SCHEMA',
      message: expect.stringContaining('x, y'),
    });
  });
});
