import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure, TimeoutFailure } from '@temporalio/workflow';
import { z } from 'zod';
import type { Progress } from '../activities/contract.ts';
import { FAILURES, type FailureCode, isFailureCode, RecoveryError, type RetryClass } from '../domain/failures.ts';
import type { FailureView } from '../domain/report.ts';

/** A failure as the protocol needs it: what people see, what may be done, and where the call had come to. */
export interface Trouble {
  readonly code: FailureCode;
  readonly retry: RetryClass;
  readonly view: FailureView;
  readonly activity?: string;
  readonly progress?: Progress;
}

const detailsSchema = z.object({
  progress: z
    .object({ phase: z.string(), done: z.number(), total: z.number(), cursor: z.string().optional() })
    .optional(),
});

/** Reads any error that workflow code can meet. An error without a code of ours is `UNEXPECTED`. */
export function troubleOf(error: unknown): Trouble {
  if (error instanceof ActivityFailure) {
    const inner =
      error.cause instanceof TimeoutFailure ? trouble('WORKER_LOST', error.cause.message) : troubleOf(error.cause);
    return { ...inner, activity: error.activityType };
  }
  if (error instanceof ChildWorkflowFailure) return troubleOf(error.cause);
  if (error instanceof RecoveryError) return trouble(error.code, error.message);
  if (error instanceof ApplicationFailure && isFailureCode(error.type)) {
    const details = detailsSchema.safeParse(error.details?.[0]);
    const progress = details.success ? details.data.progress : undefined;
    return { ...trouble(error.type, error.message), ...(progress ? { progress } : {}) };
  }
  return trouble('UNEXPECTED', error instanceof Error ? error.message : String(error));
}

function trouble(code: FailureCode, message: string): Trouble {
  const { retry, next } = FAILURES[code];
  return { code, retry, view: { code, message, next } };
}

/** The failure that ends a workflow or refuses an update: never retried, with code and next step. */
export function failureWith(code: FailureCode, message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, code, { next: FAILURES[code].next });
}
