import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { lookAt } from '../../../../activities/postgres/recovery/index.ts';
import { surveyDatabase } from '../../../../activities/postgres/recovery/survey.ts';
import { Secret } from '../../../../config/secret.ts';
import {
  type Expectation,
  expectationSchema,
  LIVE,
  type Look,
  lookSchema,
  type Survey,
  surveySchema,
} from '../../../../domain/database-state.ts';
import { runSql } from '../../../support/postgres.ts';
import { testWork } from '../../../support/work.ts';
import { must, type Pair, setStage, type Stage } from './stage.ts';

const SCHEMA = `
  CREATE SCHEMA app;
  CREATE TABLE dr_environment (name text); INSERT INTO dr_environment VALUES ('test');
  CREATE TABLE app.sessions (id int PRIMARY KEY, kind varchar(9) CHECK (kind IN ('a', 'b (::text)')));
  CREATE TABLE messages (id int, part text, session int NOT NULL REFERENCES app.sessions, body text UNIQUE, PRIMARY KEY (id, part));
  INSERT INTO app.sessions SELECT n, 'a' FROM generate_series(1, 20) n;
  INSERT INTO messages SELECT n, E'a\\tb' || n, 1 + n % 20, 'said ' || n FROM generate_series(1, 100) n`;
const TABLES = { others: ['messages', 'app.sessions', 'nowhere'] };
let stage: Stage;
beforeAll(async () => {
  stage = await setStage(TABLES);
});
afterAll(() => stage.postgres.destroy());

async function survey(pair: Pair): Promise<Survey> {
  const answer = await surveyDatabase(pair.parts, pair.to, testWork());
  if (!('survey' in answer)) throw new Error('missing');
  return surveySchema.parse(answer.survey);
}

describe('a survey', () => {
  test('tells tables, keys, columns, constraints and the mark', async () => {
    const found = await survey(await stage.pair(SCHEMA));
    expect(found).toMatchObject({ environment: 'test', broken: [], tables: { nowhere: null } });
    expect(found.tables['messages']).toEqual({
      rows: 100,
      fingerprint: expect.stringMatching(/^100:-?\d+:[0-9a-f]{8}$/),
      key: ['id', 'part'],
      columns: [
        { name: 'body', type: 'text', notNull: false },
        { name: 'id', type: 'integer', notNull: true },
        { name: 'part', type: 'text', notNull: true },
        { name: 'session', type: 'integer', notNull: true },
      ],
    });
    expect(found.constraints).toEqual([
      `app.sessions: CHECK kind = ANY ARRAY['a','b (::text)']`,
      'app.sessions: PRIMARY KEY (id)',
      'messages: FOREIGN KEY (session) REFERENCES app.sessions(id)',
      'messages: PRIMARY KEY (id, part)',
      'messages: UNIQUE (body)',
    ]);
    expect(found.lsn).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/);
    expect(Math.abs(Date.parse(found.at) - Date.now())).toBeLessThan(60_000);
  });

  test('is the same after a dump, whatever the search path', async () => {
    const pair = await stage.pair(SCHEMA);
    const before = await survey(pair);
    const written = await runSql(
      pair.toUrl,
      `SELECT pg_get_constraintdef(oid) AS check FROM pg_constraint WHERE conrelid = 'app.sessions'::regclass AND contype = 'c'`,
    );
    await runSql(
      pair.toUrl,
      `ALTER TABLE app.sessions DROP CONSTRAINT sessions_kind_check; ALTER TABLE app.sessions ADD ${String(written[0]?.['check'])};
       ALTER DATABASE ${must(new URL(pair.toUrl).pathname.split('/')[1])} SET search_path = app, public`,
    );
    expect((await survey(pair)).constraints).toEqual(before.constraints);
  });

  test('names foreign keys with rows that point to nothing', async () => {
    const pair = await stage.pair(
      SCHEMA,
      '',
      `SET session_replication_role = replica; DELETE FROM app.sessions WHERE id < 3`,
    );
    expect((await survey(pair)).broken).toEqual([{ constraint: 'messages_session_fkey', table: 'messages', rows: 10 }]);
  });

  test('tells that the live database is missing, and fails for any other place', async () => {
    const { parts } = await stage.pair('');
    const gone = { ...parts, urlOf: async () => new Secret(stage.postgres.url('no such')) };
    expect(await surveyDatabase(gone, LIVE, testWork())).toEqual({ missing: 'no such' });
    await expect(surveyDatabase(gone, { kind: 'beside', database: 'x' }, testWork())).rejects.toMatchObject({
      code: 'POSTGRES_REFUSED',
    });
  });
});

