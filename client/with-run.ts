import type { Job } from './command.ts';
import { type FoundRun, findRun } from './runs.ts';
import { type Temporal, withTemporal } from './temporal.ts';

/** Opens Temporal and finds the named run, or else the one in progress. What nobody said is asked for first. */
export function withRun<T>(
  job: Job,
  id: string | undefined,
  use: (temporal: Temporal, run: FoundRun) => Promise<T>,
): Promise<T> {
  const environment = id === undefined ? job.environment() : '';
  return withTemporal(job.context, async (temporal) => use(temporal, await findRun(temporal, environment, id)));
}
