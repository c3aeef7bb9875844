import { z } from 'zod';
import { RecoveryError } from '../../domain/failures.ts';
import { sleep } from '../sleep.ts';
import { pathOf } from './address.ts';
import type { QdrantConnection } from './client.ts';
import { countPoints, exists } from './collections.ts';
import type { QdrantFailure } from './failure.ts';
import type { Tools } from './tools.ts';

/** Looks in a row that must agree where no count was told. */
const STEADY_LOOKS = 3;

const clusterSchema = z.object({ result: z.object({ local_shards: z.array(z.object({ state: z.string() })) }) });

/** A restore whose answer was lost. */
interface Awaited {
  readonly collection: string;
  /** How many points it must show in the end, where that is known. */
  readonly points?: number | undefined;
  /** How many there were before; more, and no more coming, is the sign where no number is known. */
  readonly before: number;
}

/**
 * Waits for a restore whose answer was lost: the server goes on restoring whether or not anybody listens.
 * @throws that failure when it does not show up
 */
export async function waitOut(
  tools: Tools,
  { collection, points: expected, before }: Awaited,
  lost: QdrantFailure,
  signal: AbortSignal,
): Promise<void> {
  let [steady, last] = [0, -1];
  for (let waited = 0; waited <= tools.patience.lookMs; waited += tools.patience.pollMs) {
    const points = (await exists(tools.connection, collection, signal))
      ? await peek(tools.connection, collection, signal)
      : undefined;
    if (points !== undefined && points === expected) return;
    steady = points !== undefined && points > before && points === last ? steady + 1 : 0;
    last = points ?? -1;
    if (expected === undefined && steady >= STEADY_LOOKS) return;
    await sleep(tools.patience.pollMs, signal);
  }
  throw lost;
}

/** The count once every shard is active; `undefined` while the server is still at it. */
async function peek(
  connection: QdrantConnection,
  collection: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  const answer = await connection.exchange({
    what: `look at the shards of ${collection}`,
    method: 'GET',
    path: pathOf(collection, '/cluster'),
    signal,
  });
  const { result } = clusterSchema.parse(JSON.parse(answer.toString('utf8')));
  if (!result.local_shards.every(({ state }) => state === 'Active')) return undefined;
  return countPoints(connection, collection, signal);
}

/**
 * Waits until the server restores nothing into the collection any more: two restores of one shard at once can wipe each other.
 * @throws RESTORE_INCOMPLETE when it is still at it after all that time
 */
export async function awaitNoRestore(tools: Tools, collection: string, signal: AbortSignal): Promise<void> {
  for (let waited = 0; waited <= tools.patience.lookMs; waited += tools.patience.pollMs) {
    if ((await restoresRunning(tools.connection, collection, signal)) === 0) return;
    await sleep(tools.patience.pollMs, signal);
  }
  throw new RecoveryError('RESTORE_INCOMPLETE', `${collection}: the server still restores what was sent to it before`);
}

/** As the server’s metrics tell it; 0 where they do not, since nothing else does. */
async function restoresRunning(connection: QdrantConnection, collection: string, signal: AbortSignal): Promise<number> {
  const { status, body } = await connection.answer({
    what: 'read the metrics',
    method: 'GET',
    path: '/metrics',
    signal,
  });
  if (status !== 200) return 0;
  return body
    .toString('utf8')
    .split('\n')
    .filter(
      (line) =>
        /^\w*snapshot_recovery_running[{ ]/.test(line) && (!line.includes('{') || line.includes(`"${collection}"`)),
    )
    .reduce((sum, line) => sum + (Number(line.slice(line.lastIndexOf(' ') + 1)) || 0), 0);
}

/** @throws RESTORE_INCOMPLETE for a collection that another number of points came up in, or that is red */
export async function mustBeWhole(
  connection: QdrantConnection,
  { collection, points, expected }: { collection: string; points: number; expected: number | undefined },
  signal: AbortSignal,
): Promise<void> {
  if (expected !== undefined && points !== expected) {
    throw new RecoveryError(
      'RESTORE_INCOMPLETE',
      `${collection} has ${points} points after the restore, the set says ${expected}`,
    );
  }
  const what = `look at ${collection}`;
  const { status } = await connection.call(what, (client) => client.getCollection(collection), signal);
  if (status === 'red')
    throw new RecoveryError('RESTORE_INCOMPLETE', `${collection} is red after the restore: an operation failed`);
}
