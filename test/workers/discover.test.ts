import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadConfig } from '../../config/load.ts';
import type { Hazard } from '../../domain/hazards.ts';
import { composeDiscovery } from '../../workers/compose-discovery.ts';
import { temporaryFolder } from '../support/folder.ts';
import { type Said, startServer, type TestServer } from '../support/http.ts';
import { ADMIN_KEY } from '../support/front.ts';
import { runSql, startPostgres, type TestPostgres } from '../support/postgres.ts';
import { type QdrantUnderTest, startQdrant } from '../support/qdrant.ts';

/** A backend as its owners have built it: FastAPI, LangChain’s payload, chunks and conversations in Postgres. */
const SCHEMA = `
  CREATE TABLE textbook_chunks (chunk_id text PRIMARY KEY, qdrant_point_id uuid UNIQUE NOT NULL, content text NOT NULL,
    file_path text NOT NULL, position int NOT NULL, lang text NOT NULL DEFAULT 'en');
  CREATE TABLE conversations (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), started timestamptz DEFAULT now());
  CREATE TABLE turns (id bigserial PRIMARY KEY, conversation_id uuid REFERENCES conversations (id), speaker text, said text);
  CREATE TABLE turn_sources (turn_id bigint REFERENCES turns (id), chunk uuid REFERENCES textbook_chunks (qdrant_point_id));
  CREATE TABLE audit_log (id bigserial PRIMARY KEY, note text);`;

const OPENAPI = {
  paths: {
    '/api/health': { get: { responses: { 200: {} } } },
    '/api/v1/chat': {
      post: {
        requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Ask' } } } },
        responses: { 200: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Said' } } } } },
      },
    },
  },
  components: {
    schemas: {
      Ask: { properties: { query: { type: 'string' }, session_id: { anyOf: [{ type: 'string' }, { type: 'null' }] } } },
      Said: { properties: { response: { type: 'string' }, sources: { type: 'array' } } },
    },
  },
};

const uuid = (at: number): string => `00000000-0000-4000-8000-${at.toString(16).padStart(12, '0')}`;
const textOf = (at: number): string =>
  `Passage ${at}: ${'a servo turns until the encoder says that it is there. '.repeat(3)}`;

let qdrant: QdrantUnderTest;
let postgres: TestPostgres;
let app: TestServer;
let env: Record<string, string>;

beforeAll(async () => {
  [qdrant, postgres, app] = await Promise.all([startQdrant(), startPostgres(), startServer()]);
  const url = await postgres.createDatabase('robotics');
  await runSql(url, SCHEMA);
  const payload = (at: number): object => ({
    page_content: textOf(at),
    metadata: { source_file: `part-${at % 5}.md`, chunk_index: at },
  });
  await qdrant.call('PUT', '/collections/robotics_v2', {
    vectors: { google: { size: 3, distance: 'Cosine' }, local: { size: 2, distance: 'Dot' } },
  });
  const points = Array.from({ length: 30 }, (_, at) => ({
    id: uuid(at),
    vector: { google: [1, 2, at], local: [1, at] },
    payload: payload(at),
  }));
  await qdrant.call('PUT', '/collections/robotics_v2/points?wait=true', { points });
  for (let at = 0; at < 30; at += 1)
    await runSql(url, `INSERT INTO textbook_chunks VALUES ($1, $2, $3, $4, $5)`, [
      `c${at}`,
      uuid(at),
      textOf(at),
      `part-${at % 5}.md`,
      at,
    ]);
  await runSql(url, `INSERT INTO conversations DEFAULT VALUES`);
  await runSql(
    url,
    `INSERT INTO turns (conversation_id, speaker, said) SELECT id, 'user', 'What does a servo do?' FROM conversations`,
  );
  await runSql(
    url,
    `INSERT INTO turns (conversation_id, speaker, said) SELECT id, 'assistant', 'It turns until it is there.' FROM conversations`,
  );
  app.answer(({ path }): Said => {
    if (path === '/openapi.json') return { body: OPENAPI };
    return path === '/api/health' ? { body: { status: 'ok' } } : { status: 404, body: {} };
  });
  env = {
    PATH: process.env['PATH'] ?? '',
    QDRANT_URL: qdrant.url,
    QDRANT_API_KEY: ADMIN_KEY,
    NEON_DATABASE_URL: url.replace('postgresql://', 'postgresql+asyncpg://'),
    APP_URL: app.url,
    EMBEDDINGS_MODEL: 'models/text-embedding-004',
  };
});

afterAll(async () => {
  await Promise.all([qdrant?.stop(), postgres?.destroy(), app?.stop()]);
});

async function discover(
  args: readonly string[],
  given = env,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const script = join(process.cwd(), 'workers/discover.ts');
  try {
    return { code: 0, ...(await promisify(execFile)(process.execPath, [script, ...args], { env: given })) };
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string };
  }
}

