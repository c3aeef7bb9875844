import { z } from 'zod';
import { chunkIdOf } from '../app/chunk-record.ts';
import { payloadOf } from '../app/vectors.ts';
import { type Stores, withStores } from '../seed-context.ts';
import type { Fault, FaultContext } from './fault.ts';
import { chooseSections, nameSections, type Section } from './sections.ts';

const LOST_INDEX = 'source';
/** How far `rotated` vectors are shifted: into the zeros behind the 512 values of the sandbox's model, and the other way. */
const SHIFT = 256;

const pointSchema = z.object({
  id: z.string(),
  vector: z.array(z.number()),
  payload: z.object({
    text: z.string(),
    source: z.string(),
    heading: z.string(),
    chunk_index: z.int(),
    content_hash: z.string(),
  }),
});
type Point = z.infer<typeof pointSchema>;

/** Damage to what Qdrant holds. Each counts what it has really broken, and fails when that is nothing. */
export const qdrantDamage = {
  'delete-sections': fault('deletes all points of three sections', async (stores, context) => {
    const sections = await chooseSections(stores, 'delete-sections', context);
    const before = await count(stores);
    await stores.qdrant.delete(stores.alias, { wait: true, points: sections.flatMap(({ ids }) => ids) });
    const deleted = broken(before - (await count(stores)));
    return `Deleted all ${deleted} points of ${nameSections(sections)} from Qdrant.`;
  }),
  'corrupt-vectors': fault('turns the vectors of two sections into wrong ones, one of them into zero', corruptVectors),
  'edit-payload': fault('changes the text that every second point of two sections carries', editPayload),
  'drop-index': fault('drops the payload index on source', async ({ qdrant, alias }) => {
    const { payload_schema: before } = await qdrant.getCollection(alias);
    broken(LOST_INDEX in before ? 1 : 0);
    await qdrant.deletePayloadIndex(alias, LOST_INDEX, { wait: true });
    return `Dropped the payload index on ${LOST_INDEX} in Qdrant.`;
  }),
  orphans: fault('adds points that have no row, beside those of one section', addOrphans),
} as const satisfies Record<string, Fault>;

function fault(about: string, act: (stores: Stores, context: FaultContext) => Promise<string>): Fault {
  return { about, inject: (context) => withStores(context.env, (stores) => act(stores, context)) };
}

async function corruptVectors(stores: Stores, context: FaultContext): Promise<string> {
  const sections = await chooseSections(stores, 'corrupt-vectors', context);
  const points = await read(stores, sections);
  const spoilt = points.map(({ id, vector }, at) => ({ id, vector: spoil(vector, at) }));
  broken(spoilt.length);
  await stores.qdrant.updateVectors(stores.alias, { wait: true, points: spoilt });
  return `Put wrong vectors into all ${spoilt.length} points of ${nameSections(sections)} in Qdrant: one zero, the others negated or rotated.`;
}

/** The first becomes zero; then negated and rotated ones take turns. All keep a size that Qdrant accepts. */
function spoil(vector: readonly number[], at: number): number[] {
  if (at === 0) return vector.map(() => 0);
  if (at % 2 === 1) return vector.map((value) => -value);
  return [...vector.slice(SHIFT), ...vector.slice(0, SHIFT)];
}

async function editPayload(stores: Stores, context: FaultContext): Promise<string> {
  const sections = await chooseSections(stores, 'edit-payload', context);
  const points = (await read(stores, sections)).filter((_point, at) => at % 2 === 0);
  for (const { id, payload } of points) {
    await stores.qdrant.setPayload(stores.alias, {
      wait: true,
      points: [id],
      payload: { text: contradict(payload.text) },
    });
  }
  return `Changed the text in the payload of ${broken(points.length)} points of ${nameSections(sections)} in Qdrant.`;
}

/** Reads well, says the opposite, and keeps the old content hash: a change that nobody notices by looking. */
function contradict(text: string): string {
  const edited = text.replace(/\b(is|are|can|must|should|will|has|have)\b/, '$1 never');
  return edited === text ? `It is not true that the following holds. ${text}` : edited;
}

async function addOrphans(stores: Stores, context: FaultContext): Promise<string> {
  const sections = await chooseSections(stores, 'orphans', context);
  const before = await count(stores);
  const points = (await read(stores, sections)).map(({ vector, payload }) => ({
    id: chunkIdOf(`withdrawn/${payload.source}`, payload.chunk_index),
    vector,
    payload: payloadOf({
      ...payload,
      id: '',
      chunkIndex: payload.chunk_index + 1_000,
      contentHash: payload.content_hash,
    }),
  }));
  await stores.qdrant.upsert(stores.alias, { wait: true, points });
  const added = broken((await count(stores)) - before);
  return `Added ${added} points that have no row in Postgres beside those of ${nameSections(sections)} in Qdrant.`;
}

async function read({ qdrant, alias }: Stores, sections: readonly Section[]): Promise<Point[]> {
  const ids = sections.flatMap((section) => section.ids);
  const found = z
    .array(pointSchema)
    .parse(await qdrant.retrieve(alias, { ids, with_payload: true, with_vector: true }));
  const byId = new Map(found.map((point) => [point.id, point]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}

async function count({ qdrant, alias }: Stores): Promise<number> {
  return (await qdrant.count(alias, { exact: true })).count;
}

/** A drill that breaks nothing proves nothing. */
function broken(number: number): number {
  if (number <= 0) throw new Error('nothing was broken: is it broken already?');
  return number;
}
