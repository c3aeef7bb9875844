import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { z } from 'zod';
import { chunkIdOf } from '../../sandbox/app/chunk-record.ts';
import { withoutInventions } from '../../sandbox/app/answer.ts';
import { withStores } from '../../sandbox/seed-context.ts';
import { prepareStores } from '../../sandbox/seed-stores.ts';
import { freePort } from '../support/ports.ts';
import { runSql } from '../support/postgres.ts';
import { type Parts, request, type Running, startParts } from '../support/sandbox.ts';

const MARKDOWN = `# Kitchen

Words before the first section belong to the title.

## Baking bread

Bread dough of flour, water and yeast must rise for an hour before it is baked. The oven should be very hot.

The loaf sounds hollow when you knock on its bottom and it is done.

## Sharpening knives

A whetstone sharpens a knife when the blade is drawn over it at an angle of twenty degrees.
`;
const BREAD = 'kitchen.md#baking-bread';

const answerSchema = z.object({
  answer: z.string(),
  sessionId: z.uuid(),
  citations: z.array(
    z.object({ source: z.string(), heading: z.string(), chunkId: z.uuid(), score: z.number(), text: z.string() }),
  ),
});

let parts: Parts;
let app: Running;

const sql = (text: string): ReturnType<typeof runSql> => runSql(parts.postgres.url(), text);
const ingest = (markdown: string): ReturnType<typeof request> =>
  request('POST', `${app.url}/ingest`, { file: 'kitchen.md', markdown });
const ask = async (question: string, more: object = {}, url = app.url): Promise<z.infer<typeof answerSchema>> => {
  const { status, body } = await request('POST', `${url}/ask`, { question, ...more });
  expect({ status, body }).toMatchObject({ status: 200 });
  return answerSchema.parse(body);
};
const points = async (): Promise<number> =>
  (await parts.front.result<{ count: number }>('POST', '/collections/textbook-content/points/count', { exact: true }))
    .count;

/** Ends connections to a database. */
const END = 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()';

async function eventually(query: string, url = parts.postgres.url()): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    const [row] = await runSql(url, query);
    if (row?.['yes'] === true) return;
    await pause(25);
  }
  throw new Error(`never came true: ${query}`);
}

beforeAll(async () => {
  parts = await startParts();
  await withStores(parts.env, prepareStores);
  app = await parts.startApp();
  await ingest(MARKDOWN);
});

afterAll(() => parts.stop());

describe('ingesting', () => {
  test('puts every paragraph under one id into both stores', async () => {
    const rows = await sql('SELECT id, source, chunk_index FROM chunks ORDER BY source, chunk_index');
    expect(rows).toEqual([
      { id: chunkIdOf(BREAD, 0), source: BREAD, chunk_index: 0 },
      { id: chunkIdOf(BREAD, 1), source: BREAD, chunk_index: 1 },
      { id: chunkIdOf('kitchen.md#kitchen', 0), source: 'kitchen.md#kitchen', chunk_index: 0 },
      { id: chunkIdOf('kitchen.md#sharpening-knives', 0), source: 'kitchen.md#sharpening-knives', chunk_index: 0 },
    ]);
    expect(await points()).toBe(4);
  });

  test('ids are UUIDs of version 5, so that other tools accept them', () => {
    expect(z.uuid({ version: 'v5' }).safeParse(chunkIdOf(BREAD, 0)).success).toBe(true);
  });

  test('changes nothing when it is repeated, not even a date', async () => {
    const before = await sql('SELECT * FROM chunks ORDER BY id');
    expect(await ingest(MARKDOWN)).toEqual({ status: 200, body: { chunks: 4, removed: 0 } });
    expect(await sql('SELECT * FROM chunks ORDER BY id')).toEqual(before);
    expect(await points()).toBe(4);
  });

  test('of a new edition replaces what changed and takes away what is gone', async () => {
    const edition = MARKDOWN.replace('twenty degrees', 'fifteen degrees').replace(/The loaf sounds.*\n/, '');
    expect(await ingest(edition)).toEqual({ status: 200, body: { chunks: 3, removed: 1 } });
    expect(await points()).toBe(3);
    const [row] = await sql(`SELECT text FROM chunks WHERE source LIKE '%knives'`);
    expect(row?.['text']).toContain('fifteen');
    await ingest(MARKDOWN);
  });
});

