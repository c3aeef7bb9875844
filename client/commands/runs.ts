import { type Command, InvalidArgumentError } from 'commander';
import { describeSeconds } from '../../domain/format.ts';
import { isKept, outcomeSchema } from '../../domain/report.ts';
import { action, type Cli, command, type Job } from '../command.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { listRuns } from '../runs.ts';
import { renderTable } from '../table.ts';
import { withTemporal } from '../temporal.ts';

const DEFAULT_LIMIT = 20;
const MOST = 1_000;

/** `dr runs` */
export function runsCommand(cli: Cli): Command {
  return command('runs', 'List the runs of an environment', 'dr runs --limit 5')
    .option('--limit <count>', 'how many at most', count, DEFAULT_LIMIT)
    .action(action(cli, (job, { limit }: { limit: number }) => list(job, limit)));
}

async function list({ context, out, environment }: Job, limit: number): Promise<ExitCode> {
  const name = environment();
  return withTemporal(context, async (temporal) => {
    const found = await listRuns(temporal, name, { limit });
    const runs = found.map(({ workflowId, runId, scenario, state, startedAt, closedAt, searchAttributes }) => ({
      workflowId,
      runId,
      scenario,
      state: state.toLowerCase(),
      startedAt: startedAt.toISOString(),
      closedAt: closedAt?.toISOString(),
      outcome: asText(searchAttributes['DrOutcome']),
      verdict: asText(searchAttributes['DrVerdict']),
      rtoSeconds: asNumber(searchAttributes['DrRtoSeconds']),
      drill: searchAttributes['DrDrill'] === true,
    }));
    const rows = runs.map(({ workflowId, startedAt, state, outcome, verdict, rtoSeconds, drill }) => [
      workflowId,
      startedAt.slice(0, 19).replace('T', ' '),
      [outcome ?? state, isTelling(outcome, verdict) ? verdict : undefined]
        .filter((word) => word !== undefined)
        .join(', '),
      rtoSeconds === undefined ? '' : describeSeconds(rtoSeconds),
      drill ? 'drill' : '',
    ]);
    const table = renderTable(context.stdout, ['run', 'started (UTC)', 'outcome', 'RTO', ''], rows);
    out.answer({ runs }, rows.length > 0 ? table : `No runs in ${name}.`);
    return EXIT_CODES.ok.code;
  });
}

/** What is kept without having passed is not what it seems; of what was undone, everybody knows. */
function isTelling(outcome: string | undefined, verdict: string | undefined): boolean {
  return outcome !== undefined && isKeptOutcome(outcome) && verdict !== 'pass';
}

function isKeptOutcome(text: string): boolean {
  const outcome = outcomeSchema.safeParse(text);
  return outcome.success && isKept(outcome.data);
}

function count(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= MOST) return value;
  throw new InvalidArgumentError(`It must be a number from 1 to ${MOST}.`);
}

function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function asNumber(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