describe('a stack that nobody has configured', () => {
  test('is read by what its stores hold, and the hazards are told', async () => {
    const { code, stdout } = await discover(['--json']);
    expect(code).toBe(0);
    const {
      fields,
      tables,
      app: asked,
      hazards,
    } = JSON.parse(stdout) as Record<string, unknown> & { hazards: Hazard[] };
    expect(fields).toMatchObject({
      text: { name: 'page_content' },
      source: { name: 'metadata.source_file' },
      chunkIndex: { name: 'metadata.chunk_index' },
    });
    expect(tables).toMatchObject({
      chunks: {
        table: 'textbook_chunks',
        pointId: 'qdrant_point_id',
        text: 'content',
        source: 'file_path',
        index: 'position',
        why: expect.stringContaining('30 of 30'),
      },
      sessions: { table: 'conversations', id: 'id' },
      messages: { table: 'turns', id: 'id', sessionId: 'conversation_id', role: 'speaker', content: 'said' },
      trace: { table: 'turn_sources', messageId: 'turn_id', chunkIds: 'chunk', kind: 'value' },
    });
    expect(asked).toMatchObject({
      health: { path: '/api/health', deep: false },
      ask: { method: 'POST', path: '/api/v1/chat', question: 'query', answer: 'response', citations: 'sources' },
    });
    expect(hazards.map(({ name }) => name)).toEqual([
      'retired-model',
      'no-alias',
      'random-ids',
      'no-payload-index',
      'shallow-health',
    ]);
  });

  test('gets a file that the worker takes, with a comment at every guess and no secret in it', async () => {
    const folder = temporaryFolder('discover');
    const file = join(folder, 'recovery.config.mjs');
    const { code } = await discover(['--out', file]);
    expect(code).toBe(0);
    const text = await readFile(file, 'utf8');
    expect(text).toContain('// 30 of 30 sampled ids are in textbook_chunks.qdrant_point_id');
    expect(text).not.toContain(ADMIN_KEY);
    expect(text).not.toContain(new URL(env['NEON_DATABASE_URL'] ?? '').password);
    await writeFile(join(folder, 'golden-questions.json'), '[]');
    const variables = { ...env, DR_ENVIRONMENT: 'test', EMBEDDINGS_URL: app.url, STORE_DIRECTORY: folder };
    const config = await loadConfig({ env: variables, cwd: folder });
    expect(config.qdrant).toMatchObject({
      collection: 'robotics_v2',
      idStrategy: 'uuid',
      fields: { text: 'page_content' },
    });
    expect(config.embeddings.identity).toMatchObject({ dimensions: 3, vectorName: 'google' });
    expect(config.postgres?.tables.trace).toMatchObject({ table: 'turn_sources' });
    expect(config.app?.ask).toMatchObject({ path: '/api/v1/chat', body: { query: '{{question}}' } });
    // It is never written over.
    expect((await discover(['--out', file])).code).toBe(1);
    expect(await readFile(file, 'utf8')).toBe(text);
  });

  test('is read as far as it answers, from the app’s own .env file', async () => {
    const file = join(temporaryFolder('discover'), '.env');
    await writeFile(
      file,
      `QDRANT_URL=${qdrant.url}\nQDRANT_API_KEY="${ADMIN_KEY}"\nDATABASE_URL=postgresql://nobody:secret-word@127.0.0.1:1/none\n`,
    );
    const { code, stdout, stderr } = await discover(['--dotenv', file], { PATH: env['PATH'] ?? '' });
    expect(code).toBe(0);
    expect(stdout).toContain('page_content');
    expect(stderr).toContain('Postgres is left out');
    expect(stdout + stderr).not.toContain('secret-word');
  });

  test('tells what the files of its deployment say and is not so', async () => {
    const file = join(temporaryFolder('discover'), 'Dockerfile');
    await writeFile(file, 'FROM python:3.12-slim\nEXPOSE 8000\nHEALTHCHECK CMD curl -f http://localhost:7860/health\n');
    const { stdout } = await discover(['--file', file, '--json']);
    const { hazards } = JSON.parse(stdout) as { hazards: Hazard[] };
    const told = Object.fromEntries(hazards.map(({ name, message }) => [name, message]));
    expect(told).toMatchObject({
      'declared-port': expect.stringContaining('8000 (Dockerfile), 7860 (Dockerfile)'),
      'declared-health': expect.stringContaining('answers at /api/health'),
      'health-program': expect.stringContaining('with curl'),
    });
  });

  test('is looked at by the worker as its settings say, and the hazards alone without the tables', async () => {
    const folder = temporaryFolder('discover');
    await writeFile(join(folder, 'golden-questions.json'), '[]');
    const variables = {
      ...env,
      QDRANT_COLLECTION_NAME: 'robotics_v2',
      DR_ENVIRONMENT: 'test',
      EMBEDDINGS_URL: app.url,
    };
    const more = { EMBEDDINGS_DIMENSIONS: '3', STORE_DIRECTORY: folder };
    const { discoverStack } = composeDiscovery(await loadConfig({ env: { ...variables, ...more }, cwd: folder }));
    const whole = await discoverStack({ hazardsOnly: false });
    expect(whole).toMatchObject({ seen: ['Qdrant', 'Postgres', 'the app'], leftOut: [] });
    expect(whole.guesses.tables).toMatchObject({ sessions: { table: 'conversations' } });
    const glance = await discoverStack({ hazardsOnly: true });
    expect(glance).toMatchObject({ seen: ['Qdrant', 'the app'], proposal: '' });
    // What is configured is asked too: the app has nothing there.
    expect(glance.hazards.map(({ name }) => name)).toContain('health-path');
    const said = JSON.stringify([whole, glance]);
    expect(said).not.toContain(ADMIN_KEY);
    expect(said).not.toContain(new URL(env['NEON_DATABASE_URL'] ?? '').password);
  });

  test.each([
    [[], {}, 1, 'Nothing was found'],
    [['--nonsense'], {}, 2, '--nonsense'],
    [['--preset', 'none'], {}, 2, 'no preset none'],
    [['--dotenv', '/nowhere/.env'], {}, 1, '--dotenv'],
    [[], { QDRANT_URL: 'not-a-url' }, 1, 'qdrant'],
  ])('%j says what is wrong', async (args, more, exit, words) => {
    const { code, stderr, stdout } = await discover(args, { PATH: env['PATH'] ?? '', ...more });
    expect([code, stdout]).toEqual([exit, '']);
    expect(stderr).toContain(words);
  });
});

test('every preset is a file that the worker takes', async () => {
  for (const name of ['sessions-messages', 'chat-sessions', 'conversations', 'qdrant-only']) {
    const folder = temporaryFolder('preset');
    await writeFile(join(folder, 'recovery.config.mjs'), (await discover(['--preset', name])).stdout);
    await writeFile(join(folder, 'golden-questions.json'), '[]');
    const { NEON_DATABASE_URL, ...rest } = env;
    const variables = {
      ...rest,
      ...(name === 'qdrant-only' ? {} : { NEON_DATABASE_URL }),
      DR_ENVIRONMENT: 'test',
      EMBEDDINGS_URL: app.url,
      STORE_DIRECTORY: folder,
    };
    await expect(loadConfig({ env: variables, cwd: folder })).resolves.toBeDefined();
  }
});
