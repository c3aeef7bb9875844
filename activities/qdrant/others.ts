import { RecoveryError } from '../../domain/failures.ts';
import type { Gate } from '../../domain/verdict.ts';
import type { OtherCollection, SnapshotPart } from '../../domain/set-parts.ts';
import type { RecoverySet } from '../../domain/recovery-set.ts';
import type { Work } from '../progress.ts';
import type { QdrantConnection } from './client.ts';
import { countPoints, dropScratch } from './collections.ts';
import { QdrantFailure } from './failure.ts';
import { restoreBeside } from './restore.ts';
import { describeCollection, peerOf, readShape } from './shape.ts';
import { captureCollection, isTraceOf } from './snapshot.ts';
import type { Tools } from './tools.ts';

/** Everything of a cluster besides the app's collection on the node that we talk to. */
export interface Elsewhere {
  /** Tools for each of the other nodes. */
  readonly nodes: readonly Tools[];
  /** Names of the other collections. */
  readonly collections: readonly string[];
}

interface Captured {
  readonly nodes: SnapshotPart[];
  readonly others: OtherCollection[];
}

/** A snapshot holds what lies on its own node, so every node is asked for one of every collection. */
export async function captureOthers(
  tools: Tools,
  { nodes, collections }: Elsewhere,
  { collection, folder }: { collection: string; folder: string },
  work: Work,
): Promise<Captured> {
  const everywhere = async (name: string, where: readonly Tools[], into: string): Promise<SnapshotPart[]> => {
    const parts: SnapshotPart[] = [];
    for (const node of where) parts.push(await captureOn(node, name, into, mine(work, node, name)));
    return parts;
  };
  for (const name of collections) await mustHave(tools.connection, name);
  const others: OtherCollection[] = [];
  for (const name of collections) {
    const { points, shape } = await describeCollection(tools.connection, name);
    const snapshots = await everywhere(name, [tools, ...nodes], `${folder}/collections/${safe(name)}`);
    others.push({ collection: name, points, shape, snapshots });
  }
  return { nodes: await everywhere(collection, nodes, `${folder}/nodes`), others };
}

/** A worker that died left a snapshot on a server, and word of which server and collection it was of. */
function mine({ resume, ...work }: Work, node: Tools, collection: string): Work {
  return { ...work, resume: isTraceOf(node, collection, resume?.cursor) ? resume : undefined };
}

/** One that is misspelt would stay so however long somebody waited. @throws INVALID_CONFIGURATION */
async function mustHave(connection: QdrantConnection, collection: string): Promise<void> {
  await readShape(connection, collection).catch((error: unknown) => {
    if (!(error instanceof QdrantFailure && error.status === 404)) throw error;
    const message = `backup.collections: Qdrant at ${nodeOf(connection)} has no collection ${collection}`;
    throw new RecoveryError('INVALID_CONFIGURATION', message, { cause: error });
  });
}

async function captureOn(tools: Tools, collection: string, folder: string, work: Work): Promise<SnapshotPart> {
  const node = nodeOf(tools.connection);
  try {
    const peer = await peerOf(tools.connection);
    const into = `${folder}/${safe(peer ?? node)}`;
    const snapshot = await captureCollection(tools, { collection, folder: into }, work);
    return { node, ...(peer ? { peer } : {}), snapshot };
  } catch (error) {
    // Of several servers it must be told which.
    if (!(error instanceof QdrantFailure)) throw error;
    throw new RecoveryError(error.code, `node ${node}: ${error.message}`, { cause: error });
  }
}

function nodeOf({ config }: QdrantConnection): string {
  return new URL(config.url).origin;
}

/** Tries out every further snapshot of a set, one after the other under the same scratch name. */
export async function checkOthers(
  tools: Tools,
  { set, scratch }: { set: RecoverySet; scratch: string },
  work: Work,
): Promise<Gate[]> {
  const { nodes = [], others = [], collection } = set.qdrant;
  const gates: Gate[] = [];
  for (const { node, snapshot } of nodes)
    gates.push(await tryOut(tools, scratch, `${collection} of ${node}`, [snapshot], undefined, work));
  for (const { collection: name, snapshots, points } of others) {
    const archives = snapshots.map(({ snapshot }) => snapshot);
    gates.push(await tryOut(tools, scratch, name, archives, points, work));
  }
  return gates;
}

async function tryOut(
  tools: Tools,
  scratch: string,
  what: string,
  archives: readonly SnapshotPart['snapshot'][],
  points: number | undefined,
  work: Work,
): Promise<Gate> {
  let found = 0;
  for (const snapshot of archives) {
    await dropScratch(tools.connection, scratch, work.signal);
    await restoreBeside(tools, { snapshot, scratch }, work);
    found += await countPoints(tools.connection, scratch, work.signal);
  }
  await dropScratch(tools.connection, scratch, work.signal);
  // Replicas are counted once for every node that holds them.
  const enough = points === undefined || found >= points;
  return {
    name: `snapshot of ${what}`,
    verdict: enough ? 'pass' : 'fail',
    expected: points === undefined ? 'comes up' : `comes up with ${points} points`,
    observed: `${found} points`,
  };
}

function safe(name: string): string {
  return name
    .replace(/^[a-z]+:\/\//, '')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '');
}
