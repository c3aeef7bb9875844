import { taskQueueOf } from '../domain/names.ts';
import type { Output } from './output.ts';
import type { Temporal } from './temporal.ts';

const LOOK_MS = 3_000;
const WORKFLOW_TASKS = 1;

/** How many workers ask for the environment's work. */
export async function countPollers({ connection, namespace, within }: Temporal, environment: string): Promise<number> {
  const { pollers } = await within(LOOK_MS, () =>
    connection.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: taskQueueOf(environment) },
      taskQueueType: WORKFLOW_TASKS,
    }),
  );
  return pollers.length;
}

/** Says so when no worker serves the environment: a run would wait for one without a word. */
export async function warnWithoutWorker(temporal: Temporal, environment: string, out: Output): Promise<void> {
  try {
    if ((await countPollers(temporal, environment)) === 0) {
      const name = taskQueueOf(environment);
      out.note(`No worker serves ${environment} (task queue ${name}): the run waits until one is started.`);
    }
  } catch {
    // Only a courtesy: the run is started, whatever this call says.
  }
}