describe('asking', () => {
  test('answers with sentences of the passages and cites where they stand', async () => {
    const { answer, citations } = await ask('How long must bread dough rise before it is baked?', { topK: 2 });
    expect(citations[0]).toMatchObject({ source: BREAD, heading: 'Baking bread', chunkId: chunkIdOf(BREAD, 0) });
    expect(citations[0]?.score).toBeGreaterThan(0.4);
    expect(citations[0]?.text).toContain('rise for an hour');
    expect(answer).toContain('must rise for an hour before it is baked. [1]');
  });

  test('keeps the conversation, with what each answer rested on', async () => {
    const { body } = await request('POST', `${app.url}/sessions`, {});
    const { sessionId } = z.object({ sessionId: z.uuid() }).parse(body);
    const { answer, citations } = await ask('How do I sharpen a knife?', { sessionId });
    await ask('How hot is the oven for bread?', { sessionId });
    const kept = await request('GET', `${app.url}/sessions/${sessionId}/messages`);
    expect(kept).toMatchObject({
      status: 200,
      body: {
        sessionId,
        messages: [
          { role: 'user', content: 'How do I sharpen a knife?', citations: [] },
          {
            role: 'assistant',
            content: answer,
            citations: citations.map(({ source, chunkId, score }) => ({ source, chunkId, score })),
          },
          { role: 'user', content: 'How hot is the oven for bread?' },
          { role: 'assistant' },
        ],
      },
    });
  });

  test('never cites a passage that has no row, however near it is', async () => {
    const question = 'How long must bread dough rise before it is baked?';
    await sql(`DELETE FROM chunks WHERE id = '${chunkIdOf(BREAD, 0)}'`);
    const { citations } = await ask(question);
    expect(citations.map(({ chunkId }) => chunkId)).not.toContain(chunkIdOf(BREAD, 0));
    await ingest(MARKDOWN);
    expect((await ask(question)).citations[0]?.chunkId).toBe(chunkIdOf(BREAD, 0));
  });

  test('says that the textbook has nothing rather than inventing', async () => {
    const { answer, citations } = await ask('Zq xv 4711 parliament elections voters?');
    expect({ answer, citations }).toEqual({ answer: 'The textbook has nothing on that.', citations: [] });
  });

  test.each([
    [{ question: '  ' }, 400, 'question'],
    [{ question: 'x', topK: 0 }, 400, 'topK'],
    [{ question: 'x', query: 'y' }, 400, 'query'],
    [{ question: 'x', sessionId: 'mine' }, 400, 'sessionId'],
    [{ question: 'x', sessionId: '00000000-0000-4000-8000-000000000000' }, 404, 'there is no session'],
  ])('refuses %j with %i', async (body, status, message) => {
    const answer = await request('POST', `${app.url}/ask`, body);
    expect(answer.status).toBe(status);
    expect(JSON.stringify(answer.body)).toContain(message);
  });
});

