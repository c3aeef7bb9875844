import { ApplicationFailure, CancelledFailure } from '@temporalio/activity';
import { FAILURES, type FailureCode, RecoveryError } from '../domain/failures.ts';
import { keepingProgress, lastProgress } from './progress.ts';

/**
 * Wraps every activity of a factory, so that whatever goes wrong inside reaches the workflow as one `ApplicationFailure`
 * whose `type` is one of our codes and whose details say how far the attempt had come. Nothing is retried by the engine
 * except a lost worker: the run protocol decides about outages, because it can tell people that it is waiting.
 */
export function withFailures<T extends object>(activities: T): T {
  const wrapped = Object.entries(activities).map(([name, activity]) => [
    name,
    (...args: unknown[]): Promise<unknown> => {
      const call = activity as (...args: unknown[]) => Promise<unknown>;
      return keepingProgress(async () => {
        try {
          return await call(...args);
        } catch (error) {
          throw asFailure(error);
        }
      });
    },
  ]);
  return Object.fromEntries(wrapped) as T;
}

/** The failure that Temporal records for an error. Messages are ours; the cause's stack stays in the worker's log. */
export function asFailure(error: unknown): Error {
  if (error instanceof CancelledFailure || error instanceof ApplicationFailure) return error;
  const code: FailureCode = error instanceof RecoveryError ? error.code : 'UNEXPECTED';
  const message = error instanceof Error ? error.message : String(error);
  const progress = lastProgress();
  return ApplicationFailure.create({
    type: code,
    message,
    nonRetryable: true,
    details: [{ next: FAILURES[code].next, ...(progress ? { progress } : {}) }],
  });
}
