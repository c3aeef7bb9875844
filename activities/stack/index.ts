import type { StackActivities } from '../contract.ts';
import { withProgress } from '../progress.ts';
import { captureGolden, checkRetrieval } from './golden.ts';
import type { StackPorts } from './ports.ts';
import { reconcileStack } from './reconcile.ts';
import { reembedPoints } from './reembed.ts';

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
