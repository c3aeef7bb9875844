import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readRows } from '../../../activities/postgres/rows.ts';
import { readTexts } from '../../../activities/postgres/texts.ts';
import { Secret } from '../../../config/secret.ts';
import type { RowEntry } from '../../../domain/index-entry.ts';
import { comparePointIds } from '../../../domain/point-id.ts';
import type { ChunkRow } from '../../../domain/row-store.ts';
import { runSql, startPostgres, type TestPostgres } from '../../support/postgres.ts';

const TABLE = { table: 'chunks', pointId: 'id', text: 'text', source: 'source', index: 'at', hash: 'hash' };
let postgres: TestPostgres;
let databases = 0;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.destroy());

const fingerprint = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex').slice(0, 16);

interface Stored {
  readonly id: string | null;
  readonly text?: string | null;
  readonly source?: string | null;
}

/** A database with a chunks table whose id column has the given type. */
async function withChunks(type: string, chunks: readonly Stored[]): Promise<Secret> {
  const url = await postgres.createDatabase(
    `rows${(databases += 1)}`,
    `CREATE DOMAIN uuid_domain AS uuid;
     CREATE TABLE chunks (id ${type}, text text, source text, at int, hash text)`,
  );
  const rows = chunks.map(({ id, text = 'text', source = 'a.md#x' }, at) => ({
    id,
    text,
    source,
    at,
    hash: `hash${at}`,
  }));
  await runSql(
    url,
    `INSERT INTO chunks SELECT (r->>'id')::${type}, r->>'text', r->>'source', (r->>'at')::int, r->>'hash'
       FROM jsonb_array_elements($1::jsonb) AS r`,
    [JSON.stringify(rows)],
  );
  return new Secret(url);
}

async function read(url: Secret, table = TABLE): Promise<RowEntry[]> {
  const rows: RowEntry[] = [];
  for await (const batch of readRows({ url }, table)) rows.push(...batch);
  return rows;
}

async function readIds(type: string, ids: readonly (string | null)[]): Promise<string[]> {
  return (
    await read(
      await withChunks(
        type,
        ids.map((id) => ({ id })),
      ),
    )
  ).map(({ id }) => id);
}

const UUIDS = [
  'ffffffff-0000-4000-8000-000000000000',
  '0fffffff-ffff-4fff-8fff-ffffffffffff',
  '10000000-0000-4000-8000-000000000000',
];
const INTEGERS = ['10', '9', '100', '0', '32767'];

describe('chunk rows come in Qdrant’s order', () => {
  test.each([
    ['uuid', UUIDS],
    ['uuid_domain', UUIDS],
    ['smallint', INTEGERS],
    ['integer', INTEGERS],
    ['bigint', [...INTEGERS, '9223372036854775807', '9007199254740993']],
    ['numeric(20)', [...INTEGERS, '18446744073709551615']],
    ['text', [...INTEGERS, ...UUIDS, '18446744073709551615']],
    ['varchar(40)', [...INTEGERS, ...UUIDS]],
    ['char(36)', [...INTEGERS, ...UUIDS]],
  ])('from a column of type %s', async (type, ids) => {
    expect(await readIds(type, ids)).toEqual(ids.toSorted(comparePointIds));
  });

  test('also when somebody wrote UUIDs in capitals', async () => {
    const mixed = UUIDS.map((id, at) => (at === 1 ? id.toUpperCase() : id));
    expect(await readIds('text', mixed)).toEqual(UUIDS.toSorted(comparePointIds));
  });

  test('without rows that were never indexed', async () => {
    expect(await readIds('bigint', ['2', null, '1'])).toEqual(['1', '2']);
  });
});

