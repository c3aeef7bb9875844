import { isGrpcDeadlineError, WorkflowFailedError } from '@temporalio/client';
import type { StoreConfig } from '../config/store.ts';
import { type FailureView, type RunReport, runReportSchema } from '../domain/report.ts';
import { EXIT_CODES, type ExitCode } from './exit-codes.ts';
import { viewOf } from './failures.ts';
import type { FoundRun } from './runs.ts';
import { storedReport } from './store.ts';
import type { Temporal } from './temporal.ts';

const RESULT_MS = 5_000;

/** How a run ended: always with a failure or a report, often with both. */
export interface Ending {
  readonly report?: RunReport;
  readonly failure?: FailureView;
}

/**
 * How the run ended, or `undefined` while it works. A run that failed has no result, but it has written its report to
 * the evidence store, where this client may be able to read it.
 */
export async function endingOf(temporal: Temporal, run: FoundRun, store: StoreConfig): Promise<Ending | undefined> {
  try {
    return { report: runReportSchema.parse(await temporal.within(RESULT_MS, () => run.handle.result())) };
  } catch (error) {
    if (isGrpcDeadlineError(error)) return undefined;
    if (!(error instanceof WorkflowFailedError)) throw error;
    // Without the store the run's own end is still worth telling.
    const report = await storedReport(store, run.workflowId, run.runId).catch(() => undefined);
    return { failure: viewOf(error.cause ?? error), ...(report ? { report } : {}) };
  }
}

export function exitCodeOf({ report, failure }: Ending): ExitCode {
  return failure === undefined && report?.verdict === 'pass' ? EXIT_CODES.ok.code : EXIT_CODES.notPassed.code;
}
