import { cancellationSignal } from '@temporalio/activity';
import type { QdrantConfig } from '../../config/schema.ts';
import type { ArtifactStore } from '../../domain/artifacts.ts';
import type { EmbeddingIdentity } from '../../domain/recovery-set.ts';
import { withProgress } from '../progress.ts';
import type { BackupActivities, VerificationActivities } from '../set-contract.ts';
import { QdrantConnection } from './client.ts';
import { dropScratch } from './collections.ts';
import { captureOthers, checkOthers } from './others.ts';
import { restoreBeside } from './restore.ts';
import { captureSample } from './sample.ts';
import { PATIENCE, type Patience, type Tools } from './tools.ts';
import { checkRestored, listScratch } from './verify.ts';

interface Parts {
  readonly config: QdrantConfig;
  /** The other nodes of the cluster, and the other collections that belong into a set. */
  readonly nodes: readonly QdrantConfig[];
  readonly collections: readonly string[];
  readonly samplePoints: number;
  /** Where snapshots are tried out. */
  readonly verifyOn: QdrantConfig;
  readonly store: ArtifactStore;
  readonly embedding: EmbeddingIdentity;
  readonly patience?: Partial<Patience>;
}

type SetActivitiesOfQdrant = Pick<BackupActivities, 'captureSample' | 'captureOthers'> &
  Pick<VerificationActivities, 'restoreSnapshot' | 'checkOthers' | 'checkRestored' | 'dropRestored' | 'listRestored'>;

/** What sets need of Qdrant besides the snapshot and the index. To be wrapped in `withFailures`. */
export function createQdrantSetActivities(parts: Parts): SetActivitiesOfQdrant {
  const toolsFor = (config: QdrantConfig): Tools => ({
    connection: new QdrantConnection(config),
    store: parts.store,
    mapping: { fields: config.fields, embedding: parts.embedding },
    patience: { ...PATIENCE, ...parts.patience },
  });
  const live = toolsFor(parts.config);
  const beside = toolsFor(parts.verifyOn);
  const elsewhere = { nodes: parts.nodes.map(toolsFor), collections: parts.collections };
  return {
    captureSample: (input) =>
      withProgress({}, ({ signal }) => captureSample(live, { ...input, count: parts.samplePoints }, signal)),
    captureOthers: (input) => withProgress(input, (work) => captureOthers(live, elsewhere, input, work)),
    restoreSnapshot: ({ set, scratch, resume }) =>
      withProgress({ resume }, (work) => restoreBeside(beside, { snapshot: set.qdrant.snapshot, scratch }, work)),
    checkOthers: (input) => withProgress(input, (work) => checkOthers(beside, input, work)),
    checkRestored: (input) => withProgress(input, (work) => checkRestored(beside, input, work)),
    dropRestored: ({ scratch }) => dropScratch(beside.connection, scratch, cancellationSignal()),
    listRestored: () => listScratch(beside),
  };
}
