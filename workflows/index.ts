/** Every workflow that the worker offers: the entry of the workflow bundle. */
export { backUpStack } from './back-up-stack.ts';
export { copyColdStorage } from './copy-cold-storage.ts';
export { discoverStack } from './discover-stack.ts';
export { holdRecoveryLease } from './lease.ts';
export { markEnvironment } from './mark-environment.ts';
export { pruneRecoverySets } from './prune-recovery-sets.ts';
export { recoverPartialQdrantLoss } from './recover-partial-qdrant-loss.ts';
export { verifyRecoverySet } from './verify-recovery-set.ts';
export { recoverPostgresMetadata } from './recover-postgres-metadata.ts';
export { recoverQdrantCluster } from './recover-qdrant-cluster.ts';
export { reindexContent } from './reindex-content.ts';
export { recoverAppServer } from './recover-app-server.ts';
