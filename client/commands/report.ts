import { type Command, Option } from 'commander';
import { renderReport } from '../../domain/report-text.ts';
import type { RunReport } from '../../domain/report.ts';
import { action, type Cli, command, type Job } from '../command.ts';
import { type Ending, endingOf, exitCodeOf } from '../ending.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import type { Output } from '../output.ts';
import { Problem, problem } from '../problem.ts';
import { reportPage } from '../report-page.ts';
import { findNewest } from '../runs.ts';
import { storedReport } from '../store.ts';
import { withTemporal } from '../temporal.ts';

interface ReportOptions {
  readonly markdown?: boolean;
}

/** `dr report [id]` */
export function reportCommand(cli: Cli): Command {
  return command('report', 'Show the report of a run that has ended', 'dr report --markdown > report.md')
    .argument('[id]', 'workflow id (default: the newest run of the environment)')
    .addOption(new Option('--markdown', 'print it as the document that is kept').conflicts('json'))
    .action(
      action(cli, async (job, { markdown }: ReportOptions, [id]) =>
        print(await find(job, id), job.out, markdown === true ? renderReport : reportPage),
      ),
    );
}

/** The ending that Temporal knows of; a run that it no longer knows may still have its report in the evidence store. */
async function find(job: Job, id: string | undefined): Promise<Ending> {
  const environment = id === undefined ? job.environment() : '';
  try {
    return await withTemporal(job.context, async (temporal) => {
      const run = await findNewest(temporal, environment, id);
      const ending = run.state === 'RUNNING' ? undefined : await endingOf(temporal, run, job.config.store);
      if (ending) return ending;
      throw problem(
        'refused',
        'NOT_NOW',
        `${run.workflowId} has not ended yet`,
        `Look at it with \`dr status ${run.workflowId}\`.`,
      );
    });
  } catch (error) {
    if (id === undefined || !(error instanceof Problem) || error.exit === EXIT_CODES.refused.code) throw error;
    const report = await storedReport(job.config.store, id);
    if (!report) throw error;
    return { report, ...(report.failure ? { failure: report.failure } : {}) };
  }
}

function print(ending: Ending, out: Output, textOf: (report: RunReport, out: Output) => string): ExitCode {
  const { report, failure } = ending;
  if (!report) {
    if (failure) out.problem(new Problem('notPassed', failure));
    return EXIT_CODES.notPassed.code;
  }
  out.answer(report, textOf(report, out));
  return exitCodeOf(ending);
}
