import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { withSession } from '../../../activities/postgres/client.ts';
import { requireSpace } from '../../../activities/postgres/scratch-folder.ts';
import { readTableState, type TableState } from '../../../activities/postgres/table-state.ts';
import { Secret } from '../../../config/secret.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';

const VALUES = `(1, 0.1::float8 + 0.2::float8, '2026-01-31 12:00+02', '1 day 2 hours', '\\xdeadbeef', 12.5, 'ünï', NULL),
  (2, 1e-300, '1999-12-31 23:59:59.123456+00', '-3 mons', '', -1, '', ''), (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`;
const COLUMNS = `id int, f float8, at timestamptz, took interval, raw bytea, price money, name text, "Zusatz" text`;
const OTHERWISE = `ALTER DATABASE "NAME" SET DateStyle = 'German'; ALTER DATABASE "NAME" SET TimeZone = 'Asia/Tokyo';
  ALTER DATABASE "NAME" SET extra_float_digits = -3; ALTER DATABASE "NAME" SET bytea_output = 'escape';
  ALTER DATABASE "NAME" SET IntervalStyle = 'iso_8601';`;
let postgres: TestPostgres;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.destroy());

async function stateOf(name: string, sql: string): Promise<TableState> {
  const url = new Secret(await postgres.createDatabase(name, sql));
  return withSession(url, 'read', (session) => readTableState(session, 't', 'postgres.tables.sessions'));
}
const base = `CREATE TABLE t (${COLUMNS}); INSERT INTO t VALUES ${VALUES}`;

describe('a table’s fingerprint', () => {
  test('is the same in any order of rows and columns, and whatever the server’s settings for writing values are', async () => {
    const first = await stateOf('first', base);
    const second = await stateOf(
      'second',
      `${OTHERWISE.replaceAll('NAME', 'second')}
       CREATE TABLE original (${COLUMNS}); INSERT INTO original VALUES ${VALUES};
       CREATE TABLE t AS SELECT 0 AS gone, "Zusatz", name, price, raw, took, at, f, id FROM original ORDER BY id DESC;
       ALTER TABLE t DROP COLUMN gone`,
    );
    expect(second).toEqual(first);
    expect(first.rows).toBe(3);
  });

  test.each([
    ['a value', `UPDATE t SET f = f * (1 + 1e-15) WHERE id = 1`],
    ['NULL for an empty text', `UPDATE t SET name = NULL WHERE id = 2`],
    ['two values that changed places', `UPDATE t SET name = "Zusatz", "Zusatz" = name WHERE id = 1`],
    ['a row twice', `INSERT INTO t SELECT * FROM t WHERE id = 1`],
    ['two rows twice for none', `INSERT INTO t SELECT * FROM t WHERE id < 3`],
    ['a column of another name', `ALTER TABLE t RENAME name TO title`],
  ])('tells %s', async (_name, change) => {
    const name = `changed${Math.abs([...change].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) | 0, 0))}`;
    const [before, after] = [await stateOf(`${name}a`, base), await stateOf(`${name}b`, `${base}; ${change}`)];
    expect(after.fingerprint).not.toBe(before.fingerprint);
  });

  test('exists for an empty table', async () => {
    expect(await stateOf('empty', `CREATE TABLE t (${COLUMNS})`)).toMatchObject({ rows: 0 });
  });
});

describe('space for a dump', () => {
  test('is asked for before anything is written, and the message says how much', async () => {
    const folder = temporaryFolder('space');
    await expect(requireSpace(folder, 2 ** 50, 'the dump of the database')).rejects.toMatchObject({
      code: 'DISK_SHORT',
      message: expect.stringMatching(
        /^postgres\.scratchDir: [\d,]+ bytes are free in .*, and the dump of the database may need 1,125,899,906,842,624$/,
      ),
    });
    await requireSpace(folder, 1, 'the dump of the database');
  });
});
