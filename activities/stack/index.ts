import type { QdrantConfig } from '../../config/schema.ts';
import type { VectorStore } from '../../domain/vector-store.ts';
import type { StackActivities } from '../contract.ts';
import { withProgress } from '../progress.ts';
import type { BackupActivities, VerificationActivities } from '../set-contract.ts';
import { plantCanary } from './canary.ts';
import { captureGolden, checkRetrieval } from './golden.ts';
import { compareParts } from './parts.ts';
import type { StackPorts } from './ports.ts';
import { reconcileStack } from './reconcile.ts';
import { reembedPoints } from './reembed.ts';
import { checkTogether } from './verify.ts';

export { checkEmbeddingSpace } from './embedding-space.ts';
export type { StackPorts } from './ports.ts';

/** Activities that need two systems at once. To be wrapped in `withFailures`. */
export function createStackActivities(ports: StackPorts): StackActivities {
  return {
    reconcileStack: (input) => withProgress(input, (work) => reconcileStack(ports, input, work)),
    reembedPoints: (input) => withProgress(input, (work) => reembedPoints(ports, input, work)),
    captureGolden: (input) => withProgress({}, (work) => captureGolden(ports, input, work)),
    checkRetrieval: (input) => withProgress({}, (work) => checkRetrieval(ports, input, work)),
  };
}

/** What sets need of several systems at once. */
export interface StackSetParts {
  readonly environment: string;
  readonly ids: QdrantConfig['idStrategy'];
  /** Where snapshots are tried out. */
  readonly verifyOn: VectorStore;
}

/** Activities of sets that need two systems at once. To be wrapped in `withFailures`. */
export function createStackSetActivities(
  ports: StackPorts,
  { environment, ids, verifyOn }: StackSetParts,
): Pick<BackupActivities, 'plantCanary' | 'compareParts'> & Pick<VerificationActivities, 'checkTogether'> {
  const { app: _asksTheLiveOne, rows: _live, ...rest } = ports;
  const beside = { ...rest, vectors: verifyOn };
  return {
    plantCanary: (input) => withProgress({}, (work) => plantCanary(ports, { ...input, environment, ids }, work)),
    compareParts: (input) => withProgress(input, (work) => compareParts(ports, input, work)),
    checkTogether: (input) => withProgress(input, (work) => checkTogether(beside, input, work)),
  };
}