describe('the maintenance switch', () => {
  const TOKEN = 'a token of the switch';
  let guarded: Running;
  let file: string;
  const turn = (mode: string, authorization = `Bearer ${TOKEN}`, url = guarded.url): ReturnType<typeof request> =>
    request('PUT', `${url}/admin/mode`, { mode }, { authorization });
  const start = (): Promise<Running> => parts.startApp({ maintenance: { token: TOKEN, file } });
  const writes = (url: string): Promise<{ status: number }[]> =>
    Promise.all([
      request('POST', `${url}/sessions`, {}),
      request('POST', `${url}/ask`, { question: 'Bread?' }),
      request('POST', `${url}/ask`, { wrong: true }),
      request('POST', `${url}/ingest`, { file: 'x.md', markdown: '# X' }),
    ]);

  beforeAll(async () => {
    file = join(parts.dir, 'mode.json');
    guarded = await start();
  });

  test('keeps everything from being written, and lets be read; and over a restart', async () => {
    const { sessionId } = await ask('How do I sharpen a knife?', {}, guarded.url);
    const rows = (): ReturnType<typeof sql> =>
      sql(
        'SELECT (SELECT count(*) FROM messages) m, (SELECT count(*) FROM sessions) s, (SELECT count(*) FROM chunks) c',
      );
    const before = await rows();
    expect(await turn('read-only')).toEqual({ status: 200, body: { mode: 'read-only' } });
    for (const { status } of await writes(guarded.url)) expect(status).toBe(503);
    const refused = await fetch(`${guarded.url}/sessions`, { method: 'POST' });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await request('GET', `${guarded.url}/sessions/${sessionId}/messages`)).toMatchObject({ status: 200 });
    const health = { status: 200, body: { status: 'ok', mode: 'read-only' } };
    expect(await request('GET', `${guarded.url}/health/deep`)).toMatchObject(health);
    expect(await rows()).toEqual(before);

    await guarded.stop();
    guarded = await start();
    expect(await request('GET', `${guarded.url}/health/deep`)).toMatchObject(health);
    expect(await request('POST', `${guarded.url}/sessions`, {})).toMatchObject({ status: 503 });
    expect(await turn('normal')).toEqual({ status: 200, body: { mode: 'normal' } });
    expect(await request('POST', `${guarded.url}/sessions`, {})).toMatchObject({ status: 201 });
  });

  test('is turned by nobody without its token, nor where there is none', async () => {
    for (const wrong of ['', 'Bearer', 'Bearer x', TOKEN, `Bearer ${TOKEN}x`, `bearer ${TOKEN}`]) {
      expect(await turn('read-only', wrong)).toMatchObject({ status: 401 });
    }
    expect(await turn('closed')).toMatchObject({ status: 400 });
    expect(await turn('read-only', `Bearer ${TOKEN}`, app.url)).toMatchObject({ status: 404 });
    expect(await request('GET', `${guarded.url}/health/deep`)).toMatchObject({ body: { mode: 'normal' } });
    expect(guarded.output()).not.toContain(TOKEN);
  });

  test('and of the other Qdrant: told by its owner alone, used only when it can be, and kept over a restart', async () => {
    const vectors = join(parts.dir, 'vectors.json');
    const maintenance = { token: TOKEN, file: join(parts.dir, 'mode-of-another.json'), vectors };
    const headers = { authorization: `Bearer ${TOKEN}` };
    const { QDRANT_URL: url, QDRANT_API_KEY: apiKey } = parts.env;
    let told = await parts.startApp({ maintenance });
    const tell = (body: object, of = headers): ReturnType<typeof request> =>
      request('PUT', `${told.url}/admin/qdrant`, body, of);
    const here = { url, collection: 'textbook-content' };
    expect(await request('GET', `${told.url}/admin/qdrant`)).toMatchObject({ status: 401 });
    expect(await tell({ url, apiKey }, { authorization: 'Bearer x' })).toMatchObject({ status: 401 });
    expect(await tell({ url: 'file:///etc' })).toMatchObject({ status: 400 });
    // Nobody listens there; and here is no such collection.
    expect(await tell({ url: 'http://127.0.0.1:1', apiKey })).toMatchObject({ status: 409 });
    expect(await tell({ url, apiKey, collection: 'nowhere' })).toMatchObject({ status: 409 });
    expect(await request('GET', `${told.url}/admin/qdrant`, undefined, headers)).toEqual({ status: 200, body: here });
    await parts.front.result('POST', '/collections/aliases', {
      actions: [{ create_alias: { collection_name: 'textbook-content-v1', alias_name: 'another-name' } }],
    });
    expect(await tell({ url, apiKey, collection: 'another-name' })).toEqual({
      status: 200,
      body: { url, collection: 'another-name' },
    });
    await told.stop();
    told = await parts.startApp({ maintenance });
    expect(await request('GET', `${told.url}/admin/qdrant`, undefined, headers)).toMatchObject({
      body: { collection: 'another-name' },
    });
    expect((await ask('How do I sharpen a knife?', {}, told.url)).citations.length).toBeGreaterThan(0);
    expect(told.output()).not.toContain(String(apiKey));
    await told.stop();
  });

  test('waits for what is being written', async () => {
    const holder = new pg.Client({ connectionString: parts.postgres.url() });
    await holder.connect();
    await holder.query('BEGIN; LOCK TABLE sessions');
    const writing = request('POST', `${guarded.url}/sessions`, {});
    await eventually(`SELECT count(*) > 0 AS yes FROM pg_stat_activity WHERE wait_event_type = 'Lock'`);
    let turned = false;
    const turning = turn('read-only').then((answer) => {
      turned = true;
      return answer;
    });
    await pause(200);
    expect(turned).toBe(false);
    expect(await request('POST', `${guarded.url}/sessions`, {})).toMatchObject({ status: 503 });
    await holder.query('COMMIT');
    await holder.end();
    expect(await turning).toMatchObject({ status: 200 });
    expect(await writing).toMatchObject({ status: 201 });
    await turn('normal');
  });
});

