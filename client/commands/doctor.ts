import type { Command } from 'commander';
import { type Finding, worstOf } from '../../domain/freshness.ts';
import { action, type Cli, command, type Job } from '../command.ts';
import { diagnose } from '../doctor.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { clean } from '../output.ts';

/** `dr doctor` */
export function doctorCommand(cli: Cli): Command {
  return command(
    'doctor',
    'Look whether a recovery would work tonight: Temporal, worker, store, age of the sets, schedules, hazards of the stack',
    'dr doctor\ndr doctor --json || page-somebody',
  ).action(action(cli, examine));
}

async function examine(job: Job): Promise<ExitCode> {
  const { out, context, config } = job;
  const environment = job.environment();
  const { findings, sets } = await diagnose(config, environment, context);
  const state = worstOf(findings);
  const lines = findings.flatMap(({ state: how, name, message, next }) => [
    `${painted(job, how)}  ${clean(name)}: ${clean(message)}`,
    ...(next === undefined ? [] : [`         Next: ${clean(next)}`]),
  ]);
  out.answer({ environment, state, findings, sets }, lines.join('\n'));
  return state === 'broken' ? EXIT_CODES.notPassed.code : EXIT_CODES.ok.code;
}

function painted({ out: { paint } }: Job, state: Finding['state']): string {
  const text = state.padEnd('warning'.length);
  return state === 'ok' ? paint.green(text) : state === 'warning' ? paint.yellow(text) : paint.red(text);
}
