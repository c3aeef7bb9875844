import { randomUUID } from 'node:crypto';
import type { Workflow, WorkflowHandleWithFirstExecutionRunId, WorkflowStartOptions } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import type { RecoveryActivities } from '../../activities/contract.ts';
import { withFailures } from '../../activities/fail.ts';
import { workflowBundle } from './temporal.ts';

/** A call of an activity, with what it was given. */
export interface Call {
  readonly name: string;
  readonly input: Record<string, unknown> | undefined;
}

/** The same activities, each of whose calls is written down first. */
export function recorded(activities: RecoveryActivities, calls: Call[]): RecoveryActivities {
  const noted = Object.entries(activities).map(([name, activity]) => [
    name,
    (input?: Record<string, unknown>) => {
      calls.push({ name, input });
      return (activity as (input?: unknown) => Promise<unknown>)(input);
    },
  ]);
  return Object.fromEntries(noted) as RecoveryActivities;
}

interface Start {
  readonly server: TestWorkflowEnvironment;
  readonly environment: string;
  readonly activities: RecoveryActivities;
  /** The workflow's type. */
  readonly type: string;
  readonly input: object;
}

/** Starts a workflow on a worker of its own, and ends the worker when the talk is over. */
export async function runWorkflow<W extends Workflow, T>(
  { server, environment, activities, type, input }: Start,
  talk: (run: WorkflowHandleWithFirstExecutionRunId<W>) => Promise<T>,
): Promise<T> {
  const taskQueue = `recovery-${environment}`;
  const worker = await Worker.create({
    connection: server.nativeConnection,
    taskQueue,
    workflowBundle: await workflowBundle(),
    activities: withFailures(activities),
  });
  return worker.runUntil(async () => {
    const options = { taskQueue, workflowId: `${type}/${randomUUID()}`, args: [input] };
    const run = await server.client.workflow.start<W>(type, options as unknown as WorkflowStartOptions<W>);
    try {
      return await talk(run);
    } finally {
      // What goes on without a worker has timeouts, and the clock would stop at every one of them.
      const after = server.client.workflow.getHandle(`backup-after/${run.firstExecutionRunId}`);
      await after.result().catch(() => undefined);
    }
  });
}
