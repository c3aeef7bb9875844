import { activityInfo, cancellationSignal } from '@temporalio/activity';
import type { QdrantConfig } from '../../config/schema.ts';
import type { Artifact, ArtifactStore } from '../../domain/artifacts.ts';
import { indexLine } from '../../domain/lines.ts';
import type { EmbeddingIdentity } from '../../domain/recovery-set.ts';
import type { QdrantActivities } from '../contract.ts';
import { writeLines } from '../lines.ts';
import { type Work, withProgress } from '../progress.ts';
import { checkAccess } from './access.ts';
import { QdrantConnection } from './client.ts';
import { countPoints, dropScratch } from './collections.ts';
import { copyPoints } from './copy.ts';
import { dropPoints } from './drop.ts';
import { createIndexes, revertIndexes } from './indexes.ts';
import { restoreBeside } from './restore.ts';
import { revertPoints } from './revert.ts';
import { readIndex } from './scan.ts';
import { compareShape, describeCollection } from './shape.ts';
import { captureCollection } from './snapshot.ts';
import { PATIENCE, type Patience, type Tools } from './tools.ts';

interface Parts {
  readonly config: QdrantConfig;
  readonly store: ArtifactStore;
  /** Which vector is looked at, and how it should be. */
  readonly embedding: EmbeddingIdentity;
  readonly patience?: Partial<Patience>;
  /** Which of these points have a chunk row now; absent for a stack without rows. */
  readonly rowsAmong?: Tools['rowsAmong'];
}

/** Everything that runs on Qdrant. To be wrapped in `withFailures`. */
export function createQdrantActivities({ config, store, embedding, patience, rowsAmong }: Parts): QdrantActivities {
  const connection = new QdrantConnection(config);
  const tools: Tools = {
    connection,
    store,
    mapping: { fields: config.fields, embedding },
    patience: { ...PATIENCE, ...patience },
    rowsAmong,
  };
  return {
    captureCollection: (input) => withProgress({}, (work) => captureCollection(tools, input, work)),
    captureIndex: (input) => withProgress(input, (work) => captureIndex(tools, input, work)),
    describeCollection: ({ collection }) => describeCollection(connection, collection),
    restoreBeside: (input) => withProgress(input, (work) => restoreBeside(tools, input, work)),
    dropScratch: ({ scratch }) => dropScratch(connection, scratch, cancellationSignal()),
    copyPoints: (input) => withProgress(input, (work) => copyPoints(tools, input, work)),
    dropPoints: (input) => withProgress(input, (work) => dropPoints(tools, input, work)),
    revertPoints: (input) => withProgress(input, (work) => revertPoints(tools, input, work)),
    createIndexes: (input) => withProgress({}, ({ signal }) => createIndexes(tools, input, signal)),
    revertIndexes: (input) => withProgress({}, ({ signal }) => revertIndexes(tools, input, signal)),
    compareShape: ({ collection, set }) => compareShape(connection, collection, set),
    checkAccess: ({ collection } = {}) => checkAccess(connection, collection),
  };
}

/** The name holds the attempt: a key is never written twice, and what a lost attempt left is nobody's reference. */
async function captureIndex(
  { connection, mapping, store }: Tools,
  { collection, folder }: { collection: string; folder: string },
  { signal, report }: Work,
): Promise<{ index: Artifact; points: number }> {
  const total = await countPoints(connection, collection, signal);
  const { activityId, attempt } = activityInfo();
  const key = `${folder}/index-${activityId.replace(/[^A-Za-z0-9-]+/g, '-')}-${attempt}.tsv`;
  let done = 0;
  const told = async function* (): ReturnType<typeof readIndex> {
    for await (const batch of readIndex(connection, mapping, collection, 'content', signal)) {
      yield batch;
      done += batch.length;
      report({ phase: `read ${collection}`, done, total });
    }
  };
  const { artifact, count } = await writeLines(store, key, told(), indexLine);
  return { index: artifact, points: count };
}
