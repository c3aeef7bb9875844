import { AsyncLocalStorage } from 'node:async_hooks';
import { activityInfo, cancellationSignal, heartbeat } from '@temporalio/activity';
import { z } from 'zod';
import type { Progress, Resumable } from './contract.ts';

const BEAT_EVERY_MS = 2_000;

const progressSchema = z.object({
  phase: z.string(),
  done: z.number(),
  total: z.number(),
  cursor: z.string().optional(),
}) satisfies z.ZodType<Progress>;

/** The last progress of the activity that runs now; kept per activity, so that its failure can carry it. */
const current = new AsyncLocalStorage<{ progress?: Progress }>();

export function lastProgress(): Progress | undefined {
  return current.getStore()?.progress;
}

/** What a long activity is handed: where to go on from, how to tell how far it is, and when to stop. */
export interface Work {
  readonly resume: Progress | undefined;
  readonly signal: AbortSignal;
  report(progress: Progress): void;
}

/**
 * Runs a long activity with heartbeats: an object at every step, so that a person sees `{phase, done, total}`.
 * Progress of the attempt before comes from its heartbeat (the worker died) or from the input (the step was repeated).
 */
export async function withProgress<T>(input: Resumable, work: (work: Work) => Promise<T>): Promise<T> {
  const state = current.getStore() ?? {};
  const before = progressSchema.safeParse(activityInfo().heartbeatDetails ?? input.resume);
  return work({
    resume: before.success ? before.data : undefined,
    signal: cancellationSignal(),
    report: (progress) => {
      state.progress = progress;
      heartbeat(progress);
    },
  });
}

/**
 * Gives an activity call its own place to keep progress in, and beats while a single call blocks: the engine sees a dead
 * worker within the heartbeat timeout, however short or long the activity is.
 */
export function keepingProgress<T>(run: () => Promise<T>): Promise<T> {
  const state: { progress?: Progress } = {};
  return current.run(state, async () => {
    const beat = setInterval(() => heartbeat(state.progress), BEAT_EVERY_MS);
    try {
      return await run();
    } finally {
      clearInterval(beat);
    }
  });
}
