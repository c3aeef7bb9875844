import type { Command } from 'commander';
import { action, type Cli, command, type Job } from '../command.ts';
import { type Control, controlOf } from '../control.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { wrongUse } from '../problem.ts';
import { renderTable } from '../table.ts';

interface BreakOptions {
  readonly list?: boolean;
  readonly end?: boolean;
}

/** `dr break [system] [fault...]` */
export function breakCommand(cli: Cli): Command {
  return command(
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
        if (list === true || system === undefined) return listFaults(job, control);
        if (faults.length === 0) throw wrongUse(`it is not said how to break ${system}`, 'See `dr break --list`.');
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
  const broken: { system: string; fault: string; answer: { broken: string } }[] = [];
  for (const fault of faults) {
    const answer = await control.break(system, fault);
    out.say(answer.broken);
    broken.push({ system, fault, answer });
  }
  if (out.json) out.answer({ broken }, '');
  return EXIT_CODES.ok.code;
}

async function endThings({ out }: Job, control: Control, system: string, faults: string[]): Promise<ExitCode> {
  for (const fault of faults) {
    await control.end(system, fault);
    out.say(`Ended ${system}, ${fault}.`);
  }
  if (out.json) out.answer({ ended: faults }, '');
  return EXIT_CODES.ok.code;
}
