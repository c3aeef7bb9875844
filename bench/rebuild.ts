import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { RecoveryActivities } from '../activities/contract.ts';
import { inBatches, writeLines } from '../activities/lines.ts';
import { textFingerprint } from '../activities/fingerprint.ts';
import type { ListRef } from '../domain/artifacts.ts';
import type { Batches } from '../domain/index-entry.ts';
import { type ContentChunk, contentLine } from '../domain/reindex.ts';
import { bareActivities } from './bare.ts';
import { type Bench, type Benchmark, row, type Row } from './benchmark.ts';
import { type Stage, withStage } from './stage.ts';
import { median, timed } from './timing.ts';

const CHUNKS = 20_000;
const ROUNDS = 3;
const LEAST = 0.8;

/** How fast everything is embedded anew, when embedding itself costs nothing. */
export const rebuild: Benchmark = {
  name: 'rebuild',
  about: 'embedding a whole book into a fresh collection with a fast endpoint, beside a loop that embeds and upserts',
  run: (bench) => withStage(bench, 'rebuild', ['qdrant'], (stage) => withEmbedder((url) => measure(bench, stage, url))),
};

async function withEmbedder<T>(work: (url: string) => Promise<T>): Promise<T> {
  const thread = new Worker(new URL('./fast-embedder.ts', import.meta.url));
  try {
    const [port] = (await once(thread, 'message')) as [number];
    return await work(`http://127.0.0.1:${port}`);
  } finally {
    await thread.terminate();
  }
}

async function measure(bench: Bench, stage: Stage, url: string): Promise<Row[]> {
  const chunks = chunksOf(bench.sized(CHUNKS, 500));
  const { embeddings, content } = stage.config;
  const config = {
    ...stage.config,
    postgres: undefined,
    embeddings: { ...embeddings, url },
    content: content ?? { directory: '.', glob: '*.md' },
  };
  const act = bareActivities(config);
  const list = await listOf(stage, chunks);
  const [ours, limit]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    limit.push(
      (await inFresh(act, stage, (collection) => plainly(stage, url, { chunks, collection, batch: embeddings.batch })))
        .seconds,
    );
    ours.push((await inFresh(act, stage, (collection) => act.embedContent({ list, collection }))).seconds);
    bench.say(`a plain loop ${limit.at(-1)?.toFixed(1)} s, ours ${ours.at(-1)?.toFixed(1)} s`);
  }
  const rate = (seconds: number): number => chunks.length / seconds;
  const [oursRate, limitRate] = [rate(median(ours)), rate(median(limit))];
  const ok = oursRate >= LEAST * limitRate;
  return [row({ name: 'rebuild', ours: oursRate, limit: limitRate, goal: `>= ${LEAST} x`, ok, unit: 'chunks/s' })];
}

async function inFresh(
  act: RecoveryActivities,
  { config }: Stage,
  work: (collection: string) => Promise<unknown>,
): Promise<{ seconds: number }> {
  const { dimensions, distance } = config.embeddings.identity;
  const made = { collection: `bench-${randomUUID().slice(0, 8)}`, owner: randomUUID() };
  const shape = { config: { params: { vectors: { size: dimensions, distance } } }, payloadSchema: {} };
  await act.createCollection({ ...made, shape });
  const result = await timed(() => work(made.collection));
  await act.dropMade(made);
  return result;
}

function chunksOf(count: number): ContentChunk[] {
  return Array.from({ length: count }, (_, at) => {
    const text = `Paragraph ${at} of a book that is long enough. `.repeat(15);
    return {
      id: `00000000-0000-5000-8000-${at.toString(16).padStart(12, '0')}`,
      section: `chapter-${at % 97}.md#part`,
      index: at,
      heading: 'Part',
      text,
      fingerprint: textFingerprint(text),
    };
  });
}

async function* inOne(chunks: readonly ContentChunk[]): Batches<ContentChunk> {
  yield chunks;
}

function listOf({ store }: Stage, chunks: readonly ContentChunk[]): Promise<ListRef> {
  return writeLines(store, `bench/${randomUUID()}.ndjson`, inOne(chunks), contentLine);
}

/** What anybody would write: embed a batch, upsert it, wait, go on. */
async function plainly(
  { config }: Stage,
  url: string,
  { chunks, collection, batch }: { chunks: readonly ContentChunk[]; collection: string; batch: number },
): Promise<void> {
  const post = async (to: string, method: string, body: unknown): Promise<unknown> => {
    const headers = { 'content-type': 'application/json', 'api-key': config.qdrant.apiKey?.reveal() ?? '' };
    const response = await fetch(to, { method, headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${to}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  for await (const some of inBatches(inOne(chunks), batch, 0)) {
    const input = some.map(({ text }) => text);
    const { data } = (await post(`${url}/embeddings`, 'POST', { model: 'any', input })) as {
      data: { embedding: number[] }[];
    };
    const points = some.map(({ id, text, section, heading, index }, at) => ({
      id,
      vector: data[at]?.embedding,
      payload: { text, source: section, heading, chunk_index: index },
    }));
    await post(`${config.qdrant.url}/collections/${collection}/points?wait=true`, 'PUT', { points });
  }
}
