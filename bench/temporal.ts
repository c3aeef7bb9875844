import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { taskQueueOf } from '../domain/names.ts';
import { type RunReport, runReportSchema, type RunStatus } from '../domain/report.ts';
import { approveUpdate, statusQuery } from '../workflows/messages.ts';
import type { Stage } from './stage.ts';

const LOOK_EVERY_MS = 100;
/** A query costs the worker something, so there are few once nothing is left to answer. */
const LOOK_AFTERWARDS_MS = 2_000;
const DEADLINE_MS = 60 * 60_000;

/** What a finished run left behind. */
export interface Recovered {
  readonly report: RunReport;
  readonly events: number;
  readonly bytes: number;
}

/**
 * The whole runbook through Temporal and the worker, approved as soon as it asks.
 * @throws Error when it does not end recovered with every gate green
 */
export async function recoverThroughTemporal(
  { stack, config }: Stage,
  workflowType = 'recoverPartialQdrantLoss',
  input: object = {},
): Promise<Recovered> {
  const ended = new AbortController();
  const connection = await Connection.connect({ address: stack.env['TEMPORAL_ADDRESS'] ?? '' });
  try {
    const client = new Client({ connection });
    const workflowId = `bench-${randomUUID()}`;
    const taskQueue = taskQueueOf(config.environment);
    const handle = await client.workflow.start(workflowType, {
      taskQueue,
      workflowId,
      args: [{ commitWindowMinutes: 0, reason: 'a benchmark', ...input }],
    });
    const report = runReportSchema.parse(await Promise.race([attend(handle, ended.signal), handle.result()]));
    if (report.outcome !== 'recovered' || report.verdict !== 'pass') {
      throw new Error(
        `the run ended ${report.outcome} with the verdict ${report.verdict}: ${JSON.stringify(report.gates)}`,
      );
    }
    const { historyLength, historySize } = await handle.describe();
    return { report, events: historyLength, bytes: historySize ?? 0 };
  } finally {
    ended.abort();
    await connection.close();
  }
}

/** Takes a recovery set through Temporal. @throws Error when it does not pass */
export async function backUpThroughTemporal({ stack, config }: Stage): Promise<void> {
  const connection = await Connection.connect({ address: stack.env['TEMPORAL_ADDRESS'] ?? '' });
  try {
    const report = runReportSchema.parse(
      await new Client({ connection }).workflow.execute('backUpStack', {
        taskQueue: taskQueueOf(config.environment),
        workflowId: `bench-${randomUUID()}`,
        args: [{}],
      }),
    );
    if (report.verdict !== 'pass') throw new Error(`the backup ended ${report.outcome}, ${report.verdict}`);
  } finally {
    await connection.close();
  }
}

/** Approves, and sees to it that a run which waits for a person is a failure and not a wait without end. */
async function attend(handle: WorkflowHandle, ended: AbortSignal): Promise<never> {
  let approved = false;
  for (const deadline = Date.now() + DEADLINE_MS; Date.now() < deadline;) {
    await pause(approved ? LOOK_AFTERWARDS_MS : LOOK_EVERY_MS, undefined, { signal: ended });
    const status: RunStatus = await handle.query(statusQuery);
    const waiting = status.steps.find(({ state }) => state === 'waiting');
    if (waiting && waiting.name !== 'approve') throw new Error(`the run waits: ${status.awaiting}`);
    if (!waiting || approved || status.planHash === undefined) continue;
    await handle.executeUpdate(approveUpdate, { args: [{ plan: status.planHash, approver: 'bench' }] });
    approved = true;
  }
  throw new Error('the run came to no end within an hour');
}
