import type { Command } from 'commander';
import { action, type Cli, type Job, plainCommand } from '../command.ts';
import { type Control, controlOf } from '../control.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { problemOf } from '../failures.ts';
import { wrongUse } from '../problem.ts';
import { renderTable } from '../table.ts';

interface BreakOptions {
  readonly list?: boolean;
  readonly end?: boolean;
}

/** `dr break [system] [fault...]` */
export function breakCommand(cli: Cli): Command {
  return plainCommand(
    'break',
    'Break something in the sandbox on purpose',
    'dr break --list\ndr break qdrant delete-sections',
  )
    .argument('[system]', 'which part to break')
    .argument('[fault...]', 'how; several are done one after the other')
    .option('--list', 'list what can be broken')
    .option('--end', 'end a fault that lasts, such as an outage')
    .action(
      action(cli, (job, { list, end }: BreakOptions, [system, ...faults]) => {
        const control = controlOf(job.config);
        if (list === true || (system === undefined && end !== true)) return listFaults(job, control);
        if (system === undefined)
          throw wrongUse('it is not said what to end', 'Name it as you broke it: system and fault.');
        if (faults.length === 0) throw wrongUse(`it is not said which fault of ${system}`, 'See `dr break --list`.');
        return end === true ? endThings(job, control, system, faults) : breakThings(job, control, system, faults);
      }),
    );
}

async function listFaults({ out, context }: Job, control: Control): Promise<ExitCode> {
  const { answer, faults } = await control.faults();
  const rows = faults.map(({ system, fault, description }) => [system, fault, description]);
  out.answer(answer, renderTable(context.stdout, ['system', 'fault', 'what it does'], rows));
  return EXIT_CODES.ok.code;
}

async function breakThings({ out }: Job, control: Control, system: string, faults: string[]): Promise<ExitCode> {
  const broken = await oneByOne(faults, 'broken', async (fault) => {
    const answer = await control.break(system, fault);
    out.say(answer.broken);
    return { system, fault, answer };
  });
  if (out.json) out.answer({ broken }, '');
  return EXIT_CODES.ok.code;
}

async function endThings({ out }: Job, control: Control, system: string, faults: string[]): Promise<ExitCode> {
  const ended = await oneByOne(faults, 'ended', async (fault) => {
    await control.end(system, fault);
    out.say(`Ended ${system}, ${fault}.`);
    return fault;
  });
  if (out.json) out.answer({ ended }, '');
  return EXIT_CODES.ok.code;
}

/** @throws Problem: one failed; under `word` it tells what was done before, since that stays done */
async function oneByOne<T>(faults: string[], word: string, work: (fault: string) => Promise<T>): Promise<T[]> {
  const done: T[] = [];
  for (const fault of faults) {
    try {
      done.push(await work(fault));
    } catch (error) {
      throw problemOf(error).after({ [word]: done });
    }
  }
  return done;
}
