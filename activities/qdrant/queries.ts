import type { RecoverySet } from '../../domain/recovery-set.ts';
import type { Gate } from '../../domain/verdict.ts';
import type { Work } from '../progress.ts';
import { checkIndexed } from './filtered.ts';
import { payloadIndexesOf } from './indexed-values.ts';
import { checkRecall } from './recall.ts';
import { readIndex } from './scan.ts';
import { evenly, spreadOf } from './spread.ts';
import type { Tools } from './tools.ts';

/** Points that are looked up by their own payloads, at least; up to twice as many. */
const SAMPLED = 200;
const SEARCHES = 20;

/** Whether the collection answers as one should: by its payload indexes, by its vector index, and soon enough. */
export async function checkQueries(
  tools: Tools,
  { collection, shape, floor }: { collection: string; shape: RecoverySet['qdrant']['shape']; floor: number },
  { signal, report }: Work,
): Promise<Gate[]> {
  const { connection, mapping } = tools;
  const indexes = payloadIndexesOf(shape.payloadSchema);
  const tell = (done: number): void => report({ phase: `query ${collection}`, done, total: indexes.length + 1 });
  tell(0);
  const sample = await spreadOf(readIndex(connection, mapping, collection, 'ids', signal), SAMPLED);
  const gates: Gate[] = [];
  for (const [at, index] of indexes.entries()) {
    tell(at);
    const gate = await checkIndexed({ connection, collection, sample, signal }, index);
    if (gate) gates.push(gate);
  }
  tell(indexes.length);
  const ids = evenly(sample.ids, SEARCHES);
  return [...gates, ...(await checkRecall(tools, { collection, ids, floor }, signal))];
}
