import { isGrpcDeadlineError, type UpdateDefinition } from '@temporalio/client';
import { shortHash } from '../domain/plan.ts';
import { abortSignal } from '../workflows/messages.ts';
import { EXIT_CODES, type ExitCode } from './exit-codes.ts';
import type { Job } from './command.ts';
import { unknownOutcome } from './problem.ts';
import type { FoundRun } from './runs.ts';
import { CALL_MS, type Temporal, WORKER_MS } from './temporal.ts';
import { withRun } from './with-run.ts';

/** Sends one update to the named run, or else the one in progress, and says what the run answered. */
export function sendUpdate<A>(
  job: Job,
  id: string | undefined,
  update: UpdateDefinition<string, [A]>,
  message: A,
): Promise<ExitCode> {
  return withRun(job, id, async (temporal, run) => {
    return told(job, run, update.name, await deliver(temporal, run, update, message));
  });
}

/** Delivers an update. @throws Problem: refused by the run, or not known whether it arrived */
export async function deliver<A>(
  temporal: Temporal,
  run: FoundRun,
  update: UpdateDefinition<string, [A]>,
  message: A,
): Promise<string> {
  try {
    return await temporal.within(WORKER_MS, () => run.handle.executeUpdate<string, [A]>(update, { args: [message] }));
  } catch (error) {
    if (isGrpcDeadlineError(error)) throw unknownOutcome(update.name);
    throw error;
  }
}

/** Sends the abort, which the server keeps until a worker can act on it. */
export function sendAbort(
  job: Job,
  id: string | undefined,
  message: { by?: string; reason?: string },
): Promise<ExitCode> {
  return withRun(job, id, async (temporal, run) => {
    await temporal.within(CALL_MS, () => run.handle.signal(abortSignal, message));
    return told(job, run, 'abort', 'sent: the run stops and undoes what it did; follow it with `dr status --watch`');
  });
}

/** Says what came of a message. */
export function told(
  job: Job,
  { workflowId, runId }: FoundRun,
  message: string,
  answer: string,
  plan?: string,
): ExitCode {
  const about = plan === undefined ? '' : ` of plan ${shortHash(plan)}`;
  job.out.answer(
    { workflowId, runId, message, answer, ...(plan === undefined ? {} : { plan }) },
    `${message}${about}: ${answer} (${workflowId})`,
  );
  return EXIT_CODES.ok.code;
}
