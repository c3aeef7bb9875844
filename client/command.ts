import { Command } from 'commander';
import { type ClientConfig, loadClientConfig } from '../config/client.ts';
import type { Context } from './context.ts';
import type { ExitCode } from './exit-codes.ts';
import { Output } from './output.ts';
import { wrongUse } from './problem.ts';

/** What a command works with. */
export interface Job {
  readonly context: Context;
  readonly config: ClientConfig;
  readonly out: Output;
  /** The environment that is meant. @throws Problem (exit 2) when nobody said which */
  readonly environment: () => string;
}

interface CommonOptions {
  readonly json?: boolean;
  readonly environment?: string;
  readonly config?: string;
}

/** The command line while it runs: where commands find their context and leave their exit code. */
export interface Cli {
  readonly context: Context;
  exitCode: ExitCode;
}

/** A command that is about an environment, with the options that all of these have. */
export function command(name: string, summary: string, example: string): Command {
  return plainCommand(name, summary, example).option(
    '-e, --environment <name>',
    'the environment (default: DR_ENVIRONMENT)',
  );
}

/** A command with the options that all have, and its example in the help. */
export function plainCommand(name: string, summary: string, example: string): Command {
  return new Command(name)
    .description(`${summary}.`)
    .summary(summary)
    .option('--json', 'print exactly one JSON object')
    .option('--config <file>', 'the configuration file (default: RECOVERY_CONFIG, else recovery.config.* here)')
    .addHelpText('after', `\nExample:\n  $ ${example.split('\n').join('\n  $ ')}`);
}

/** Makes the action of a command: settings first, then the work, then its exit code. */
export function action<O extends object>(
  cli: Cli,
  work: (job: Job, options: O, operands: string[]) => Promise<ExitCode>,
): (this: Command) => Promise<void> {
  return async function run() {
    const options = this.opts<O & CommonOptions>();
    const { context } = cli;
    const config = await loadClientConfig({
      ...context.sources,
      file: options.config,
      environment: options.environment,
    });
    const job: Job = {
      context,
      config,
      out: new Output(context, options.json === true),
      environment: () => {
        if (config.environment !== undefined) return config.environment;
        throw wrongUse(
          'it is not said which environment is meant',
          'Set DR_ENVIRONMENT, or give --environment <name>.',
        );
      },
    };
    cli.exitCode = await work(job, options, this.args);
  };
}
