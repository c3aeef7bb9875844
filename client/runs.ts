import { type WorkflowExecutionStatusName, type WorkflowHandle, WorkflowNotFoundError } from '@temporalio/client';
import { leaseIdOf, taskQueueOf } from '../domain/names.ts';
import { type RunStatus, runStatusSchema } from '../domain/report.ts';
import { statusQuery } from '../workflows/messages.ts';
import { notFound } from './problem.ts';
import { SCENARIOS, scenarioOf } from './scenarios.ts';
import { CALL_MS, type Temporal, WORKER_MS } from './temporal.ts';

/** One run, pinned to its run id, so that every call of a command means the same one. */
export interface FoundRun {
  readonly handle: WorkflowHandle;
  readonly workflowId: string;
  readonly runId: string;
  readonly scenario: string;
  readonly state: WorkflowExecutionStatusName;
}

/** The named run, or else the one in progress in the environment. @throws Problem (exit 5) when there is none */
export async function findRun(temporal: Temporal, environment: string, id?: string): Promise<FoundRun> {
  if (id !== undefined) return describeRun(temporal, id);
  const holder = await leaseHolder(temporal, environment);
  if (holder !== undefined) return describeRun(temporal, holder);
  // A run that has only just been started may not hold the lease yet.
  const [running] = await listRuns(temporal, environment, { limit: 1, running: true });
  if (running) return running;
  const [last] = await listRuns(temporal, environment, { limit: 1 });
  const next = last
    ? `The last one was ${last.workflowId}: read it with \`dr report ${last.workflowId}\`.`
    : 'Start one with `dr start`.';
  throw notFound(`no run is in progress in ${environment}`, next);
}

/** The named run, or else the newest of the environment, in progress or not. */
export async function findNewest(temporal: Temporal, environment: string, id?: string): Promise<FoundRun> {
  if (id !== undefined) return describeRun(temporal, id);
  const [newest] = await listRuns(temporal, environment, { limit: 1 });
  if (newest) return newest;
  throw notFound(`no run is known in ${environment}`, 'Start one with `dr start`.');
}

/** What the run says of itself; the answer comes from a worker. */
export async function statusOf(temporal: Temporal, { handle }: FoundRun, milliseconds = WORKER_MS): Promise<RunStatus> {
  return runStatusSchema.parse(await temporal.within(milliseconds, () => handle.query(statusQuery)));
}

export async function describeRun(temporal: Temporal, id: string): Promise<FoundRun> {
  const { client, within } = temporal;
  try {
    const { runId, type, status } = await within(CALL_MS, () => client.workflow.getHandle(id).describe());
    return {
      handle: client.workflow.getHandle(id, runId),
      workflowId: id,
      runId,
      scenario: scenarioOf(type),
      state: status.name,
    };
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    throw notFound(`there is no run ${id}`, 'List the runs with `dr runs`.');
  }
}

/** Runs of the environment, those in progress first, then by time. */
export async function listRuns(
  { client, within }: Temporal,
  environment: string,
  { limit, running = false }: { limit: number; running?: boolean },
): Promise<(FoundRun & { startedAt: Date; closedAt: Date | undefined; searchAttributes: Record<string, unknown> })[]> {
  const types = SCENARIOS.map(({ workflowType }) => `'${workflowType}'`).join(', ');
  const query = `TaskQueue = '${taskQueueOf(environment)}' AND WorkflowType IN (${types})`;
  return within(CALL_MS, async () => {
    const runs = [];
    const found = client.workflow.list({
      query: running ? `${query} AND ExecutionStatus = 'Running'` : query,
      pageSize: limit,
    });
    for await (const { workflowId, runId, type, status, startTime, closeTime, typedSearchAttributes } of found) {
      const searchAttributes = Object.fromEntries(
        typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]),
      );
      runs.push({
        handle: client.workflow.getHandle(workflowId, runId),
        workflowId,
        runId,
        scenario: scenarioOf(type),
        state: status.name,
        startedAt: startTime,
        closedAt: closeTime,
        searchAttributes,
      });
      if (runs.length === limit) break;
    }
    return runs;
  });
}

/** The lease is a child of the run that holds it, and the engine answers for it without delay, unlike lists. */
async function leaseHolder({ client, within }: Temporal, environment: string): Promise<string | undefined> {
  try {
    const { status, parentExecution } = await within(CALL_MS, () =>
      client.workflow.getHandle(leaseIdOf(environment)).describe(),
    );
    return status.name === 'RUNNING' ? (parentExecution?.workflowId ?? undefined) : undefined;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}
