import { z } from 'zod';
import { pointIdJson, type PointId } from '../../domain/point-id.ts';
import type { Gate } from '../../domain/verdict.ts';
import { pathOf } from './address.ts';
import type { QdrantConnection } from './client.ts';
import { stringifyExact } from './exact-json.ts';
import { QdrantFailure } from './failure.ts';
import { payloadOf } from './fingerprint.ts';
import { indexedValues, isCheckable, type PayloadIndex, rootOf, type Value } from './indexed-values.ts';
import { readPoints } from './points.ts';
import type { Spread } from './spread.ts';

/** Values that are counted one by one, the most frequent first. */
const COUNTED = 3;

const countSchema = z.object({ result: z.object({ count: z.number() }) });

interface Question {
  readonly connection: QdrantConnection;
  readonly collection: string;
  readonly sample: Spread;
  readonly signal: AbortSignal;
}

/**
 * Whether a payload index finds what the payloads say: every point of a sample by its own values, and as many points a value as were
 * seen. An index may silently miss some, which nothing else shows. `undefined` for indexes of other types.
 */
export async function checkIndexed(question: Question, index: PayloadIndex): Promise<Gate | undefined> {
  if (!isCheckable(index)) return undefined;
  const first = await lookAt(question, index);
  // Somebody may have written in between: what is really missing is missing still.
  return first.verdict === 'fail' ? lookAt(question, index) : first;
}

async function lookAt(question: Question, index: PayloadIndex): Promise<Gate> {
  const gate = (verdict: Gate['verdict'], observed: string): Gate => ({
    name: `filtered equals unfiltered: ${index.field}`,
    verdict,
    expected: 'as many points by the index as their payloads say',
    observed,
  });
  try {
    const values = await sampled(question, index);
    const seen = values.filter((some) => some.length > 0).length;
    if (seen === 0) return await lookForAny(question, index, gate);
    const wrong = [
      ...(await wrongInSample(question, index, values, seen)),
      ...(await wrongByValue(question, index, values)),
    ];
    if (wrong.length > 0) return gate('fail', wrong.join('; '));
    return gate('pass', `${seen} of ${values.length} sampled points have a value, and are found by it`);
  } catch (error) {
    // Strict mode may forbid exact counts or long conditions: an estimate would prove nothing.
    if (error instanceof QdrantFailure && error.code === 'QDRANT_REFUSED') return gate('unproven', error.message);
    throw error;
  }
}

/** The values of each sampled point. */
async function sampled({ connection, collection, sample, signal }: Question, index: PayloadIndex): Promise<Value[][]> {
  const selection = { payload: [...new Set([index.field, rootOf(index.field)])], vector: false };
  const points = await readPoints(connection, collection, sample.ids, selection, signal);
  return [...points.values()].map((point) => indexedValues(payloadOf(point), index));
}

async function wrongInSample(
  question: Question,
  index: PayloadIndex,
  values: readonly Value[][],
  seen: number,
): Promise<string[]> {
  const found = await countBy(question, conditionsOf(index, [...new Set(values.flat())]), question.sample.ids);
  return found === seen ? [] : [`of ${seen} sampled points with a value, ${found} are found by it`];
}

async function wrongByValue(question: Question, index: PayloadIndex, values: readonly Value[][]): Promise<string[]> {
  const tally = new Map<Value, number>();
  for (const value of values.flatMap((some) => [...new Set(some)])) tally.set(value, (tally.get(value) ?? 0) + 1);
  const wrong: string[] = [];
  for (const [value, seen] of [...tally].sort(([, a], [, b]) => b - a).slice(0, COUNTED)) {
    const found = await countBy(question, conditionsOf(index, [value]));
    const fine = question.sample.complete ? found === seen : found >= seen;
    if (!fine) wrong.push(`${stringifyExact(value).slice(0, 60)}: ${found} found, ${seen} seen`);
  }
  return wrong;
}

/** No sampled point has a value. Then none at all may be found to have one: whether it is found by it could not be told. */
async function lookForAny(
  question: Question,
  index: PayloadIndex,
  gate: (verdict: Gate['verdict'], observed: string) => Gate,
): Promise<Gate> {
  const found = await countBy(question, [{ must_not: [{ is_empty: { key: index.field } }] }]);
  if (found === 0) return gate('pass', 'no point has a value');
  return gate('unproven', `${found} points have a value, and none of ${question.sample.ids.length} sampled ones`);
}

/** One condition where the type knows lists, since strict mode may limit their number. */
function conditionsOf({ field, type, ranged }: PayloadIndex, values: readonly Value[]): object[] {
  if (ranged) return values.map((value) => ({ key: field, range: { gte: value, lte: value } }));
  if (type === 'bool') return values.map((value) => ({ key: field, match: { value } }));
  return [{ key: field, match: { any: values } }];
}

/** Exact number of points for which any of the conditions holds, among `ids` where they are given. */
async function countBy(
  { connection, collection, signal }: Question,
  conditions: readonly object[],
  ids?: readonly PointId[],
): Promise<number> {
  const among = ids === undefined ? '' : `,"must":[{"has_id":[${ids.map(pointIdJson).join(',')}]}]`;
  const answer = await connection.exchange({
    what: `count points of ${collection} by a filter`,
    method: 'POST',
    path: pathOf(collection, '/points/count'),
    body: `{"exact":true,"filter":{"should":${stringifyExact(conditions)}${among}}}`,
    signal,
  });
  return countSchema.parse(JSON.parse(answer.toString('utf8'))).result.count;
}
