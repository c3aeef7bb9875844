import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { describeRetention } from '../../domain/retention-plan.ts';
import { planRetention } from '../../domain/retention.ts';
import type { RunStatus } from '../../domain/report.ts';
import { approveUpdate, rejectUpdate } from '../../workflows/messages.ts';
import { ask } from '../ask.ts';
import { action, type Cli, command, type Job } from '../command.ts';
import { exitCodeOf } from '../ending.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { follow } from '../follow.ts';
import { addressOf } from '../links.ts';
import { deliver } from '../messages.ts';
import { problem, wrongUse } from '../problem.ts';
import { reportPage } from '../report-page.ts';
import { type FoundRun, statusOf } from '../runs.ts';
import { PRUNE } from '../scenarios.ts';
import { awaitsApproval, planText } from '../status-text.ts';
import { placeOf, storedSets } from '../store.ts';
import { renderTable } from '../table.ts';
import { type Temporal, withTemporal } from '../temporal.ts';
import { warnWithoutWorker } from '../workers.ts';
import { startRun } from './start.ts';

interface PruneOptions {
  readonly yes?: boolean;
  readonly as?: string;
  readonly reason?: string;
  readonly dryRun?: boolean;
}

/** `dr sets prune` */
export function pruneSetsCommand(cli: Cli): Command {
  return command(
    'prune',
    'Remove sets that the retention policy lets go: shows what and why, asks, and follows the run',
    'dr sets prune\ndr sets prune --yes --json',
  )
    .option(
      '--dry-run',
      'only say what would be kept and removed by the settings here, and why; the run goes by its worker’s',
    )
    .option('-y, --yes', 'approve the plan without being asked')
    .option('--as <name>', 'your name (default: the name you are logged in with)')
    .option('--reason <text>', 'why, in a sentence, for the report')
    .action(
      action(cli, (job, options: PruneOptions) => (options.dryRun === true ? preview(job) : prune(job, options))),
    );
}

/** The same decision, made here by the same rules; the run makes its own. */
async function preview({ config, context, out, environment: named }: Job): Promise<ExitCode> {
  const environment = named();
  const retention = planRetention(await storedSets(config.store), config.retention, {
    environment,
    now: context.now(),
  });
  const rows = [
    ...retention.remove.map(({ id, why }) => ['remove', id, why]),
    ...retention.keep.map(({ id, why }) => ['keep', id, why]),
  ];
  const summary = retention.refusal ?? describeRetention(retention);
  out.answer(
    { environment, store: placeOf(config.store), ...retention },
    `${renderTable(context.stdout, ['', 'set', 'why'], rows)}\n${summary}`,
  );
  return retention.refusal === undefined ? EXIT_CODES.ok.code : EXIT_CODES.notPassed.code;
}

async function prune(job: Job, { yes, as, reason }: PruneOptions): Promise<ExitCode> {
  if (yes !== true && !job.out.canAsk)
    throw wrongUse('there is nobody to ask here', 'Give --yes to approve whatever the policy lets go, or --dry-run.');
  const environment = job.environment();
  const scenario = PRUNE;
  return withTemporal(job.context, async (temporal) => {
    const run = await startRun(temporal, job, { environment, scenario, input: reason === undefined ? {} : { reason } });
    const { workflowId, runId } = run;
    job.out.note(`Started ${workflowId}\n${addressOf(job.config.uiUrl, temporal.namespace, run)}`);
    await warnWithoutWorker(temporal, environment, job.out);
    const status = await whenPlanned(temporal, job, run);
    if (awaitsApproval(status))
      await decide(temporal, job, { run, status, approver: as ?? job.context.user, yes: yes === true });
    const ending = await follow(temporal, run, job.out, job.config.store);
    const page = ending.report ? reportPage(ending.report, job.out) : '';
    job.out.answer({ workflowId, runId, ...ending }, page || (ending.failure ? job.out.failure(ending.failure) : ''));
    return exitCodeOf(ending);
  });
}

/** Looks until the run proposes its plan, or is over without one. */
async function whenPlanned(temporal: Temporal, { context }: Job, run: FoundRun): Promise<RunStatus> {
  for (;;) {
    const status = await statusOf(temporal, run);
    if (awaitsApproval(status) || status.outcome !== undefined || status.awaits === 'operator') return status;
    await sleep(context.pollMs);
  }
}

interface Decision {
  readonly run: FoundRun;
  readonly status: RunStatus;
  readonly approver: string;
  readonly yes: boolean;
}

async function decide(temporal: Temporal, job: Job, { run, status, approver, yes }: Decision): Promise<void> {
  const { out, context } = job;
  if (yes) out.note(planText(status, context.stderr));
  else out.say(planText(status, context.stdout));
  if (yes || (await ask(context, `Remove these sets, as ${approver}? [y/N] `))) {
    await deliver(temporal, run, approveUpdate, { plan: status.planHash ?? '', approver });
    return;
  }
  await deliver(temporal, run, rejectUpdate, { by: approver, reason: 'not approved at the terminal' });
  await follow(temporal, run, out, job.config.store);
  throw problem(
    'refused',
    'APPROVAL_REFUSED',
    'you did not approve the plan',
    'Nothing was removed; the run has ended.',
  );
}
