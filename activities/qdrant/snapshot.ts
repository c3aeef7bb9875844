import { createHash } from 'node:crypto';
import { log } from '@temporalio/activity';
import { z } from 'zod';
import type { Artifact } from '../../domain/artifacts.ts';
import type { Work } from '../progress.ts';
import { pathOf } from './address.ts';
import { QdrantFailure } from './failure.ts';
import { sleep } from '../sleep.ts';
import type { Tools } from './tools.ts';

const descriptionSchema = z.object({
  name: z
    .string()
    .min(1)
    .regex(/^[^/\\]+$/, 'must be a plain file name'),
  size: z.number(),
  checksum: z.string().nullish(),
});
type Description = z.infer<typeof descriptionSchema>;
const createdSchema = z.object({ result: descriptionSchema });

/** Snapshots of one server, one after the other: two within a second would get the same name, and one wrong checksum. Holds when the last one ended. */
let queue: Promise<number> = Promise.resolve(Number.NEGATIVE_INFINITY);

/**
 * Takes a snapshot and streams it to the store. Its SHA-256 is computed here as it arrives and compared with the one
 * that the server computed as it wrote: when they differ, nothing is kept.
 */
export async function captureCollection(
  tools: Tools,
  { collection, folder }: { collection: string; folder: string },
  { resume, signal, report }: Work,
): Promise<Artifact> {
  await removeLost(tools, collection, resume, signal);
  const before = (await list(tools, collection, signal)).map(({ name }) => name);
  const node = nodeOf(tools);
  const cursor = (trace: Omit<Trace, 'node' | 'collection'>): string => JSON.stringify({ node, collection, ...trace });
  // The first beat goes out at once, later ones may come too late: what it says is enough to find what a killed worker left.
  report({ phase: 'the server writes the snapshot', done: 0, total: 1, cursor: cursor({ before }) });
  const snapshot = await oneAtATime(tools, () => create(tools, collection, signal), signal);
  try {
    const key = `${folder}/${snapshot.name.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '')}`;
    const told = (done: number): void =>
      report({
        phase: 'copy the snapshot to the store',
        done,
        total: snapshot.size,
        cursor: cursor({ name: snapshot.name }),
      });
    told(0);
    return await tools.store.put(key, checked(download(tools, collection, snapshot, signal), snapshot, told));
  } finally {
    await remove(tools, collection, snapshot.name);
  }
}

const traceSchema = z.object({
  /** Servers name their snapshots alike: one that is somebody's own on another node must not be taken for ours. */
  node: z.string(),
  collection: z.string(),
  name: z.string().optional(),
  before: z.array(z.string()).optional(),
});
/** What an attempt leaves word of: its snapshot's name, or which ones were there before it asked for one. */
type Trace = z.infer<typeof traceSchema>;

/** Whether the progress of a call before is that of a snapshot of this collection on this node. */
export function isTraceOf(tools: Tools, collection: string, cursor: string | undefined): boolean {
  const trace = traceOf(cursor);
  return trace?.collection === collection && trace.node === nodeOf(tools);
}

function nodeOf({ connection }: Tools): string {
  return new URL(connection.config.url).origin;
}

function traceOf(cursor: string | undefined): Trace | undefined {
  try {
    return traceSchema.safeParse(JSON.parse(cursor ?? 'null')).data;
  } catch {
    return undefined;
  }
}

/**
 * A worker that died left its snapshot on the server. When it died before it knew the name, the only one that has come since is
 * taken for it; of several, nobody can tell which are somebody else's, and all stay.
 */
async function removeLost(
  tools: Tools,
  collection: string,
  resume: Work['resume'],
  signal: AbortSignal,
): Promise<void> {
  const trace = isTraceOf(tools, collection, resume?.cursor) ? traceOf(resume?.cursor) : undefined;
  if (!trace) return;
  if (trace.name !== undefined) return remove(tools, collection, trace.name);
  const come = (await list(tools, collection, signal)).filter(({ name }) => !trace.before?.includes(name));
  const [only] = come;
  if (only && come.length === 1) await remove(tools, collection, only.name);
}

