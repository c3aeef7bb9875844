import type { PointId } from '../../domain/point-id.ts';
import type { Gate } from '../../domain/verdict.ts';
import { pathOf } from './address.ts';
import { QdrantFailure } from './failure.ts';
import { vectorOf } from './fingerprint.ts';
import { member, pointsOf } from './json-bytes.ts';
import { readPoints } from './points.ts';
import type { Tools } from './tools.ts';

const TOP = 10;
/** Scores of equal points may differ in their last digits, since an index may compute them in another order. */
const SAME_SCORE = 1e-5;
/** Milliseconds within which nineteen of twenty searches must be answered. */
const SLOW_MS = 2_000;

interface Scored {
  readonly id: PointId;
  readonly score: number;
}

interface Searched {
  /** Share of the exact answer that the index found, a search. */
  readonly overlaps: number[];
  /** Milliseconds that each search by the index took. */
  readonly took: number[];
}

/** Searches for stored vectors, by the index and exactly: how much of the answer the index finds, and how fast. */
export async function checkRecall(
  tools: Tools,
  { collection, ids, floor }: { collection: string; ids: readonly PointId[]; floor: number },
  signal: AbortSignal,
): Promise<Gate[]> {
  const { connection, mapping } = tools;
  const points = await readPoints(connection, collection, ids, { payload: false, vector: true }, signal);
  const vectors = [...points.values()]
    .map((point) => [...vectorOf(point, mapping.embedding.vectorName)])
    .filter((vector) => vector.length > 0 && vector.every(Number.isFinite));
  const done: Searched = { overlaps: [], took: [] };
  try {
    for (const vector of vectors) await searchTwice(tools, collection, vector, done, signal);
  } catch (error) {
    // Strict mode may forbid exact searches: then there is nothing to compare with.
    if (!(error instanceof QdrantFailure && error.code === 'QDRANT_REFUSED')) throw error;
    return [recallGate([], floor, error.message), latencyGate(done.took)];
  }
  return [recallGate(done.overlaps, floor, 'no vector to search for'), latencyGate(done.took)];
}

async function searchTwice(
  tools: Tools,
  collection: string,
  vector: readonly number[],
  { overlaps, took }: Searched,
  signal: AbortSignal,
): Promise<void> {
  const from = performance.now();
  // First, before the exact search has brought everything into memory.
  const found = await search(tools, collection, vector, false, signal);
  took.push(performance.now() - from);
  overlaps.push(overlapOf(found, await search(tools, collection, vector, true, signal)));
}

/** Share of the exact answer. What scores as its last one does is as good: which of those come is chance. */
function overlapOf(found: readonly Scored[], exact: readonly Scored[]): number {
  if (exact.length === 0) return 0;
  const wanted = new Set(exact.map(({ id }) => id));
  const last = exact.at(-1)?.score ?? Number.NaN;
  const near = ({ score }: Scored): boolean => Math.abs(score - last) <= SAME_SCORE * Math.max(1, Math.abs(last));
  const good = found.filter((hit) => wanted.has(hit.id) || near(hit)).length;
  return Math.min(1, good / exact.length);
}

async function search(
  { connection, mapping: { embedding } }: Tools,
  collection: string,
  vector: readonly number[],
  exact: boolean,
  signal: AbortSignal,
): Promise<Scored[]> {
  const using = embedding.vectorName === undefined ? {} : { using: embedding.vectorName };
  const answer = await connection.exchange({
    what: `search ${collection}${exact ? ' exactly' : ''}`,
    method: 'POST',
    path: pathOf(collection, '/points/query'),
    body: JSON.stringify({ query: vector, ...using, limit: TOP, params: { exact }, with_payload: false }),
    signal,
  });
  return pointsOf(answer).map(({ id, json }) => ({ id, score: Number(member(json, 'score')?.toString('latin1')) }));
}

function recallGate(overlaps: readonly number[], floor: number, why: string): Gate {
  const gate = { name: 'ann recall', expected: `at least ${floor} of the exact answer's best ${TOP}` };
  if (overlaps.length === 0) return { ...gate, verdict: 'unproven', observed: why };
  const mean = overlaps.reduce((sum, overlap) => sum + overlap, 0) / overlaps.length;
  const observed = `${mean.toFixed(3)} over ${overlaps.length} searches, the least ${Math.min(...overlaps).toFixed(2)}`;
  return { ...gate, verdict: mean >= floor ? 'pass' : 'fail', observed };
}

function latencyGate(took: readonly number[]): Gate {
  const gate = { name: 'latency', expected: `95 of 100 searches within ${SLOW_MS} ms` };
  const sorted = took.toSorted((a, b) => a - b);
  const p95 = sorted[Math.max(0, Math.ceil(sorted.length * 0.95) - 1)];
  if (p95 === undefined) return { ...gate, verdict: 'unproven', observed: 'nothing was searched for' };
  const observed = `${p95.toFixed(1)} ms over ${sorted.length} searches`;
  return { ...gate, verdict: p95 <= SLOW_MS ? 'pass' : 'fail', observed };
}
