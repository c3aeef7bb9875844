import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Artifact } from '../../domain/artifacts.ts';
import type { Batches, IndexEntry } from '../../domain/index-entry.ts';
import { parseIndexLine } from '../../domain/lines.ts';
import type { PointId } from '../../domain/point-id.ts';
import type { Gate } from '../../domain/verdict.ts';
import { openLines, readWhole } from '../lines.ts';
import { stringifyExact } from './exact-json.ts';
import { canonical, entryOf, payloadOf } from './fingerprint.ts';
import { type PointBytes, pointsOf } from './json-bytes.ts';
import { EVERYTHING, readPoints } from './points.ts';
import type { Tools } from './tools.ts';

const NAMED = 3;

/**
 * Keeps some whole points, one JSON object a line, as the server wrote them: fields that no fingerprint covers can be
 * compared by them too.
 */
export async function captureSample(
  { connection, store }: Tools,
  { collection, folder, index, count }: { collection: string; folder: string; index: Artifact; count: number },
  signal: AbortSignal,
): Promise<Artifact> {
  const ids = await fairSample(openLines(store, index, parseIndexLine), count);
  const points = await readPoints(connection, collection, ids, EVERYTHING, signal);
  const lines = ids.flatMap((id) => {
    const json = points.get(id)?.json;
    return json ? [json, NEWLINE] : [];
  });
  return store.put(`${folder}/sample-${randomUUID().slice(0, 8)}.ndjson`, Readable.from(lines, { objectMode: false }));
}
const NEWLINE = Buffer.from('\n');

/** The points with the smallest fingerprints: a hash prefers nobody, and is the same every time. */
async function fairSample(entries: Batches<IndexEntry>, count: number): Promise<PointId[]> {
  let kept: IndexEntry[] = [];
  for await (const batch of entries) {
    kept = [...kept, ...batch].sort((a, b) => (a.body < b.body ? -1 : 1)).slice(0, count);
  }
  return kept.map(({ id }) => id);
}

/** Compares the kept points with a restored collection: every payload field, every number of the vector. */
export async function checkSample(
  { connection, store, mapping }: Tools,
  { sample, scratch, changed }: { sample: Artifact; scratch: string; changed: ReadonlySet<PointId> },
  signal: AbortSignal,
): Promise<Gate> {
  const lines = (await readWhole(store, sample))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '');
  const kept = pointsOf(Buffer.from(`{"result":[${lines.join(',')}]}`)).filter(({ id }) => !changed.has(id));
  const restored = await readPoints(
    connection,
    scratch,
    kept.map(({ id }) => id),
    EVERYTHING,
    signal,
  );
  const whole = (point: PointBytes | undefined): string =>
    point ? `${entryOf(point, mapping).vector} ${stringifyExact(canonical(payloadOf(point)))}` : '';
  const different = kept.filter((point) => whole(point) !== whole(restored.get(point.id)));
  const named = different.slice(0, NAMED).map(({ id }) => id);
  return {
    name: 'vector sample',
    verdict: kept.length === 0 ? 'unproven' : different.length === 0 ? 'pass' : 'fail',
    expected: `${kept.length} kept points, equal in every payload field and every number`,
    observed:
      kept.length === 0
        ? 'no point was kept that did not change meanwhile'
        : `${kept.length - different.length} equal${named.length > 0 ? `; not: ${named.join(', ')}` : ''}`,
  };
}
