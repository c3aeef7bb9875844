import { activityInfo, cancellationSignal } from '@temporalio/activity';
import type { QdrantConfig } from '../../config/schema.ts';
import type { ArtifactStore } from '../../domain/artifacts.ts';
import type { EmbeddingIdentity } from '../../domain/recovery-set.ts';
import type { CollectionActivities } from '../cluster-contract.ts';
import { withProgress } from '../progress.ts';
import { checkTransport } from '../transport.ts';
import { addressOf } from './address.ts';
import { revertAliases, setAliases } from './aliases.ts';
import { QdrantConnection } from './client.ts';
import { createCollection, finishCollection } from './create.ts';
import { awaitOptimized } from './optimized.ts';
import { dropMade } from './ownership.ts';
import { checkQueries } from './queries.ts';
import { restoreInto } from './restore-into.ts';
import { PATIENCE, type Patience, type Tools } from './tools.ts';

export { createProbe } from './probe.ts';

interface Parts {
  readonly config: QdrantConfig;
  /** The other nodes of the same cluster: each takes the snapshot of its place in the list. */
  readonly nodes?: readonly QdrantConfig[] | undefined;
  readonly store: ArtifactStore;
  readonly embedding: EmbeddingIdentity;
  /** Least share of the exact answer that the ANN answer must have. */
  readonly recallFloor: number;
  readonly patience?: Partial<Patience> | undefined;
}

/** Making a collection on one server, filling it, and telling whether it is as it should be. To be wrapped in `withFailures`. */
export function createCollectionActivities(parts: Parts): CollectionActivities {
  const toolsFor = (config: QdrantConfig): Tools => ({
    connection: new QdrantConnection(config),
    store: parts.store,
    mapping: { fields: config.fields, embedding: parts.embedding },
    patience: { ...PATIENCE, ...parts.patience },
  });
  const tools = toolsFor(parts.config);
  const nodes = [tools, ...(parts.nodes ?? []).map(toolsFor)] as const;
  const { connection } = tools;
  const run = (): string => activityInfo().workflowExecution?.runId ?? '';
  return {
    createCollection: (input) => withProgress({}, (work) => createCollection(tools, input, work)),
    finishCollection: (input) => withProgress({}, (work) => finishCollection(tools, input, work)),
    restoreInto: (input) => withProgress(input, (work) => restoreInto(nodes, input, work)),
    dropMade: (input) => dropMade(connection, input, cancellationSignal()),
    setAliases: (input) => setAliases(connection, { ...input, run: run() }, cancellationSignal()),
    revertAliases: (input) => revertAliases(connection, input, cancellationSignal()),
    awaitOptimized: (input) => withProgress(input, (work) => awaitOptimized(tools, input, work)),
    checkQueries: (input) =>
      withProgress({}, (work) => checkQueries(tools, { ...input, floor: parts.recallFloor }, work)),
    checkTransport: () => checkTransport(addressOf(parts.config.url)),
  };
}
