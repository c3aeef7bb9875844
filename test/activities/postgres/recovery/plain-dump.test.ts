import { describe, expect, test } from '@jest/globals';
import { PlainDumpReader, type PlainFacts } from '../../../../activities/postgres/recovery/plain-dump.ts';

const END = '--\n-- PostgreSQL database dump complete\n--\n';

/** What is kept of a dump, and what is read in it. */
function read(sql: string, own: readonly string[] = ['app']): { kept: string; facts: PlainFacts } {
  const reader = new PlainDumpReader((role) => own.includes(role));
  const kept = sql.split('\n').filter((line) => reader.take(line));
  return { kept: kept.join('\n'), facts: reader.end() };
}

describe('a dump in plain SQL', () => {
  test('tells what it is of, and is kept as it is but for the frame that new editions put around it', () => {
    const body = `-- Dumped from database version 17.5 (Debian)
-- Dumped by pg_dump version 18.0
SET client_encoding = 'LATIN1';
SET standard_conforming_strings = on;
CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public;
CREATE EXTENSION IF NOT EXISTS "uuid-ossp" WITH SCHEMA public;
`;
    expect(read(`\\restrict AbC123\n${body}${END}\n\\unrestrict AbC123\n\n`)).toEqual({
      kept: `${body}${END}\n\n`,
      facts: { serverMajor: 17, encoding: 'LATIN1', extensions: ['vector', 'uuid-ossp'] },
    });
  });

  test.each([
    ['in text', `SELECT 'a\\', '\\connect x', 'it''s \\';`],
    ['in text that goes on', `SELECT 'a\n\\connect x\nb';`],
    ['in text with escapes', `SELECT E'a\\'\n\\\\connect x' , e'\\\\';`],
    ['in a name', `CREATE TABLE "a\\b ""c\\" (n int);`],
    ['in a comment', `-- \\connect x\n/* \\connect x /* inner */ \\q\n*/ SELECT 1;`],
    ['in a body', `CREATE FUNCTION f() AS $_$ SELECT '\\d $$ '; $_$;\nDO $$ \\ $$;`],
    ['in rows', `COPY public.t (a, "from") FROM stdin;\n1\t\\N\n\\connect x\n\\!ls\n\\.\nSELECT 1;`],
    ['after a name with a dollar', `SELECT a$b$c FROM t$; SELECT $1$2;`],
  ])('may have a backslash %s', (_name, sql) => {
    expect(read(`${sql}\n${END}`).kept).toBe(`${sql}\n${END}`);
  });

  test.each([
    ['\\connect other', 'line 1: a command of psql (\\connect)'],
    ['SELECT 1 \\gexec', 'line 1: a command of psql (\\gexec)'],
    [`SELECT 'a' \\! rm`, 'line 1: a command of psql (\\!)'],
    [`COPY t FROM stdin;\n1\n\\.\n\\c other`, 'line 4: a command of psql (\\c)'],
    [`COPY t FROM '/file';\n\\c other`, 'line 2: a command of psql (\\c)'],
    [`COPY t ("from stdin") TO stdout;\n\\c other\n\\.`, 'line 2: a command of psql (\\c)'],
    [`SELECT a$b$; \\c other --$b$`, 'line 1: a command of psql (\\c)'],
    [`SELECT $b$x$b$; \\c other`, 'line 1: a command of psql (\\c)'],
    [`SELECT name'a\\'; \\c other`, 'line 1: a command of psql (\\c)'],
    [`SET standard_conforming_strings = off;\nSELECT 'a\\'';\n\\c other --'`, 'line 3: a command of psql (\\c)'],
    ['/* /* */ */ \\c other', 'line 1: a command of psql (\\c)'],
    ['SELECT 1\n\\restrict abc', 'line 2: a command of psql (\\restrict)'],
    ['\\restrict abc \\c other', 'line 1: a command of psql (\\restrict)'],
    ['COPY t FROM stdin; SELECT 1;\n\\.', 'line 1: something after COPY'],
    ['CREATE DATABASE other;', 'line 1: CREATE DATABASE other: it was made with --create'],
    ['ALTER\n  DATABASE other SET a = 1;', 'line 2: ALTER DATABASE other SET a = 1'],
    ['GRANT CONNECT ON DATABASE other TO x;', 'ON DATABASE'],
    ['DROP ROLE app;', 'DROP ROLE app'],
  ])('is refused for %j', (sql, message) => {
    expect(() => read(`${sql}\n${END}`)).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT', message: expect.stringContaining(`plainDump: `) }),
    );
    expect(() => read(`${sql}\n${END}`)).toThrow(message);
  });

  test.each([
    '',
    'SELECT 1;\n',
    `${END}SELECT 1;`,
    `COPY t FROM stdin;\n1\n${END}`,
    `SELECT '\n${END}`,
    `/*\n${END}`,
    `CREATE TABLE t (\n${END}`,
  ])('that does not come to its end is refused: %j', (sql) => {
    expect(() => read(sql)).toThrow('breaks off');
  });

  test('leaves out default privileges of roles that the own one cannot speak for', () => {
    const ofOther = 'ALTER DEFAULT PRIVILEGES FOR ROLE cloud_admin IN SCHEMA public GRANT ALL ON TABLES TO x;';
    const quoted = 'ALTER DEFAULT PRIVILEGES FOR ROLE "the ""other""" GRANT SELECT ON TABLES TO x;';
    const own = 'ALTER DEFAULT PRIVILEGES FOR ROLE app IN SCHEMA public GRANT SELECT ON TABLES TO x;';
    expect(read(`${ofOther}\n${quoted}\n${own}\n${END}`).kept).toBe(`${own}\n${END}`);
    expect(read(`${ofOther}\n${quoted}\n${END}`, ['cloud_admin', 'the "other"']).kept).toBe(
      `${ofOther}\n${quoted}\n${END}`,
    );
  });
});