describe('a database that is taken away under the app', () => {
  test('in the middle of a transaction, ends the answer and not the app', async () => {
    const holder = new pg.Client({ connectionString: parts.postgres.url() });
    await holder.connect();
    await holder.query('BEGIN; LOCK TABLE citations');
    const asking = request('POST', `${app.url}/ask`, { question: 'How long must bread dough rise?' });
    const blocked = `FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%INTO citations%'`;
    await eventually(`SELECT count(*) > 0 AS yes ${blocked}`);
    await sql(`SELECT pg_terminate_backend(pid) ${blocked}`);
    expect(await asking).toMatchObject({ status: 503 });
    await holder.query('COMMIT');
    await holder.end();
    expect((await ask('How long must bread dough rise?')).citations[0]?.source).toBe(BREAD);
  });

  test('is answered with 503 for a moment, and the one of its name is used from then on', async () => {
    const admin = parts.postgres.url('template1');
    await runSql(admin, 'CREATE DATABASE kitchen TEMPLATE postgres').catch(async () => {
      await runSql(admin, END, ['postgres']);
      await runSql(admin, 'CREATE DATABASE kitchen TEMPLATE postgres');
    });
    const cook = await parts.startApp({ postgres: { url: parts.postgres.url('kitchen') } });
    const answers = new Map<number, number>();
    let stop = false;
    const busy = Array.from({ length: 6 }, async () => {
      while (!stop) {
        const { status } = await request('POST', `${cook.url}/ask`, { question: 'How long must bread dough rise?' });
        answers.set(status, (answers.get(status) ?? 0) + 1);
      }
    });
    await eventually(`SELECT count(*) > 12 AS yes FROM messages`, parts.postgres.url('kitchen'));
    await runSql(admin, `ALTER DATABASE kitchen ALLOW_CONNECTIONS false`);
    await runSql(admin, END, ['kitchen']);
    await runSql(admin, `ALTER DATABASE kitchen RENAME TO kitchen_before`);
    await runSql(admin, `CREATE DATABASE kitchen TEMPLATE kitchen_before`);
    await runSql(parts.postgres.url('kitchen'), `TRUNCATE sessions CASCADE`);
    await eventually(`SELECT count(*) > 12 AS yes FROM messages`, parts.postgres.url('kitchen'));
    stop = true;
    await Promise.all(busy);
    expect([...answers.keys()].toSorted()).toEqual([200, 503]);
    expect((await ask('How long must bread dough rise?', {}, cook.url)).citations[0]?.source).toBe(BREAD);
    expect(await request('GET', `${cook.url}/health`)).toMatchObject({ status: 200 });
    await cook.stop();
  });
});