describe('what chunk rows say', () => {
  test('any text has the fingerprint that Node computes, and any section comes through as it is', async () => {
    // Postgres stores neither NUL nor half a surrogate pair; everything else must survive.
    const anyText = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0'));
    const nasty = ['', '\\', '\\N', '\\.', '\t', 'a\nb\r\nc', '\b\f\v', '\\t', 'ünïcödé 🎓', '"', "'"].map((one) => [
      one,
      one,
    ]);
    const samples = [...nasty, ...fc.sample(fc.tuple(anyText, anyText), 300)];
    const stored = samples.map(([text = '', source = ''], at) => ({ id: String(at), text, source }));
    expect(await read(await withChunks('bigint', stored))).toEqual(
      stored.map(({ id, text, source }) => ({ id, text: fingerprint(text), section: source })),
    );
  });

  test('a row without text agrees with everything, and one without a source has an empty section', async () => {
    expect(await read(await withChunks('bigint', [{ id: '1', text: null, source: null }]))).toEqual([
      { id: '1', text: '', section: '' },
    ]);
  });

  test('tens of thousands of rows arrive whole, though the pieces they travel in end anywhere', async () => {
    const url = await withChunks('bigint', []);
    await runSql(
      url.reveal(),
      `INSERT INTO chunks SELECT n, 'text ' || n, repeat('é', n % 90) FROM generate_series(1, 50000) n`,
    );
    const rows = await read(url);
    expect(rows).toHaveLength(50_000);
    expect(rows.every(({ section }, at) => section === 'é'.repeat((at + 1) % 90))).toBe(true);
    expect(rows[41_000]).toMatchObject({ id: '41001', text: fingerprint('text 41001') });
  });

  test('a reader that stops early leaves no connection behind', async () => {
    const url = await withChunks('bigint', []);
    await runSql(
      url.reveal(),
      `INSERT INTO chunks SELECT n, 'text', repeat('s', 500) FROM generate_series(1, 50000) n`,
    );
    for await (const batch of readRows({ url }, TABLE)) {
      expect(batch.length).toBeLessThan(50_000);
      break;
    }
    expect(await connectionsOf(url)).toBe(0);
  });
});

/** Postgres notices a lost connection when it writes to it, a moment later. */
async function connectionsOf(url: Secret): Promise<number> {
  const database = new URL(url.reveal()).pathname.slice(1);
  const count = async (): Promise<number> => {
    const [row] = await runSql(postgres.url(), `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = $1`, [
      database,
    ]);
    return Number(row?.['n']);
  };
  for (let tries = 0; tries < 100 && (await count()) > 0; tries += 1)
    await new Promise((resolve) => setTimeout(resolve, 20));
  return count();
}

describe('rows that cannot be reconciled are refused with what is wrong', () => {
  test.each<[name: string, type: string, ids: string[], code: string, words: string[]]>([
    ['a type that holds no ids', 'timestamptz', ['2026-01-01'], 'UNKNOWN_ID_TYPE', ['"id" of "chunks"', 'timestamp']],
    ['a negative integer', 'integer', ['-5', '1'], 'UNKNOWN_ID_TYPE', ['"id" of "chunks"', '"-5"']],
    ['a text that is no id', 'text', ['chunk_7'], 'UNKNOWN_ID_TYPE', ['"chunk_7"']],
    ['a fraction', 'numeric', ['1.5'], 'UNKNOWN_ID_TYPE', ['"1.5"']],
    ['an integer beyond 64 bits', 'numeric', ['18446744073709551616'], 'UNKNOWN_ID_TYPE', ['"18446744073709551616"']],
    ['an id that two rows share', 'bigint', ['1', '2', '2'], 'UNEXPECTED_SCHEMA', ['holds 2 more than once']],
  ])('%s', async (_name, type, ids, code, words) => {
    const failure = await read(
      await withChunks(
        type,
        ids.map((id) => ({ id })),
      ),
    ).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code, message: expect.stringContaining('postgres.tables.chunks.pointId') });
    for (const word of words) expect(failure).toHaveProperty('message', expect.stringContaining(word));
  });

  test.each([
    [{ ...TABLE, table: 'public.chunk' }, 'postgres.tables.chunks.table: Postgres has no table "public.chunk"'],
    [
      { ...TABLE, text: 'content' },
      'postgres.tables.chunks.text: table "chunks" has no column "content"; it has id, text, source',
    ],
  ])('a map that does not fit the schema', async (table, words) => {
    const url = await withChunks('bigint', []);
    await expect(read(url, table)).rejects.toMatchObject({
      code: 'UNEXPECTED_SCHEMA',
      message: expect.stringContaining(words),
    });
  });

  test('names are quoted, so capitals, keywords and quotes in them work', async () => {
    const url = await postgres.createDatabase(
      'quoted',
      `CREATE TABLE "Chunk" ("order" uuid, "my ""text" text, "Source" text); INSERT INTO "Chunk" VALUES ('${UUIDS[0]}', 't', 's')`,
    );
    const table = { table: 'public.Chunk', pointId: 'order', text: 'my "text', source: 'Source' };
    expect(await read(new Secret(url), table as typeof TABLE)).toHaveLength(1);
  });
});

