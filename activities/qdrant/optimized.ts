import { z } from 'zod';
import { RecoveryError } from '../../domain/failures.ts';
import { sleep } from '../sleep.ts';
import type { Work } from '../progress.ts';
import { pathOf } from './address.ts';
import type { QdrantConnection } from './client.ts';
import type { Tools } from './tools.ts';
import { unindexedAllowed } from './indexing.ts';

const infoSchema = z.object({
  status: z.string(),
  optimizer_status: z.unknown(),
  indexed_vectors_count: z.number().nullish(),
  points_count: z.number().nullish(),
  segments_count: z.number().nullish(),
  update_queue: z.object({ length: z.number().nullish() }).nullish(),
  config: z.record(z.string(), z.unknown()),
});
type Info = z.infer<typeof infoSchema>;

/** How many looks in a row must agree that there is nothing to do. */
const GREEN_LOOKS = 2;
/** The same where vectors are left that should be indexed: the optimizer may not have woken up yet. */
const UNINDEXED_LOOKS = 10;
/** An optimizer that failed may succeed once it is asked again, as on a disk that was full. */
const RED_LOOKS = 10;

/**
 * Waits until the optimizer has nothing to do. There is no deadline: a large graph takes hours. What ends it is a cancellation, or
 * that nothing has changed for `patience.stallMs`.
 * @throws RESTORE_INCOMPLETE when the collection stays red, or stands still
 */
export async function awaitOptimized(
  { connection, patience }: Tools,
  { collection }: { collection: string },
  { signal, report }: Work,
): Promise<{ status: string; indexed: number; points: number }> {
  let [green, red, seen, seenAt] = [0, 0, '', performance.now()];
  for (;;) {
    const info = await look(connection, collection, signal);
    const { indexed, points, queue, unindexed } = countsOf(info);
    report({ phase: `${collection} is ${info.status}, indexing`, done: indexed, total: Math.max(points, indexed) });
    green = info.status === 'green' && queue === 0 ? green + 1 : 0;
    red = info.status === 'red' ? red + 1 : 0;
    if (green >= (unindexed ? UNINDEXED_LOOKS : GREEN_LOOKS)) return { status: info.status, indexed, points };
    if (red >= RED_LOOKS) throw incomplete(collection, `is red: ${JSON.stringify(info.optimizer_status)}`);
    if (info.status === 'grey' || red === 1 || (unindexed && green === 1)) await wake(connection, collection, signal);
    const now = JSON.stringify([info, await optimizations(connection, collection, signal)]);
    if (now !== seen) [seen, seenAt] = [now, performance.now()];
    if (performance.now() - seenAt > patience.stallMs) throw incomplete(collection, standstill(info, patience.stallMs));
    await sleep(patience.pollMs, signal);
  }
}

function standstill({ status, optimizer_status }: Info, ms: number): string {
  return `has been ${status} for ${Math.round(ms / 60_000)} min without any change (${JSON.stringify(optimizer_status)})`;
}

function incomplete(collection: string, how: string): RecoveryError {
  return new RecoveryError('RESTORE_INCOMPLETE', `${collection} ${how}`);
}

function countsOf(info: Info): { indexed: number; points: number; queue: number; unindexed: boolean } {
  const [indexed, points] = [info.indexed_vectors_count ?? 0, info.points_count ?? 0];
  const allowed = unindexedAllowed(info.config, info.segments_count ?? 1);
  const unindexed = allowed !== undefined && points - indexed > allowed;
  return { indexed, points, queue: info.update_queue?.length ?? 0, unindexed };
}

async function look(connection: QdrantConnection, collection: string, signal: AbortSignal): Promise<Info> {
  const request = { what: `look at ${collection}`, method: 'GET', path: pathOf(collection), signal } as const;
  return z.object({ result: infoSchema }).parse(JSON.parse((await connection.exchange(request)).toString('utf8')))
    .result;
}

/** After a start, optimizations wait for an update. An empty change of their settings is one. */
async function wake(connection: QdrantConnection, collection: string, signal: AbortSignal): Promise<void> {
  const request = { what: `wake the optimizer of ${collection}`, method: 'PATCH', path: pathOf(collection) } as const;
  await connection.exchange({ ...request, body: '{"optimizers_config":{}}', signal });
}

/** What the optimizer tells of its progress: one large segment may take longer than anything else changes. */
async function optimizations(connection: QdrantConnection, collection: string, signal: AbortSignal): Promise<unknown> {
  const [what, path] = [`read the optimizations of ${collection}`, pathOf(collection, '/optimizations')];
  const { status, body } = await connection.answer({ what, method: 'GET', path, signal });
  // Servers before 1.16 do not know the question.
  return status === 200 ? z.object({ result: z.unknown() }).parse(JSON.parse(body.toString('utf8'))).result : null;
}
