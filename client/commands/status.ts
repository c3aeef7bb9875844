import type { Command } from 'commander';
import { action, type Cli, command, type Job } from '../command.ts';
import { endingOf, exitCodeOf } from '../ending.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { follow } from '../follow.ts';
import { addressOf } from '../links.ts';
import { reportPage } from '../report-page.ts';
import { type FoundRun, statusOf } from '../runs.ts';
import { statusPage } from '../status-text.ts';
import type { Temporal } from '../temporal.ts';
import { withRun } from '../with-run.ts';

/** `dr status [id]` */
export function statusCommand(cli: Cli): Command {
  return command('status', 'Show a run: steps, gates, the plan, and what it waits for', 'dr status --watch')
    .argument('[id]', 'workflow id (default: the run in progress in the environment)')
    .option('-w, --watch', 'keep showing it until it ends; the exit code tells its verdict')
    .action(
      action(cli, (job, options: { watch?: boolean }, [id]) =>
        withRun(job, id, (temporal, run) =>
          options.watch === true ? watch(temporal, job, run) : show(temporal, job, run),
        ),
      ),
    );
}

async function watch(temporal: Temporal, job: Job, run: FoundRun): Promise<ExitCode> {
  job.out.note(`${run.workflowId}\n${addressOf(job.config.uiUrl, temporal.namespace, run)}`);
  const ending = await follow(temporal, run, job.out, job.config.store);
  const text = ending.report
    ? reportPage(ending.report, job.out)
    : ending.failure
      ? job.out.failure(ending.failure)
      : '';
  job.out.answer({ workflowId: run.workflowId, runId: run.runId, ...ending }, text);
  return exitCodeOf(ending);
}

async function show(temporal: Temporal, job: Job, run: FoundRun): Promise<ExitCode> {
  const { out, context, config } = job;
  const status = await statusOf(temporal, run);
  const ending = run.state === 'RUNNING' ? undefined : await endingOf(temporal, run, config.store);
  const { workflowId, runId, state } = run;
  const failure = ending?.failure;
  const url = addressOf(config.uiUrl, temporal.namespace, run);
  const page = statusPage(status, out, context.stdout, context.now());
  out.answer(
    { workflowId, runId, url, state, ...status, ...(failure ? { failure } : {}) },
    [`${workflowId}\n${url}`, page, ...(failure ? [out.failure(failure)] : [])].join('\n'),
  );
  return ending ? exitCodeOf(ending) : EXIT_CODES.ok.code;
}