/** What is expected of a state that is as `from`: its schema, and the rows that `to` has lost. */
async function expectationOf(pair: Pair, predicate?: string): Promise<Expectation> {
  const answer = await surveyDatabase(pair.parts, pair.from, testWork());
  if (!('survey' in answer)) throw new Error('missing');
  const { tables, constraints } = answer.survey;
  const columnsOf = (table: string): string[] => tables[table]?.columns.map(({ name }) => name) ?? [];
  const diffs = await pair.compare(['messages', 'app.sessions']);
  return expectationSchema.parse({
    tables: { messages: columnsOf('messages'), 'app.sessions': columnsOf('app.sessions') },
    constraints,
    witnesses: diffs.flatMap(({ table, removed, changed }) =>
      [removed, changed].map((list) => ({ table, list, columns: columnsOf(table) })),
    ),
    ...(predicate === undefined ? {} : { predicate }),
  });
}

async function look(url: string, expected: Expectation): Promise<Look> {
  return lookSchema.parse(await lookAt(new Secret(url), expected, stage, testWork().signal));
}

describe('a look at a state', () => {
  test('finds the good one good and counts in the other what it has lost', async () => {
    const pair = await stage.pair(
      SCHEMA,
      '',
      `DELETE FROM messages WHERE id <= 10; UPDATE messages SET body = body || '!' WHERE id BETWEEN 11 AND 14; UPDATE app.sessions SET kind = NULL WHERE id = 1`,
    );
    const expected = await expectationOf(pair, 'SELECT count(*) = 100 FROM messages');
    expect(await look(pair.fromUrl, expected)).toEqual({ good: true, lost: 0, reasons: [] });
    expect(await look(pair.toUrl, expected)).toEqual({
      good: false,
      lost: 15,
      reasons: [
        '10 of 10 rows looked for in messages are gone or changed',
        '4 of 4 rows looked for in messages are gone or changed',
        '1 of 1 rows looked for in app.sessions are gone or changed',
        'the predicate says false',
      ],
    });
    await runSql(pair.toUrl, `UPDATE messages SET body = replace(body, '!', '')`);
    expect(await look(pair.toUrl, expected)).toMatchObject({ good: false, lost: 11 });
  });

  test('asks for few rows by their key, whatever is in it, and bears a key of another type', async () => {
    const pair = await stage.pair(
      `CREATE TABLE messages (id text PRIMARY KEY, body text);
       INSERT INTO messages VALUES ('plain', 'a'), (E'tab\\t\\\\n', 'b'), ('"it''s"', 'c'), ('{1,2}', 'd'), ('', 'e'), ('NULL', 'f')`,
      '',
      `UPDATE messages SET body = body || '!'`,
    );
    const [diff] = await pair.compare(['messages']);
    const witnesses = [{ table: 'messages', list: must(diff).changed, columns: ['body', 'id'] }];
    const expected = { tables: {}, constraints: [], witnesses };
    expect(await look(pair.fromUrl, expected)).toMatchObject({ good: true, lost: 0 });
    expect(await look(pair.toUrl, expected)).toMatchObject({ good: false, lost: 6 });
    await runSql(pair.toUrl, 'TRUNCATE messages; ALTER TABLE messages ALTER id TYPE int USING 1');
    expect(await look(pair.toUrl, expected)).toMatchObject({ good: false, lost: 6 });
  });

  test('names what the schema lacks, and at most five reasons', async () => {
    const pair = await stage.pair(SCHEMA, '', 'DELETE FROM messages WHERE id = 1');
    const expected = await expectationOf(pair);
    await runSql(pair.toUrl, 'ALTER TABLE messages DROP COLUMN body');
    expect(await look(pair.toUrl, expected)).toEqual({
      good: false,
      lost: 1,
      reasons: [
        'table messages lacks body',
        'constraint missing: messages: UNIQUE (body)',
        '1 of 1 rows looked for in messages are gone or changed',
      ],
    });
    await runSql(pair.toUrl, 'DROP TABLE messages, app.sessions');
    const empty = await look(pair.toUrl, expected);
    expect(empty).toMatchObject({ good: false, lost: 1 });
    expect(empty.reasons).toHaveLength(5);
    expect(await look(stage.postgres.url('nowhere'), expected)).toEqual({
      good: false,
      lost: 1,
      reasons: ['the database is not there'],
    });
  });

  test('tells foreign keys with rows that point to nothing', async () => {
    const pair = await stage.pair(SCHEMA, '', '');
    const expected = await expectationOf(pair);
    await runSql(pair.toUrl, `SET session_replication_role = replica; DELETE FROM app.sessions WHERE id = 3`);
    expect(await look(pair.toUrl, expected)).toMatchObject({
      good: false,
      reasons: ['5 rows of messages point to nothing by messages_session_fkey'],
    });
  });
});

