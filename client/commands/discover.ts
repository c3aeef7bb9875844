import { Readable } from 'node:stream';
import type { Command } from 'commander';
import { action, type Cli, command, type Job } from '../command.ts';
import { discoverStack } from '../discover.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { clean } from '../output.ts';
import { writeNew } from '../sets/write-new.ts';
import { withTemporal } from '../temporal.ts';
import { warnWithoutWorker } from '../workers.ts';

/** `dr discover` */
export function discoverCommand(cli: Cli): Command {
  return command(
    'discover',
    'Let the worker look at the stack, reading only, and propose a configuration, with a comment at every guess',
    'dr discover --output recovery.config.mjs',
  )
    .option('--output <file>', 'write the proposal there; a file that is there is not overwritten')
    .action(action(cli, discover));
}

async function discover(job: Job, { output }: { output?: string }): Promise<ExitCode> {
  const { context, out } = job;
  const environment = job.environment();
  const { proposal, guesses, ...seen } = await withTemporal(context, async (temporal) => {
    await warnWithoutWorker(temporal, environment, out);
    return discoverStack(temporal, environment);
  });
  for (const why of seen.leftOut) out.note(clean(why));
  if (output !== undefined) await writeNew(output, Readable.from([Buffer.from(proposal)]));
  const written = `Wrote ${output}. Check every line with a comment before a worker uses it.`;
  const where = output === undefined ? { proposal } : { output };
  out.answer({ environment, ...seen, ...guesses, ...where }, output === undefined ? clean(proposal) : written);
  return seen.seen.length > 0 ? EXIT_CODES.ok.code : EXIT_CODES.notPassed.code;
}
