import { Command, CommanderError } from 'commander';
import about from '../package.json' with { type: 'json' };
import type { Cli } from './command.ts';
import { approveCommand } from './commands/approve.ts';
import { breakCommand } from './commands/break.ts';
import { decisionCommands } from './commands/decide.ts';
import { discoverCommand } from './commands/discover.ts';
import { doctorCommand } from './commands/doctor.ts';
import { markEnvironmentCommand } from './commands/mark-environment.ts';
import { reportCommand } from './commands/report.ts';
import { restoreObjectCommand } from './commands/restore-object.ts';
import { runsCommand } from './commands/runs.ts';
import { schedulesCommand } from './commands/schedules.ts';
import { setsCommand } from './commands/sets.ts';
import { coldCopyCommand } from './commands/cold-copy.ts';
import { backupCommand, startCommand } from './commands/start.ts';
import { statusCommand } from './commands/status.ts';
import type { Context } from './context.ts';
import { describeExitCodes, EXIT_CODES } from './exit-codes.ts';
import { problemOf } from './failures.ts';
import { Output } from './output.ts';
import { type Problem, wrongUse } from './problem.ts';

/** Commands that have commands of their own. */
const GROUPS = ['start', 'sets', 'schedules'] as const;

/** Runs one command line (without the program's name) and returns its exit code. Never throws. */
export async function runCli(args: readonly string[], context: Context): Promise<number> {
  const cli: Cli = { context, exitCode: EXIT_CODES.ok.code };
  try {
    await program(cli).parseAsync([...args], { from: 'user' });
    return cli.exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT_CODES.ok.code;
    const said: Problem = error instanceof CommanderError ? misuse(error, args) : problemOf(error);
    new Output(context, args.includes('--json')).problem(said);
    return said.exit;
  }
}

/** The `dr` command. */
function program(cli: Cli): Command {
  const dr = new Command('dr')
    .description('The operator’s hands: start, watch, approve and read recovery runs.')
    .version(about.version, '--version')
    .addHelpText('after', `\n${describeExitCodes()}\n\nExample:\n  $ dr start partial-loss --wait`);
  const commands = [
    startCommand(cli),
    backupCommand(cli),
    coldCopyCommand(cli),
    statusCommand(cli),
    approveCommand(cli),
    ...decisionCommands(cli),
    reportCommand(cli),
    runsCommand(cli),
    setsCommand(cli),
    restoreObjectCommand(cli),
    schedulesCommand(cli),
    doctorCommand(cli),
    discoverCommand(cli),
    markEnvironmentCommand(cli),
    breakCommand(cli),
  ];
  for (const command of commands) dr.addCommand(command);
  everyCommand(dr, (command) => plainErrors(command, cli.context));
  return dr;
}

function everyCommand(command: Command, change: (command: Command) => void): void {
  change(command);
  for (const child of command.commands) everyCommand(child, change);
}

/** Help goes to stdout; errors are thrown, so that they end in the same form as all others. */
function plainErrors(command: Command, { stdout }: Context): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => stdout.stream.write(text),
    writeErr: () => undefined,
    getOutHelpWidth: () => stdout.columns,
  });
}

function misuse(error: CommanderError, args: readonly string[]): Problem {
  const group = GROUPS.find((name) => name === args[0]);
  const missing = error.code === 'commander.help';
  const known = missing || error.code === 'commander.unknownCommand' ? 0 : 1;
  const words = args.filter((arg) => /^[a-z][a-z-]*$/i.test(arg)).slice(0, group === undefined ? known : 1 + known);
  const absent = group === 'start' ? 'it is not said which runbook to start' : 'a command is missing';
  const message = missing ? absent : error.message.replace(/^error: /, '');
  return wrongUse(message, `See \`${['dr', ...words].join(' ')} --help\`.`);
}
