import { writeLines } from '../activities/lines.ts';
import { QdrantConnection } from '../activities/qdrant/client.ts';
import { EVERYTHING, readPoints } from '../activities/qdrant/points.ts';
import { PATIENCE, type Tools } from '../activities/qdrant/tools.ts';
import type { ListRef } from '../domain/artifacts.ts';
import { findingLine } from '../domain/lines.ts';
import type { Finding } from '../domain/reconcile.ts';
import { payloadOf } from '../sandbox/app/vectors.ts';
import { syntheticRecord, syntheticVector } from '../sandbox/seed-synthetic.ts';
import { inParallel, type RawQdrant } from './raw-http.ts';
import type { Stage } from './stage.ts';

export const FROM = 'bench-restored';
export const TO = 'bench-live';
export const DIMENSIONS = 768;
export const BATCH = 256;

export function toolsOf({ config, store }: Stage): Tools {
  const mapping = { fields: config.qdrant.fields, embedding: config.embeddings.identity };
  return { connection: new QdrantConnection(config.qdrant), store, mapping, patience: PATIENCE };
}

/** Numbers from `from` to `to`, in batches. */
export function* batches(from: number, to: number): Generator<number[]> {
  for (let at = from; at < to; at += BATCH) yield Array.from({ length: Math.min(BATCH, to - at) }, (_, n) => at + n);
}

/** Fills the collection that is copied from. */
export async function loadPoints(raw: RawQdrant, total: number): Promise<void> {
  await raw.recreate(FROM, DIMENSIONS);
  await inParallel(batches(0, total), 2, async (numbers) => {
    const points = numbers.map((n) => {
      const record = syntheticRecord(n);
      return { id: record.id, vector: syntheticVector(n), payload: payloadOf(record) };
    });
    await raw.send('PUT', `/collections/${FROM}/points?wait=true`, JSON.stringify({ points }));
  });
}

/** The list that a reconciliation would give: every point is missing, and the set has it. */
export function listAll({ store }: Stage, total: number): Promise<ListRef> {
  const findings = async function* (): AsyncGenerator<Finding[]> {
    for (const numbers of batches(0, total)) {
      yield numbers.map((n): Finding => {
        const { id, source, contentHash } = syntheticRecord(n);
        const text = contentHash.slice(0, 16);
        return {
          id,
          class: 'missing',
          remedy: 'copy',
          section: source,
          text,
          live: '',
          set: contentHash.slice(16, 32),
        };
      });
    }
  };
  return writeLines(store, 'bench/copy.ndjson', findings(), findingLine);
}

/** Finished request bodies for a block of points, as the server itself writes these points. */
export async function prepareBodies({ connection }: Tools, from: number, to: number): Promise<Buffer[]> {
  const bodies: Buffer[] = [];
  for (const numbers of batches(from, to)) {
    const points = await readPoints(
      connection,
      FROM,
      numbers.map((n) => syntheticRecord(n).id),
      EVERYTHING,
    );
    const list = [...points.values()].map(({ json }) => json.toString('latin1')).join(',');
    bodies.push(Buffer.from(`{"points":[${list}]}`, 'latin1'));
  }
  return bodies;
}
