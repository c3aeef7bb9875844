import { fileURLToPath } from 'node:url';
import { Connection } from '@temporalio/client';
import { taskQueueOf } from '../../domain/names.ts';
import type { StackEnvironment } from './settings.ts';
import type { PartPlan, StackContext } from './types.ts';

const script = fileURLToPath(new URL('../../workers/main.ts', import.meta.url));
const WORKFLOW_QUEUE = 1;

/** The product's own worker, with this sandbox as its environment. */
export function planWorker(context: StackContext, env: StackEnvironment): PartPlan {
  const queue = taskQueueOf(env.DR_ENVIRONMENT);
  return {
    name: 'worker',
    address: `task queue ${queue}`,
    source: 'workers/main.ts',
    command: {
      program: process.execPath,
      // As the launcher and the containers start it: without this, V8 keeps a hundred megabytes more and is no faster.
      args: ['--max-semi-space-size=16', script],
      cwd: context.dir,
      env: { ...context.options.handedDown, ...env },
      stopSignal: 'SIGTERM',
    },
    ready: (pid) => expectPoller(env.TEMPORAL_ADDRESS, queue, pid),
  };
}

/**
 * The worker serves once Temporal has seen it ask for work. Its identity carries its process number; Temporal goes on
 * naming one that has died for some minutes.
 */
async function expectPoller(address: string, queue: string, pid: number | undefined): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: '2s' });
  try {
    const request = { namespace: 'default', taskQueue: { name: queue }, taskQueueType: WORKFLOW_QUEUE };
    const { pollers } = await connection.withDeadline(Date.now() + 2_000, () =>
      connection.workflowService.describeTaskQueue(request),
    );
    if (!pollers.some(({ identity }) => identity?.includes(`:${pid}@`))) throw new Error(`nobody polls ${queue}`);
  } finally {
    await connection.close();
  }
}
