import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createRepointActivities } from '../../../activities/app/repoint.ts';
import { appConfigSchema } from '../../../config/app.ts';
import { Secret } from '../../../config/secret.ts';
import { type Said, startServer, type TestServer } from '../../support/http.ts';

const KEY = 'a-key-that-nobody-may-see';
const STANDBY = { server: { kind: 'standby' } as const, collection: 'textbook-content' };

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());
beforeEach(() => void (server.heard.length = 0));

function repoint(vectors: object | undefined, apiKey: string | undefined = KEY) {
  const config = appConfigSchema.parse({ baseUrl: server.url, vectors });
  const { repointApp } = createRepointActivities({
    config,
    accessTo: async () => ({ url: 'http://standby:6333', ...(apiKey === '' ? {} : { apiKey: new Secret(apiKey) }) }),
    variables: { PATH: process.env['PATH'] },
  });
  return new MockActivityEnvironment().run(() => repointApp(STANDBY));
}

const REQUEST = { path: '/admin/qdrant', header: { name: 'Authorization', value: 'Bearer sesame' }, answer: 'url' };

describe('an app is pointed to another Qdrant', () => {
  test('by a request that carries what it needs, and is asked afterwards', async () => {
    server.answer(() => ({ body: { url: 'http://standby:6333/' } }));
    expect(await repoint({ request: REQUEST })).toEqual({ repointed: true, said: 'it uses http://standby:6333/' });
    const headers = expect.objectContaining({ authorization: 'Bearer sesame' });
    expect(server.heard).toMatchObject([
      {
        method: 'PUT',
        path: '/admin/qdrant',
        headers,
        body: { url: 'http://standby:6333', apiKey: KEY, collection: 'textbook-content' },
      },
      { method: 'GET', path: '/admin/qdrant', headers },
    ]);
  });

  test('in a body of another form, without a field for a key that there is none of', async () => {
    server.answer(() => ({ body: 'OK' }));
    const body = { settings: { address: 'qdrant at {{url}}', key: '{{apiKey}}', names: ['{{collection}}'] } };
    await repoint({ request: { path: '/settings', method: 'POST', body } }, '');
    expect(server.heard.map(({ body: sent }) => sent)).toEqual([
      { settings: { address: 'qdrant at http://standby:6333', names: ['textbook-content'] } },
    ]);
  });

  test.each<[string, (method: string) => Said, string]>([
    ['says that it uses another', () => ({ body: { url: 'http://old:6333' } }), 'and says http://old:6333'],
    ['does not say what it uses', () => ({ body: {} }), 'nothing at "url"'],
    ['refuses, and quotes the key', () => ({ status: 409, body: `cannot use ${KEY}` }), '[redacted]'],
  ])('but one that %s is not believed', async (_name, answer, words) => {
    server.answer(({ method }) => answer(method));
    const error: unknown = await repoint({ request: REQUEST }).catch((one: unknown) => one);
    expect(error).toMatchObject({ code: 'APP_REFUSED', message: expect.stringContaining(words) });
    expect(String(error)).not.toContain(KEY);
  });

  test('by a command that finds everything in its environment', async () => {
    const run = [
      'sh',
      '-c',
      'test "$QDRANT_URL" = http://standby:6333 && test -n "$QDRANT_API_KEY" && test "$QDRANT_COLLECTION_NAME" = textbook-content',
    ];
    expect(await repoint({ command: { run } })).toMatchObject({ repointed: true });
  });

  test('by a command that fails: its last words are told, and the key is not', async () => {
    const run = ['sh', '-c', 'echo "no such app, with $QDRANT_API_KEY" >&2; exit 3'];
    const error: unknown = await repoint({ command: { run } }).catch((one: unknown) => one);
    expect(error).toMatchObject({
      code: 'APP_REFUSED',
      message: expect.stringContaining('ended with exit code 3: no such app, with [redacted]'),
    });
    expect(String(error)).not.toContain(KEY);
  });

  test('by hand where nothing is configured: what to do is said', async () => {
    await expect(repoint(undefined)).rejects.toMatchObject({
      code: 'APP_REFUSED',
      message: expect.stringMatching(/by hand .*skip this step/),
    });
  });
});
