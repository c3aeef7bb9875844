import { pointIdJson, type PointId } from '../../domain/point-id.ts';
import { z } from 'zod';
import { pathOf } from './address.ts';
import type { QdrantConnection } from './client.ts';
import { QdrantFailure } from './failure.ts';
import { type PointBytes, pointsOf } from './json-bytes.ts';

/** What of a point is read. */
export interface Selection {
  readonly payload: boolean | readonly string[];
  readonly vector: boolean;
}
export const NOTHING: Selection = { payload: false, vector: false };
export const EVERYTHING: Selection = { payload: true, vector: true };

/** How an upsert treats points that exist, or do not. */
type UpdateMode = 'insert_only' | 'update_only' | 'upsert';

/** Qdrant takes 32 MB a request; half of it leaves room for whatever stands between. */
const MAX_BODY = 16 << 20;
/** Each piece of a body is a write to the socket; beyond this many, copying them together is the cheaper thing. */
const MAX_PIECES = 32;

const updateSchema = z.object({ result: z.object({ status: z.string() }) });

/** The points that exist among `ids`, as bytes, by id. */
export async function readPoints(
  connection: QdrantConnection,
  collection: string,
  ids: readonly PointId[],
  selection: Selection,
  signal?: AbortSignal,
): Promise<Map<PointId, PointBytes>> {
  if (ids.length === 0) return new Map();
  const answer = await connection.exchange({
    what: `read ${ids.length} points of ${collection}`,
    method: 'POST',
    path: pathOf(collection, '/points'),
    body: `{"ids":${idList(ids)},"with_payload":${JSON.stringify(selection.payload)},"with_vector":${selection.vector}}`,
    signal,
  });
  return new Map(pointsOf(answer).map((point) => [point.id, point]));
}

/** Writes points from their bytes, and waits until they are applied. */
export async function upsertBytes(
  connection: QdrantConnection,
  collection: string,
  points: readonly Buffer[],
  mode: UpdateMode,
  signal?: AbortSignal,
): Promise<void> {
  for (const part of bySize(points)) await upsertPart(connection, collection, part, mode, signal);
}

/** Strict mode limits points a request and points a minute: what is over a limit is refused for ever, its halves are not. */
async function upsertPart(
  connection: QdrantConnection,
  collection: string,
  part: readonly Buffer[],
  mode: UpdateMode,
  signal?: AbortSignal,
): Promise<void> {
  try {
    await upsertOnce(connection, collection, part, mode, signal);
  } catch (error) {
    if (!(error instanceof QdrantFailure && error.splitMayHelp && part.length > 1)) throw error;
    const half = part.length >> 1;
    await upsertPart(connection, collection, part.slice(0, half), mode, signal);
    await upsertPart(connection, collection, part.slice(half), mode, signal);
  }
}

async function upsertOnce(
  connection: QdrantConnection,
  collection: string,
  part: readonly Buffer[],
  mode: UpdateMode,
  signal?: AbortSignal,
): Promise<void> {
  const pieces = [OPEN, ...listed(part), Buffer.from(`],"update_mode":"${mode}"}`)];
  const answer = await connection.exchange({
    what: `write ${part.length} points to ${collection}`,
    method: 'PUT',
    path: pathOf(collection, '/points'),
    query: { wait: 'true' },
    body: pieces.length > MAX_PIECES ? [Buffer.concat(pieces)] : pieces,
    signal,
  });
  mustBeCompleted(`write to ${collection}`, answer);
}
const OPEN = Buffer.from('{"points":[');
const COMMA = Buffer.from(',');

/**
 * Points with commas between them. Neighbours in the answer that they were read from, comma included, stay one piece of
 * it: to copy megabytes for every request costs more than everything else that is done here.
 */
function listed(points: readonly Buffer[]): Buffer[] {
  const pieces: Buffer[] = [];
  for (const point of points) {
    const last = pieces.at(-1);
    const joint = last && joined(last, point);
    if (joint) pieces[pieces.length - 1] = joint;
    else pieces.push(...(last ? [COMMA] : []), point);
  }
  return pieces;
}

function joined(left: Buffer, right: Buffer): Buffer | undefined {
  if (left.buffer !== right.buffer || left.byteOffset + left.length + 1 !== right.byteOffset) return undefined;
  const both = Buffer.from(left.buffer, left.byteOffset, left.length + 1 + right.length);
  return both[left.length] === COMMA[0] ? both : undefined;
}

/** Deletes points, and waits until they are gone. Unknown ids are fine. */
export async function deletePoints(
  connection: QdrantConnection,
  collection: string,
  ids: readonly PointId[],
  signal?: AbortSignal,
): Promise<void> {
  if (ids.length === 0) return;
  const answer = await connection.exchange({
    what: `delete ${ids.length} points of ${collection}`,
    method: 'POST',
    path: pathOf(collection, '/points/delete'),
    query: { wait: 'true' },
    body: `{"points":${idList(ids)}}`,
    signal,
  });
  mustBeCompleted(`delete from ${collection}`, answer);
}

/** JSON array of ids, exact at any size. */
function idList(ids: readonly PointId[]): string {
  return `[${ids.map(pointIdJson).join(',')}]`;
}

function* bySize(points: readonly Buffer[]): Generator<Buffer[]> {
  let part: Buffer[] = [];
  let bytes = 0;
  for (const point of points) {
    if (part.length > 0 && bytes + point.length > MAX_BODY) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(point);
    bytes += point.length + 1;
  }
  if (part.length > 0) yield part;
}

/** `acknowledged` and `wait_timeout` mean that it is queued: to be repeated, since every write here is idempotent. */
function mustBeCompleted(what: string, answer: Buffer): void {
  const update = updateSchema.safeParse(JSON.parse(answer.toString('utf8')));
  const status = update.success ? update.data.result.status : 'an answer without a status';
  if (status !== 'completed') throw new QdrantFailure('QDRANT_BUSY', `Qdrant, ${what}: ${status}, not completed`);
}
