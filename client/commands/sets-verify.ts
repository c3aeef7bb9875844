import { type Command, Option } from 'commander';
import { action, type Cli, command } from '../command.ts';
import { wrongUse } from '../problem.ts';
import { VERIFY_SET } from '../scenarios.ts';
import { createArtifactStore } from '../../activities/store/index.ts';
import { mustBeThere } from '../sets/find.ts';
import { startAndFollow } from './start.ts';

interface VerifyOptions {
  readonly quick?: boolean;
  readonly full?: boolean;
  readonly reason?: string;
  readonly wait?: boolean;
}

/** `dr sets verify [ID]` */
export function verifySetCommand(cli: Cli): Command {
  const scenario = VERIFY_SET;
  return command(
    'verify',
    'Start the verification of a set: restored beside and compared, or only read back',
    'dr sets verify set-20260124T020000Z-1a2b3c --wait',
  )
    .argument('[id]', 'the set (default: the newest)')
    .addOption(new Option('--full', 'restore it beside and check what comes up (default)').conflicts('quick'))
    .option('--quick', 'read every object back and compare it with its hash, no more')
    .option('--reason <text>', 'why, in a sentence, for the report')
    .option('--wait', 'follow the run until it ends; the exit code tells its verdict')
    .action(
      action(cli, async (job, { quick, reason, wait }: VerifyOptions, [setId]) => {
        const input = { setId, reason, level: quick === true ? 'quick' : 'full' };
        const parsed = scenario.input.safeParse(given(input));
        if (!parsed.success)
          throw wrongUse(parsed.error.issues[0]?.message ?? 'it does not fit', 'See `dr sets verify --help`.');
        if (setId !== undefined) await mustBeThere(createArtifactStore(job.config.store), setId);
        return startAndFollow(job, { scenario, input: parsed.data }, wait === true);
      }),
    );
}

/** Without the fields that nobody gave. */
function given(input: object): object {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
}