describe('texts by id', () => {
  const order = (rows: ChunkRow[]): ChunkRow[] => rows.toSorted((a, b) => comparePointIds(a.id, b.id));

  test('come with everything that a payload is made of', async () => {
    const url = await withChunks(
      'uuid',
      UUIDS.map((id) => ({ id, text: `text of ${id}` })),
    );
    const [first = ''] = UUIDS;
    expect(await readTexts({ url }, TABLE, [first])).toEqual([
      {
        id: first,
        text: `text of ${first}`,
        fingerprint: fingerprint(`text of ${first}`),
        source: 'a.md#x',
        index: 0,
        hash: 'hash0',
      },
    ]);
  });

  test('leave out what is not mapped, and what is absent', async () => {
    const url = await withChunks('bigint', [{ id: '1', text: null }]);
    const { index: _index, hash: _hash, ...table } = TABLE;
    expect(await readTexts({ url }, table, ['1', '2'])).toEqual([
      { id: '1', text: '', fingerprint: '', source: 'a.md#x' },
    ]);
  });

  test.each([
    ['uuid', UUIDS],
    ['smallint', INTEGERS],
    ['integer', INTEGERS],
    ['bigint', ['9223372036854775807', ...INTEGERS]],
    ['numeric', ['18446744073709551615', ...INTEGERS]],
    ['text', [...UUIDS, ...INTEGERS]],
    ['char(36)', [...UUIDS, ...INTEGERS]],
  ])('are found in a column of type %s, whatever else is asked for', async (type, ids) => {
    const url = await withChunks(
      type,
      ids.map((id) => ({ id })),
    );
    const asked = [...ids, '18446744073709551614', '70000', 'eeeeeeee-0000-4000-8000-000000000000'];
    expect(order(await readTexts({ url }, TABLE, asked)).map(({ id }) => id)).toEqual(ids.toSorted(comparePointIds));
  });

  test('are found by the column’s index', async () => {
    const url = await withChunks('bigint', []);
    await runSql(
      url.reveal(),
      `INSERT INTO chunks SELECT n, 'text', 's' FROM generate_series(1, 20000) n; CREATE INDEX ON chunks (id); ANALYZE chunks`,
    );
    const before = await scans(url);
    expect(await readTexts({ url }, TABLE, ['17', '18'])).toHaveLength(2);
    expect((await scans(url)) - before).toBeGreaterThan(0);
  });
});

/** How often an index on chunks was used; statistics arrive when a session ends. */
async function scans(url: Secret): Promise<number> {
  const [row] = await runSql(
    url.reveal(),
    `SELECT coalesce(sum(idx_scan), 0)::int AS n FROM pg_stat_user_indexes WHERE relname = 'chunks'`,
  );
  return Number(row?.['n']);
}
