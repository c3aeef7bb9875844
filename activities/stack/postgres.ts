import type { PostgresStackActivities } from '../postgres-contract.ts';
import { withProgress } from '../progress.ts';
import { judgeLostChunks } from './lost-chunks.ts';
import type { StackPorts } from './ports.ts';
import { probeMoment, type ProbePorts } from './probe.ts';
import { rebuildRows, type RowWriter } from './rebuild.ts';
import { checkTraceability, type TracePorts } from './traceability.ts';

/** What recovering Postgres needs besides what every stack activity has. */
export interface PostgresPorts extends ProbePorts, Pick<TracePorts, 'traces'> {
  readonly rowWriter: RowWriter;
}

/** Recovering Postgres, as far as it takes several systems. To be wrapped in `withFailures`. */
export function createPostgresStackActivities(ports: StackPorts, own: PostgresPorts): PostgresStackActivities {
  return {
    probeMoment: ({ resume, ...input }) => withProgress({ resume }, (work) => probeMoment(own, input, work)),
    judgeLostChunks: ({ resume, ...input }) => withProgress({ resume }, (work) => judgeLostChunks(ports, input, work)),
    rebuildRows: ({ resume, ...input }) =>
      withProgress({ resume }, (work) => rebuildRows({ ...ports, rowWriter: own.rowWriter }, input, work)),
    checkTraceability: ({ resume, ...input }) =>
      withProgress({ resume }, (work) => checkTraceability({ ...ports, traces: own.traces }, input, work)),
  };
}
