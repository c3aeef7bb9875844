import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { DIMENSIONS, MODEL, NATIVE_DIMENSIONS } from '../../sandbox/embeddings/model.ts';
import { request, type Running, startEmbeddings } from '../support/sandbox.ts';

const responseSchema = z.object({
  object: z.literal('list'),
  data: z.array(z.object({ object: z.literal('embedding'), index: z.int(), embedding: z.array(z.number()) })),
  model: z.string(),
  usage: z.object({ prompt_tokens: z.int(), total_tokens: z.int() }),
});

let cache: string;
let server: Running;

beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'embeddings-'));
  server = await startEmbeddings(cache);
});

afterAll(async () => {
  await server.stop();
  await rm(cache, { recursive: true, force: true });
});

const post = (body: object): ReturnType<typeof request> => request('POST', `${server.url}/v1/embeddings`, body);

async function embed(input: string | string[], more: object = {}): Promise<z.infer<typeof responseSchema>> {
  const { status, body } = await post({ model: MODEL, input, ...more });
  expect(status).toBe(200);
  return responseSchema.parse(body);
}

const vectorsOf = async (...texts: string[]): Promise<number[][]> =>
  (await embed(texts)).data.map((item) => item.embedding);
const dot = (a: number[] = [], b: number[] = []): number => a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);

describe('the embedding endpoint', () => {
  test('gives vectors of 768 dimensions and unit length, whose last third is zero', async () => {
    const [vector] = await vectorsOf('A snapshot is a copy of a collection at one moment.');
    expect(vector).toHaveLength(DIMENSIONS);
    expect(dot(vector, vector)).toBeCloseTo(1, 5);
    expect(vector?.slice(NATIVE_DIMENSIONS).every((value) => value === 0)).toBe(true);
  });

  test('knows what is alike: a question is nearer to its answer than to another text', async () => {
    const [question, answer, other] = await vectorsOf(
      'How do I make a cake?',
      'Mix flour, eggs and sugar, and bake the dough.',
      'The write-ahead log is archived every minute.',
    );
    expect(dot(question, answer)).toBeGreaterThan(dot(question, other) + 0.1);
  });

  test('numbers the vectors in the order of the texts, whatever their length', async () => {
    const texts = ['one', 'a much longer text than the others, which is put into another place of its batch', 'three'];
    const { data } = await embed(texts);
    expect(data.map((item) => item.index)).toEqual([0, 1, 2]);
    for (const [at, text] of texts.entries()) {
      expect(dot(data[at]?.embedding, (await vectorsOf(text))[0])).toBeCloseTo(1, 5);
    }
  });

  test('takes one text as it takes a list, and counts its tokens', async () => {
    const { data, usage, model } = await embed('Backups are rumours until they are restored.');
    expect(data).toHaveLength(1);
    expect(model).toBe(MODEL);
    expect(usage.prompt_tokens).toBeGreaterThan(5);
    expect(usage.total_tokens).toBe(usage.prompt_tokens);
  });

  test('gives base64, which OpenAI’s own clients ask for, with the same numbers', async () => {
    const { body } = await post({ model: MODEL, input: 'the same text', encoding_format: 'base64' });
    const encoded =
      z.object({ data: z.array(z.object({ embedding: z.string() })) }).parse(body).data[0]?.embedding ?? '';
    const bytes = Uint8Array.from(Buffer.from(encoded, 'base64'));
    expect([...new Float32Array(bytes.buffer)]).toEqual((await vectorsOf('the same text'))[0]);
  });

  test('gives the 512 native dimensions when asked, and refuses what would cut the vector', async () => {
    expect((await embed('short', { dimensions: 512 })).data[0]?.embedding).toHaveLength(512);
    const { status, body } = await post({ model: MODEL, input: 'short', dimensions: 256 });
    expect(status).toBe(400);
    expect(JSON.stringify(body)).toContain('dimensions');
  });

  test('answers 404 in OpenAI’s shape for another model', async () => {
    const { status, body } = await post({ model: 'text-embedding-004', input: 'hello' });
    expect(status).toBe(404);
    expect(body).toEqual({
      error: {
        message: expect.stringContaining('`text-embedding-004` does not exist'),
        type: 'invalid_request_error',
        param: null,
        code: 'model_not_found',
      },
    });
  });

  test.each([{ input: '' }, { input: [] }, { input: ['fine', ''] }, { input: [7] }, {}])(
    'refuses %j with 400',
    async (body) => {
      expect((await post({ model: MODEL, ...body })).status).toBe(400);
    },
  );

  test('gives the same bits after a restart, out of its cache', async () => {
    const texts = ['kept on disk', 'kept on disk too'];
    const before = await vectorsOf(...texts);
    await server.stop();
    server = await startEmbeddings(cache);
    expect(await vectorsOf(...texts)).toEqual(before);
  });

  test('says that it is well', async () => {
    expect(await request('GET', `${server.url}/health`)).toMatchObject({ status: 200, body: { status: 'ok' } });
  });
});
