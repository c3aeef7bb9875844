import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { GoldenQuestion } from '../../domain/recovery-set.ts';
import { EmbeddingsClient } from '../../sandbox/app/embeddings.ts';
import { MODEL } from '../../sandbox/embeddings/model.ts';
import { readGoldenQuestions, readTextbook } from '../../sandbox/seed-textbook.ts';
import { type Running, startEmbeddings } from '../support/sandbox.ts';

const TOP = 5;
const BATCH = 64;

let server: Running;
let questions: GoldenQuestion[];
/** For each question the sections of the nearest chunks, best first. */
let retrieved: string[][];

beforeAll(async () => {
  server = await startEmbeddings();
  const client = new EmbeddingsClient({ url: `${server.url}/v1`, model: MODEL });
  const chunks = await readTextbook();
  questions = await readGoldenQuestions();
  const vectors = await embedAll(
    client,
    chunks.map(({ text }) => text),
  );
  const asked = await embedAll(
    client,
    questions.map(({ question }) => question),
  );
  retrieved = asked.map((vector) => {
    const scored = chunks.map(({ source }, at) => ({ source, score: dot(vector, vectors[at] ?? []) }));
    return scored
      .sort((a, b) => b.score - a.score)
      .slice(0, TOP)
      .map(({ source }) => source);
  });
});

afterAll(() => server.stop());

async function embedAll(client: EmbeddingsClient, texts: readonly string[]): Promise<number[][]> {
  const vectors: number[][] = [];
  for (let from = 0; from < texts.length; from += BATCH)
    vectors.push(...(await client.embed(texts.slice(from, from + BATCH))));
  return vectors;
}

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);

test('every golden question retrieves its section among the first five', () => {
  const missed = questions.filter(({ sources }, at) => !sources.some((source) => retrieved[at]?.includes(source)));
  expect(missed.map(({ question }) => question)).toEqual([]);
});

test('nearly every golden question has its section first, so that one lost chunk shows', () => {
  const first = questions.filter(({ sources }, at) => sources.includes(retrieved[at]?.[0] ?? ''));
  expect(first.length / questions.length).toBeGreaterThan(0.9);
});

test('every section of the textbook has a question, so that no section can be lost unseen', async () => {
  const asked = new Set(questions.flatMap(({ sources }) => sources));
  const sections = new Set((await readTextbook()).map(({ source }) => source));
  expect([...sections].filter((source) => !asked.has(source))).toEqual([]);
});

test('no question is asked twice', () => {
  expect(new Set(questions.map(({ question }) => question)).size).toBe(questions.length);
});