describe('with a model', () => {
  let llm: Server;
  let prompts: unknown[];

  beforeAll(async () => {
    prompts = [];
    llm = createServer((incoming, outgoing) => {
      void (async () => {
        const body = Buffer.concat(await Array.fromAsync(incoming));
        prompts.push({ key: incoming.headers.authorization, path: incoming.url, ...JSON.parse(body.toString()) });
        outgoing.setHeader('content-type', 'application/json');
        outgoing.end(JSON.stringify({ choices: [{ message: { content: 'An hour [1], they say [7].' } }] }));
      })();
    });
    await new Promise<void>((resolve) => llm.listen(0, '127.0.0.1', resolve));
  });

  afterAll(() => void llm.close());

  test('the model answers from numbered passages, and markers of passages it never saw are taken out', async () => {
    const { port } = llm.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/v1`;
    const talking = await parts.startApp({ llm: { url, model: 'parrot', apiKey: 'sesame' } });
    const { answer } = await ask('How long must bread dough rise?', { topK: 2 }, talking.url);
    expect(answer).toBe('An hour [1], they say.');
    expect(prompts).toEqual([
      expect.objectContaining({ key: 'Bearer sesame', path: '/v1/chat/completions', model: 'parrot' }),
    ]);
    expect(JSON.stringify(prompts)).toContain('[1] Baking bread: Bread dough');
  });

  test('markers are kept from the first passage to the last, and no other', () => {
    expect(withoutInventions('a [0] b [1] c [2] d [3]', 2)).toBe('a b [1] c [2] d');
  });
});

describe('health', () => {
  test('is ok, and deep health tells of each part', async () => {
    expect(await request('GET', `${app.url}/health`)).toEqual({ status: 200, body: { status: 'ok' } });
    expect(await request('GET', `${app.url}/health/deep`)).toMatchObject({
      status: 200,
      body: {
        status: 'ok',
        mode: 'normal',
        checks: { qdrant: { ok: true }, postgres: { ok: true }, embeddings: { ok: true } },
      },
    });
  });

  test('deep health finds the missing part while shallow health stays green; questions get 503; all mends itself', async () => {
    await parts.kill('qdrant');
    expect(await request('GET', `${app.url}/health`)).toMatchObject({ status: 200 });
    expect(await request('GET', `${app.url}/health/deep`)).toMatchObject({
      status: 503,
      body: { status: 'degraded', checks: { qdrant: { ok: false }, postgres: { ok: true }, embeddings: { ok: true } } },
    });
    expect(await request('POST', `${app.url}/ask`, { question: 'Bread?' })).toMatchObject({ status: 503 });
    await parts.restart('qdrant');
    await parts.kill('postgres');
    expect(await request('GET', `${app.url}/health/deep`)).toMatchObject({
      status: 503,
      body: { checks: { qdrant: { ok: true }, postgres: { ok: false } } },
    });
    await parts.restart('postgres');
    expect((await ask('How long must bread dough rise?')).citations[0]?.source).toBe(BREAD);
  });

  test('an alias that points nowhere and a retired model are noticed', async () => {
    const broken = await parts.startApp({
      qdrant: { url: parts.front.place.url, apiKey: parts.front.place.apiKey, collection: 'gone' },
      embeddings: { url: parts.env['EMBEDDINGS_URL'] ?? '', model: 'text-embedding-004' },
    });
    expect(await request('GET', `${broken.url}/health/deep`)).toMatchObject({
      status: 503,
      body: { checks: { qdrant: { ok: false }, postgres: { ok: true }, embeddings: { ok: false } } },
    });
  });

  test('neither answers nor output hold the keys', async () => {
    const password = encodeURIComponent(parts.postgres.password);
    const port = await freePort();
    const locked = await parts.startApp({
      qdrant: { url: parts.front.place.url, apiKey: 'a-wrong-key-indeed' },
      postgres: { url: `postgresql://postgres:${password}@127.0.0.1:${port}/postgres` },
    });
    const { body } = await request('GET', `${locked.url}/health/deep`);
    const failed = await request('POST', `${locked.url}/ask`, { question: 'Bread?' });
    const said = JSON.stringify([body, failed.body]) + locked.output();
    expect(failed.status).toBe(503);
    for (const key of ['a-wrong-key-indeed', parts.postgres.password, password]) expect(said).not.toContain(key);
  });
});
