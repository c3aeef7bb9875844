import type { Command } from 'commander';
import {
  addNoteUpdate,
  commitUpdate,
  rejectUpdate,
  retryStepUpdate,
  rollBackUpdate,
  skipStepUpdate,
} from '../../workflows/messages.ts';
import { action, type Cli, command, type Job } from '../command.ts';
import { sendAbort, sendUpdate } from '../messages.ts';

interface SaidOptions {
  readonly as?: string;
  readonly note?: string;
  readonly reason?: string;
}

/** The commands that say one thing to a run. The names of the updates, as the Web UI shows them, work as well. */
export function decisionCommands(cli: Cli): Command[] {
  return [
    withReason('reject', 'Reject the proposed plan; the run ends having changed nothing', 'the set is too old').action(
      action(cli, (job, options: SaidOptions, [id]) => sendUpdate(job, id, rejectUpdate, withBy(job, options))),
    ),
    withNote('retry', 'Try the step that failed or waits once more, now', 'disk freed')
      .alias(retryStepUpdate.name)
      .action(
        action(cli, (job, options: SaidOptions, [id]) => sendUpdate(job, id, retryStepUpdate, withBy(job, options))),
      ),
    base('skip', 'Go on without the failed step, where it says that skipping is safe', '--reason "orphans can stay"')
      .alias(skipStepUpdate.name)
      .requiredOption('--reason <text>', 'why going on without it is right')
      .action(
        action(cli, (job, { as, reason }: SaidOptions & { reason: string }, [id]) =>
          sendUpdate(job, id, skipStepUpdate, { by: as ?? job.context.user, reason }),
        ),
      ),
    withNote('commit', 'Keep the recovery and release what was kept for undoing it', 'checked by hand').action(
      action(cli, (job, options: SaidOptions, [id]) => sendUpdate(job, id, commitUpdate, withBy(job, options))),
    ),
    withReason('rollback', 'Within the commit window: put everything back to what it was', 'answers got worse')
      .alias(rollBackUpdate.name)
      .action(
        action(cli, (job, options: SaidOptions, [id]) => sendUpdate(job, id, rollBackUpdate, withBy(job, options))),
      ),
    base('note', 'Write a note into the record of a run', '--note "support ticket 4711 is open"')
      .alias(addNoteUpdate.name)
      .requiredOption('--note <text>', 'the note')
      .action(
        action(cli, (job, { as, note }: SaidOptions & { note: string }, [id]) =>
          sendUpdate(job, id, addNoteUpdate, { by: as ?? job.context.user, note }),
        ),
      ),
    withReason('abort', 'Stop a run and undo what it did; works with no worker up', 'wrong environment').action(
      action(cli, (job, options: SaidOptions, [id]) => sendAbort(job, id, withBy(job, options))),
    ),
  ];
}

function base(name: string, summary: string, example: string): Command {
  return command(name, summary, `dr ${name} ${example}`)
    .argument('[id]', 'workflow id (default: the run in progress in the environment)')
    .option('--as <name>', 'your name (default: the name you are logged in with)');
}

function withReason(name: string, summary: string, example: string): Command {
  return base(name, summary, `--reason "${example}"`).option('--reason <text>', 'why, for the record');
}

function withNote(name: string, summary: string, example: string): Command {
  return base(name, summary, `--note "${example}"`).option('--note <text>', 'a note for the record');
}

function withBy(job: Job, { as, note, reason }: SaidOptions): { by: string; note?: string; reason?: string } {
  const by = as ?? job.context.user;
  return { by, ...(note === undefined ? {} : { note }), ...(reason === undefined ? {} : { reason }) };
}
