import type { Command } from 'commander';
import { shortHash } from '../../domain/plan.ts';
import type { RunStatus } from '../../domain/report.ts';
import { approveUpdate } from '../../workflows/messages.ts';
import { ask } from '../ask.ts';
import { action, type Cli, command, type Job } from '../command.ts';
import type { ExitCode } from '../exit-codes.ts';
import { deliver, told } from '../messages.ts';
import { problem, wrongUse } from '../problem.ts';
import { statusOf } from '../runs.ts';
import { awaitsApproval, planText } from '../status-text.ts';
import { withRun } from '../with-run.ts';

interface ApproveOptions {
  readonly plan?: string;
  readonly as?: string;
  readonly note?: string;
  readonly yes?: boolean;
}

/** `dr approve [id]` */
export function approveCommand(cli: Cli): Command {
  return command('approve', 'Approve the plan that a run proposes', 'dr approve --plan 3f9a1c0b77de --as alice')
    .argument('[id]', 'workflow id (default: the run in progress in the environment)')
    .option('--plan <hash>', 'hash of the plan that you have read; a plan that has changed since is refused')
    .option('--as <name>', 'your name (default: the name you are logged in with)')
    .option('--note <text>', 'a note for the record')
    .option('-y, --yes', 'approve the plan that is proposed now, without being asked')
    .action(action(cli, (job, options: ApproveOptions, [id]) => approve(job, options, id)));
}

async function approve(job: Job, { plan, as, note, yes }: ApproveOptions, id: string | undefined): Promise<ExitCode> {
  const approver = as ?? job.context.user;
  if (plan === undefined && yes !== true && !job.out.canAsk) {
    throw wrongUse(
      'there is nobody to ask here, and no plan is named',
      'Give --plan <hash> as `dr status` shows it, or --yes.',
    );
  }
  return withRun(job, id, async (temporal, run) => {
    const hash = plan ?? (await chosenPlan(job, await statusOf(temporal, run), approver, yes === true));
    const message = { plan: hash, approver, ...(note === undefined ? {} : { note }) };
    return told(job, run, 'approve', await deliver(temporal, run, approveUpdate, message), hash);
  });
}

/** The hash of the plan that waits, after the person has seen it and said yes. */
async function chosenPlan(job: Job, status: RunStatus, approver: string, yes: boolean): Promise<string> {
  const { out, context } = job;
  if (!awaitsApproval(status) || status.planHash === undefined) {
    throw problem('refused', 'NOT_NOW', 'no plan is waiting for approval', 'Look with `dr status`.');
  }
  if (yes) return status.planHash;
  out.say(planText(status, context.stdout));
  if (await ask(context, `Approve plan ${shortHash(status.planHash)} as ${approver}? [y/N] `)) return status.planHash;
  throw problem(
    'refused',
    'APPROVAL_REFUSED',
    'you did not approve the plan',
    'The run still waits: `dr approve`, or `dr reject` to end it.',
  );
}