async function oneAtATime<T>({ patience }: Tools, create: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const turn = queue.then(async (lastEnded) => {
    const rest = lastEnded + patience.betweenSnapshotsMs - performance.now();
    if (rest > 0) await sleep(rest, signal);
    return create();
  });
  queue = turn.then(
    () => performance.now(),
    () => performance.now(),
  );
  return turn;
}

async function create(tools: Tools, collection: string, signal: AbortSignal): Promise<Description> {
  for (;;) {
    const before = new Set((await list(tools, collection, signal)).map(({ name }) => name));
    const made = await createOrFind(tools, collection, before, signal);
    if (!before.has(made.name)) return made;
    // Somebody else took one in this very second: the archive under the name is not surely ours.
    await sleep(tools.patience.betweenSnapshotsMs, signal);
  }
}

async function createOrFind(
  tools: Tools,
  collection: string,
  before: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Description> {
  try {
    const answer = await tools.connection.exchange({
      what: `take a snapshot of ${collection}`,
      method: 'POST',
      path: pathOf(collection, '/snapshots'),
      query: { wait: 'true' },
      deadlineMs: tools.patience.snapshotMs,
      idempotent: false,
      signal,
    });
    return createdSchema.parse(JSON.parse(answer.toString('utf8'))).result;
  } catch (error) {
    if (!(error instanceof QdrantFailure && error.outcomeUnknown)) throw error;
    return await findNew(tools, collection, before, error, signal);
  }
}

/** The answer was lost, the snapshot perhaps not: waits for one that was not there before, and that grows no more. */
async function findNew(
  tools: Tools,
  collection: string,
  before: ReadonlySet<string>,
  lost: QdrantFailure,
  signal: AbortSignal,
): Promise<Description> {
  let last: Description | undefined;
  for (let waited = 0; waited <= tools.patience.lookMs; waited += tools.patience.pollMs) {
    const found = (await list(tools, collection, signal)).find(({ name }) => !before.has(name));
    if (found && last?.name === found.name && last.size === found.size && last.checksum === found.checksum)
      return found;
    last = found;
    await sleep(tools.patience.pollMs, signal);
  }
  throw lost;
}

async function list({ connection }: Tools, collection: string, signal: AbortSignal): Promise<Description[]> {
  const what = `list the snapshots of ${collection}`;
  return z
    .array(descriptionSchema)
    .parse(await connection.call(what, (client) => client.listSnapshots(collection), signal));
}

function download(
  { connection }: Tools,
  collection: string,
  { name }: Description,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  return connection.download({
    what: `download snapshot ${name}`,
    method: 'GET',
    path: pathOf(collection, `/snapshots/${encodeURIComponent(name)}`),
    signal,
  });
}

/** Fails at the end of the stream, before the store publishes anything, when the bytes are not what the server wrote. */
async function* checked(
  bytes: AsyncIterable<Uint8Array>,
  { name, size, checksum }: Description,
  told: (done: number) => void,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let [done, saidAt] = [0, 0];
  for await (const piece of bytes) {
    hash.update(piece);
    done += piece.length;
    yield piece;
    if (done - saidAt > 8 << 20) told((saidAt = done));
  }
  const sha256 = hash.digest('hex');
  if (done !== size) throw damaged(name, `${done} bytes arrived, the server said ${size}`);
  // Servers that keep snapshots in S3 tell no checksum; then ours is the only one.
  if (checksum && checksum.toLowerCase() !== sha256)
    throw damaged(name, `its SHA-256 is ${sha256}, the server said ${checksum}`);
}

function damaged(name: string, how: string): QdrantFailure {
  return new QdrantFailure('QDRANT_REFUSED', `Qdrant, snapshot ${name} arrived damaged and was not kept: ${how}`);
}

/** A snapshot that stays fills the server's disk, but the backup is good: say so and go on. Runs after a cancellation too. */
async function remove({ connection }: Tools, collection: string, name: string): Promise<void> {
  try {
    await connection.call(`remove snapshot ${name}`, (client) => client.deleteSnapshot(collection, name));
  } catch (error) {
    log.warn(
      `snapshot ${name} of ${collection} stays on the server: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