describe('the operator’s predicate', () => {
  const bare = (predicate: string): Expectation => ({ tables: {}, constraints: [], witnesses: [], predicate });
  let pair: Pair;
  beforeAll(async () => {
    pair = await stage.pair(SCHEMA);
  });

  test.each([
    ['true', 'SELECT true', []],
    ['a semicolon', 'SELECT true;', []],
    ['a comment', 'SELECT count(*) > 5 FROM messages -- enough', []],
    ['WITH', 'WITH m AS (SELECT * FROM messages) SELECT bool_and(id > 0) AS good FROM m', []],
    ['false', 'SELECT false', ['the predicate says false']],
    ['NULL', 'SELECT bool_and(true) FROM messages WHERE false', ['the predicate says null']],
    [
      'a table that is not there',
      'SELECT count(*) > 0 FROM later',
      [expect.stringContaining('relation "later" does not exist')],
    ],
    [
      'values that cannot be computed with',
      'SELECT 1 / (id - 1) > 0 FROM messages',
      [expect.stringContaining('division by zero')],
    ],
  ])('%s', async (_name, predicate, reasons) => {
    expect(await look(pair.toUrl, bare(predicate))).toEqual({ good: reasons.length === 0, lost: 0, reasons });
  });

  test.each([
    ['a number', 'SELECT 1'],
    ['two columns', 'SELECT true, true'],
    ['two rows', 'SELECT id > 0 FROM messages'],
    ['no row', 'SELECT true WHERE false'],
    ['no SQL', 'is it good?'],
    ['several statements', 'SELECT true; DELETE FROM messages'],
    ['a way out of the brackets', 'SELECT true) x; COMMIT; DELETE FROM messages; SELECT (SELECT true'],
    ['a write', 'DELETE FROM messages RETURNING true'],
    ['a write inside', 'WITH gone AS (DELETE FROM messages RETURNING true) SELECT true'],
    ['a write by a function', `SELECT setval('s', 5) > 0`],
    ['nothing', ''],
  ])('is refused when it is %s', async (_name, predicate) => {
    await runSql(pair.toUrl, 'CREATE SEQUENCE IF NOT EXISTS s');
    await expect(look(pair.toUrl, bare(predicate))).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect(await pair.rows('SELECT count(*)::int AS n, (SELECT last_value FROM s) AS s FROM messages')).toEqual([
      { n: 100, s: '1' },
    ]);
  });

  test('an outage is told as one', async () => {
    await expect(look(pair.toUrl, bare(`SELECT pg_terminate_backend(pg_backend_pid())`))).rejects.toMatchObject({
      code: 'POSTGRES_UNREACHABLE',
    });
  });
});
