import { workflowInfo } from '@temporalio/workflow';

/** The id of the run that this one began as: a reset gives a run another id, and must not give its plan another hash. */
export function stableRunId(): string {
  return workflowInfo().firstExecutionRunId;
}

/** The time in so many minutes. Pages are read long after they were written, so deadlines are told by the clock. */
export function clockIn(minutes: number): string {
  return `${new Date(Date.now() + minutes * 60_000).toISOString().slice(0, 19)}Z`;
}
