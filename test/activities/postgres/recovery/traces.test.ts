import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createTraceStore } from '../../../../activities/postgres/recovery/traces.ts';
import { postgresConfigSchema } from '../../../../config/schema.ts';
import type { TraceStore } from '../../../../domain/trace.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';

const [A, B] = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b'];
const MESSAGES = { table: 'Chat.Message', id: 'key', sessionId: 'of', role: 'role', content: 'content' };
let postgres: TestPostgres;
let databases = 0;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.destroy());

async function storeOf(trace: object | undefined, sql: string): Promise<TraceStore> {
  const url = await postgres.createDatabase(
    `traces${(databases += 1)}`,
    `CREATE SCHEMA "Chat"; CREATE TABLE "Chat"."Message" (key int, "of" text, role text, content text); ${sql}`,
  );
  const store = createTraceStore(postgresConfigSchema.parse({ url, tables: { messages: MESSAGES, trace } }));
  if (!store) throw new Error('there are messages');
  return store;
}

const insert = `INSERT INTO "Chat"."Message" VALUES (1, 's1', 'user', 'q'), (2, 's1', 'assistant', 'a'), (3, 's2', 'assistant', 'a');`;

describe('what sessions cite', () => {
  test.each<[string, object, string]>([
    [
      'a row for each citation',
      { table: 'cites', messageId: 'message', chunkIds: 'chunk', kind: 'value' },
      `CREATE TABLE cites (message int, chunk uuid); INSERT INTO cites VALUES (2, '${A}'), (2, '${B}'), (3, '${A}'), (3, NULL);`,
    ],
    [
      'an array in a table of its own',
      { table: 'cites', messageId: 'message', chunkIds: 'chunks', kind: 'array' },
      `CREATE TABLE cites (message int, chunks uuid[]); INSERT INTO cites VALUES (2, '{${A},${B}}'), (3, '{${A}}');`,
    ],
    [
      'a list of JSON in the message itself',
      { table: 'Chat.Message', chunkIds: 'sources', kind: 'json' },
      `ALTER TABLE "Chat"."Message" ADD COLUMN sources jsonb;
       UPDATE "Chat"."Message" SET sources = '["${A}", "${B.toUpperCase()}"]' WHERE key = 2;
       UPDATE "Chat"."Message" SET sources = '["${A}"]' WHERE key = 3;
       UPDATE "Chat"."Message" SET sources = '{"none": true}' WHERE key = 1;`,
    ],
  ])('is read from %s', async (_what, trace, sql) => {
    const store = await storeOf(trace, insert + sql);
    const traces = await store.read(['s1', 's2', 'absent']);
    expect(traces.map(({ cited, ...rest }) => ({ ...rest, cited: [...cited].sort() }))).toEqual([
      { session: 's1', messages: 2, cited: [A, B] },
      { session: 's2', messages: 1, cited: [A] },
    ]);
  });

  test('without a trace sessions cite nothing', async () => {
    const store = await storeOf(undefined, insert);
    expect(await store.read(['s1'])).toEqual([{ session: 's1', messages: 2, cited: [] }]);
  });

  test('tells sessions by their messages, and the same sample each time', async () => {
    const store = await storeOf(undefined, insert);
    expect(await store.sessionsOf(['1', '2', '3', '99'])).toEqual(['s1', 's2']);
    expect(await store.sample(1)).toEqual(await store.sample(1));
    expect((await store.sample(10)).sort()).toEqual(['s1', 's2']);
  });

  test('names a column that is not there by its setting', async () => {
    const store = await storeOf({ table: 'Chat.Message', chunkIds: 'missing', kind: 'json' }, insert);
    await expect(store.read(['s1'])).rejects.toMatchObject({
      code: 'UNEXPECTED_SCHEMA',
      message: expect.stringContaining('postgres.tables.trace.chunkIds'),
    });
  });
});
