import { TimeoutFailure, WorkflowFailedError } from '@temporalio/client';
import { type Discovery, discoverySchema } from '../domain/discovery.ts';
import type { Finding } from '../domain/freshness.ts';
import { taskQueueOf } from '../domain/names.ts';
import { viewOf } from './failures.ts';
import { Problem } from './problem.ts';
import type { Temporal } from './temporal.ts';

const LOOK_MS = 3 * 60_000;
/** Whoever asks how things are does not wait for ever. */
const GLANCE_MS = 30_000;
/** The server says by itself that nobody answered; this is for one that says nothing. */
const GRACE_MS = 10_000;

/**
 * What the worker sees of the stack; whoever asks here has no credentials of it.
 * @throws Problem (exit 4) when the worker does not answer in time, (exit 3) when it refuses
 */
export async function discoverStack(temporal: Temporal, environment: string, hazardsOnly = false): Promise<Discovery> {
  const milliseconds = hazardsOnly ? GLANCE_MS : LOOK_MS;
  try {
    const answer: unknown = await temporal.within(milliseconds + GRACE_MS, () =>
      temporal.client.workflow.execute('discoverStack', {
        taskQueue: taskQueueOf(environment),
        workflowId: `discover-stack/${environment}${hazardsOnly ? '/hazards' : ''}`,
        workflowIdConflictPolicy: 'USE_EXISTING',
        workflowExecutionTimeout: milliseconds,
        args: [{ hazardsOnly }],
        staticSummary: `Look at ${environment}, reading only`,
      }),
    );
    return discoverySchema.parse(answer);
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    if (error.cause instanceof TimeoutFailure) throw notAnswered(milliseconds);
    throw new Problem('refused', viewOf(error.cause ?? error));
  }
}

function notAnswered(milliseconds: number): Problem {
  return new Problem('unreachable', {
    code: 'NO_ANSWER',
    message: `no worker has answered within ${milliseconds / 1000} s`,
    next: 'See with `dr doctor` whether one serves the environment. One that is older than this `dr` does not know the question.',
  });
}

/** What will hurt, as `dr doctor` tells it: a finding each, and one for each part that does not answer. */
export function findingsOf({ seen, leftOut, hazards }: Discovery): Finding[] {
  const silent = leftOut.map((why): Finding => ({
    name: 'stack',
    state: 'warning',
    message: why,
    next: 'When it is not meant to be away, see what happened to it; `dr start` recovers it.',
  }));
  const told = hazards.map(({ name, ...rest }): Finding => ({ name: `hazard ${name}`, ...rest }));
  if (silent.length + told.length > 0) return [...silent, ...told];
  return [{ name: 'hazards', state: 'ok', message: `none is seen in ${seen.join(', ')}` }];
}
