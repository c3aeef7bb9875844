import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createChatApp } from '../../../activities/app/client.ts';
import { appConfigSchema } from '../../../config/app.ts';
import type { ChatApp } from '../../../domain/chat-app.ts';
import { type Said, startServer, type TestServer } from '../../support/http.ts';
import { freePort } from '../../support/ports.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());
beforeEach(() => void (server.heard.length = 0));

function app(over: object = {}): ChatApp {
  return createChatApp(appConfigSchema.parse({ baseUrl: `${server.url}/api/`, ...over }));
}

const answer = {
  answer: 'Because.',
  citations: [{ source: 'a.md#x' }, { source: 'b.md#y' }, { source: 'a.md#x' }, { page: 3 }],
};

describe('asking the app', () => {
  test('sends the question as it is configured, and gives each cited section once', async () => {
    server.answer(() => ({ body: answer }));
    const asked = app({ authHeader: { name: 'x-key', value: 'secret' } }).ask('Why $& "so"?');
    expect(await asked).toEqual({ answer: 'Because.', cited: ['a.md#x', 'b.md#y'] });
    expect(server.heard).toMatchObject([
      { method: 'POST', path: '/api/ask', headers: { 'x-key': 'secret' }, body: { question: 'Why $& "so"?' } },
    ]);
  });

  test('fills nested templates, and finds answers at dotted paths', async () => {
    server.answer(() => ({ body: { data: { reply: { text: 'Yes.' }, sources: ['a', 'b'] } } }));
    const ask = {
      path: '/chat',
      body: { messages: [{ role: 'user', content: 'Q: {{question}}' }], stream: false },
      answer: 'data.reply.text',
      citations: 'data.sources',
      citationSource: '',
    };
    expect(await app({ ask }).ask('Why?')).toEqual({ answer: 'Yes.', cited: ['a', 'b'] });
    expect(server.heard[0]?.body).toEqual({ messages: [{ role: 'user', content: 'Q: Why?' }], stream: false });
  });

  test('puts the question into the address with GET', async () => {
    server.answer(() => ({ body: answer }));
    await app({ ask: { method: 'GET', body: { q: '{{question}}' } } }).ask('a b&c');
    expect(server.heard).toMatchObject([{ method: 'GET', path: '/api/ask?q=a+b%26c' }]);
  });

  test.each<[name: string, said: Said, code: string, words: string]>([
    ['500', { status: 500, body: 'oops' }, 'APP_UNREACHABLE', '/ask: 500: oops'],
    ['429', { status: 429, body: '' }, 'APP_UNREACHABLE', '429'],
    ['an answer that breaks off', 'cut', 'APP_UNREACHABLE', 'app: /ask'],
    ['401', { status: 401, body: { error: 'no' } }, 'APP_REFUSED', '401: {"error":"no"}'],
    [
      'no answer in it',
      { body: { text: 'x', citations: [] } },
      'APP_REFUSED',
      'app.ask.answer: there is no text at "answer" in the app\'s answer, which has text, citations',
    ],
    ['no citations in it', { body: { answer: 'x' } }, 'APP_REFUSED', 'app.ask.citations'],
    ['no JSON', { body: '<html>' }, 'APP_REFUSED', 'app.ask.answer'],
  ])('%s is told as what it is', async (_name, said, code, words) => {
    server.answer(() => said);
    await expect(app().ask('Why?')).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
  });

  test('nobody listens: unreachable', async () => {
    const gone = app({ baseUrl: `http://127.0.0.1:${await freePort()}` });
    await expect(gone.ask('Why?')).rejects.toMatchObject({
      code: 'APP_UNREACHABLE',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });
});

describe('the app’s health', () => {
  test.each([{ status: 'ok' }, { status: 'healthy', database: 'up' }, { uptime: 7 }, 'ok'])(
    '%j is well',
    async (body) => {
      server.answer(() => ({ body }));
      await expect(app().checkHealth()).resolves.toBeUndefined();
      expect(server.heard[0]?.path).toBe('/api/health');
    },
  );

  test.each<Said>([{ body: { status: 'degraded' } }, { body: { status: 1 } }, { status: 503, body: { status: 'ok' } }])(
    '%j is not',
    async (said) => {
      server.answer(() => said);
      await expect(app().checkHealth()).rejects.toMatchObject({ code: 'APP_UNREACHABLE' });
    },
  );
});
