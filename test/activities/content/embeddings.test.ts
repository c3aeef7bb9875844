import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createEmbedder } from '../../../activities/content/embeddings.ts';
import { embeddingsConfigSchema } from '../../../config/schema.ts';
import type { Embedder } from '../../../domain/embedder.ts';
import { freePort } from '../../support/ports.ts';
import { type Heard, type Said, startServer, type TestServer } from '../../support/http.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());
beforeEach(() => {
  server.heard.length = 0;
  server.answer(embed);
});

const identity = { model: 'small', dimensions: 3, distance: 'Cosine' };

function embedder(over: object = {}): Embedder {
  return createEmbedder(
    embeddingsConfigSchema.parse({ url: `${server.url}/v1/`, apiKey: 'sk-secret', identity, batch: 2, ...over }),
  );
}

function inputOf({ body }: Heard): string[] {
  return (body as { input: string[] }).input;
}

/** A vector that tells how long its text was, given in the reverse order. */
function embed(request: Heard): Said {
  const data = inputOf(request).map((text, index) => ({ index, embedding: [text.length, 1, 0.5] }));
  return { body: { object: 'list', data: data.toReversed() } };
}

const answering = (data: unknown): Said => ({ body: { data } });

describe('embedding', () => {
  test('goes in batches, with prefixes and key, and gives vectors in the order of their texts', async () => {
    const vectors = await embedder({ documentPrefix: 'doc: ' }).embedDocuments(['a', 'bb', 'ccc']);
    expect(vectors).toEqual([
      [6, 1, 0.5],
      [7, 1, 0.5],
      [8, 1, 0.5],
    ]);
    expect(server.heard.map(inputOf)).toEqual([['doc: a', 'doc: bb'], ['doc: ccc']]);
    expect(server.heard[0]).toMatchObject({
      path: '/v1/embeddings',
      headers: { authorization: 'Bearer sk-secret' },
      body: { model: 'small', encoding_format: 'float', dimensions: 3 },
    });
  });

  test('of a question has the prefix of questions', async () => {
    expect(await embedder({ queryPrefix: 'q: ' }).embedQuery('why')).toEqual([6, 1, 0.5]);
  });

  test('of nothing asks nothing', async () => {
    expect(await embedder().embedDocuments([])).toEqual([]);
    expect(server.heard).toEqual([]);
  });

  test('leaves the size out once a model has said that its size is fixed', async () => {
    server.answer((request) => {
      const sized = 'dimensions' in (request.body as object);
      return sized
        ? { status: 400, body: { error: { message: 'This model does not support specifying dimensions.' } } }
        : embed(request);
    });
    const client = embedder();
    await client.embedQuery('a');
    await client.embedQuery('b');
    expect(server.heard.map(({ body }) => 'dimensions' in (body as object))).toEqual([true, false, false]);
  });

  test('keeps a request back until the provider’s limit allows it, while others go out', async () => {
    const slow = embedder({ requestsPerMinute: 1 });
    await slow.embedQuery('first');
    const controller = new AbortController();
    const second = slow.embedQuery('second', controller.signal);
    for (const text of ['other', 'another']) await embedder().embedQuery(text);
    controller.abort(new Error('waited long enough'));
    await expect(second).rejects.toMatchObject({ name: 'AbortError' });
    expect(server.heard.flatMap(inputOf)).toEqual(['first', 'other', 'another']);
  });
});

describe('an endpoint that is out', () => {
  test.each<[name: string, said: Said]>([
    ['500', { status: 500, body: 'oops' }],
    ['503', { status: 503, body: { error: { message: 'loading' } } }],
    ['429 without a time', { status: 429, body: 'slow down' }],
    ['429 with a long time', { status: 429, headers: { 'retry-after': '3600' }, body: 'slow down' }],
    ['429 without end', { status: 429, headers: { 'retry-after': '0' }, body: 'slow down' }],
    ['an answer that breaks off', 'cut'],
    ['a page instead of JSON', { body: '<html>welcome</html>' }],
  ])('is unreachable: %s', async (_name, said) => {
    server.answer(() => said);
    await expect(embedder().embedQuery('a')).rejects.toMatchObject({ code: 'EMBEDDINGS_UNREACHABLE' });
  });

  test('is unreachable: nobody listens', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    await expect(embedder({ url }).embedQuery('a')).rejects.toMatchObject({
      code: 'EMBEDDINGS_UNREACHABLE',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test('is waited for when it asks for a moment', async () => {
    let refusals = 2;
    server.answer((request) =>
      refusals-- > 0 ? { status: 429, headers: { 'retry-after': '0.01' }, body: '' } : embed(request),
    );
    expect(await embedder().embedQuery('a')).toEqual([1, 1, 0.5]);
  });

  test('is let go when the run is cancelled', async () => {
    server.answer(() => 'hang');
    const controller = new AbortController();
    const asked = embedder().embedQuery('a', controller.signal);
    setTimeout(() => controller.abort(new Error('asked to stop')), 20);
    await expect(asked).rejects.toThrow('asked to stop');
  });
});

describe('an endpoint that refuses, or answers nonsense', () => {
  test.each<[name: string, said: Said, words: string]>([
    [
      '401',
      { status: 401, body: { error: { message: 'bad key sk-secret' } } },
      '401: {"error":{"message":"bad key [redacted]"}}',
    ],
    ['404', { status: 404, body: 'the model `small` does not exist' }, 'model small: 404: the model'],
    [
      'an empty account',
      { status: 429, headers: { 'retry-after': '1' }, body: { error: { code: 'insufficient_quota' } } },
      'insufficient_quota',
    ],
    ['another form', { body: { embeddings: [[1, 2, 3]] } }, 'another form'],
    ['no vector', answering([]), '0 vectors for 1 texts'],
    ['a vector too many', answering([0, 0].map((index) => ({ index, embedding: [1, 2, 3] }))), '2 vectors for 1 texts'],
    ['another index', answering([{ index: 1, embedding: [1, 2, 3] }]), 'no vector for text 0'],
    [
      'another size',
      answering([{ index: 0, embedding: [1, 2] }]),
      'vectors of 2 dimensions; embeddings.identity.dimensions is 3',
    ],
    ['a number beyond 32 bits', answering([{ index: 0, embedding: [1, 2, 1e300] }]), 'not finite'],
    ['null for a number', answering([{ index: 0, embedding: [1, 2, null] }]), 'another form'],
    ['nothing but zeros', answering([{ index: 0, embedding: [0, 0, 0] }]), 'a zero vector'],
  ])('is refused: %s', async (_name, said, words) => {
    server.answer(() => said);
    const failure: unknown = await embedder()
      .embedQuery('a')
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'EMBEDDINGS_REFUSED', message: expect.stringContaining(words) });
    expect(String(failure)).not.toContain('sk-secret');
  });
});
