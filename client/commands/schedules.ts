import { Command } from 'commander';
import { describeAge } from '../../domain/retention.ts';
import { type DeclaredSchedule, declareSchedules, factsOf, SCHEDULES } from '../../domain/schedules.ts';
import { action, type Cli, command, type Job } from '../command.ts';
import { identityOf } from '../context.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { notFound, wrongUse } from '../problem.ts';
import {
  applySchedule,
  type Compared,
  compareSchedule,
  describeSchedule,
  undeclaredSchedules,
} from '../schedules/apply.ts';
import { renderTable } from '../table.ts';
import { CALL_MS, type Temporal, withTemporal } from '../temporal.ts';
import { warnWithoutWorker } from '../workers.ts';

const NAMES = SCHEDULES.map(({ name }) => name).join(', ');

/** `dr schedules` */
export function schedulesCommand(cli: Cli): Command {
  const schedules = new Command('schedules')
    .summary('Declare, compare and pause what is done by itself')
    .description('Declare, compare and pause what is done by itself.');
  const noted = (name: string, summary: string, example: string): Command =>
    command(name, summary, example)
      .argument('[name...]', `which: ${NAMES}`)
      .option('--note <text>', 'why, for whoever reads it in the Web UI or in `dr schedules list`');
  return schedules
    .addCommand(
      command(
        'apply',
        'Make the schedules on the server what the configuration declares; a pause stays',
        'dr schedules apply --environment staging',
      ).action(action(cli, apply)),
    )
    .addCommand(
      command('diff', 'Say in which fields the server differs; exit 1 when it does', 'dr schedules diff --json').action(
        action(cli, diff),
      ),
    )
    .addCommand(
      command('list', 'List the schedules with their next and last runs', 'dr schedules list').action(
        action(cli, list),
      ),
    )
    .addCommand(
      noted('pause', 'Pause schedules', 'dr schedules pause backup --note "the stack is being moved"').action(
        action(cli, (job, options: { note?: string }, names) => pause(job, names, true, options.note)),
      ),
    )
    .addCommand(
      noted('resume', 'Resume schedules that are paused', 'dr schedules resume backup').action(
        action(cli, (job, options: { note?: string }, names) => pause(job, names, false, options.note)),
      ),
    );
}

async function apply(job: Job): Promise<ExitCode> {
  const { environment, declared } = declaredIn(job);
  return withTemporal(job.context, async (temporal) => {
    const applied = [];
    for (const schedule of declared) applied.push(await applySchedule(temporal, schedule, identityOf(job.context)));
    const lines = applied.flatMap(({ id, outcome, drift, paused }) => [
      `${id}: ${outcome}${paused ? ', and still paused' : ''}`,
      ...drift.map((one) => `  ${one.field}: ${one.found} → ${one.declared}`),
    ]);
    job.out.answer({ environment, applied }, lines.join('\n'));
    await warnWithoutWorker(temporal, environment, job.out);
    return EXIT_CODES.ok.code;
  });
}

async function diff(job: Job): Promise<ExitCode> {
  const { environment, declared } = declaredIn(job);
  return withTemporal(job.context, async (temporal) => {
    const compared = await compareAll(temporal, declared);
    const undeclared = await undeclaredSchedules(temporal, environment, declared);
    const differences = compared.flatMap(({ declared: { id }, found, drift }) =>
      found
        ? drift.map((one) => ({ id, ...one }))
        : [{ id, field: 'schedule', declared: 'exists', found: 'is not on the server' }],
    );
    const others = undeclared.map((id) => ({ id, field: 'schedule', declared: 'not declared', found: 'exists' }));
    const all = [...differences, ...others];
    const rows = all.map(({ id, field, declared: wanted, found }) => [id, field, wanted, found]);
    const table = renderTable(job.context.stdout, ['schedule', 'field', 'declared', 'found'], rows);
    job.out.answer(
      { environment, same: all.length === 0, differences: all },
      all.length === 0 ? `Every schedule of ${environment} is as declared.` : table,
    );
    return all.length === 0 ? EXIT_CODES.ok.code : EXIT_CODES.notPassed.code;
  });
}

async function list(job: Job): Promise<ExitCode> {
  const { environment, declared } = declaredIn(job);
  return withTemporal(job.context, async (temporal) => {
    const schedules = (await compareAll(temporal, declared)).map(rowOf);
    const now = job.context.now();
    const rows = schedules.map((one) => [
      one.name,
      `${one.cron} ${one.timeZone}`,
      !one.exists
        ? 'missing'
        : one.paused
          ? `paused: ${one.note}`
          : one.next === undefined
            ? 'never'
            : shortTime(one.next),
      one.last === undefined ? '' : `${describeAge(one.last.at, now)} ago: ${one.last.workflowId}`,
      one.drifted ? 'not as declared' : '',
    ]);
    const table = renderTable(job.context.stdout, ['schedule', 'times', 'next run (UTC)', 'last run', ''], rows);
    job.out.answer({ environment, schedules }, table);
    return EXIT_CODES.ok.code;
  });
}

function rowOf({ declared, found, drift }: Compared): {
  id: string;
  name: string;
  cron: string;
  timeZone: string;
  exists: boolean;
  paused: boolean;
  note: string;
  next: string | undefined;
  last: { at: string; workflowId: string } | undefined;
  drifted: boolean;
} {
  const last = found?.info.recentActions.at(-1);
  return {
    id: declared.id,
    name: declared.name,
    cron: factsOf(declared).times,
    timeZone: declared.timeZone,
    exists: found !== undefined,
    paused: found?.state.paused ?? false,
    note: found?.state.note ?? '',
    next: found?.info.nextActionTimes[0]?.toISOString(),
    last: last && { at: last.takenAt.toISOString(), workflowId: last.action.workflow.workflowId },
    drifted: drift.length > 0,
  };
}

async function pause(job: Job, names: readonly string[], paused: boolean, note = ''): Promise<ExitCode> {
  const { environment, declared } = declaredIn(job);
  const wanted = declared.filter(({ name }) => names.includes(name));
  const unknown = names.find((name) => !declared.some((one) => one.name === name));
  if (names.length === 0 || unknown !== undefined)
    throw wrongUse(
      unknown === undefined ? 'it is not said which schedule' : `there is no schedule ${unknown}`,
      `Name one of ${NAMES}.`,
    );
  const said = `${paused ? 'paused' : 'resumed'} by ${job.context.user}${note === '' ? '' : `: ${note}`}`;
  return withTemporal(job.context, async (temporal) => {
    for (const { id } of wanted) await setPause(temporal, id, paused, said);
    job.out.answer(
      { environment, schedules: wanted.map(({ id }) => id), paused, note: said },
      wanted.map(({ id }) => `${id}: ${said}`).join('\n'),
    );
    return EXIT_CODES.ok.code;
  });
}

async function setPause(temporal: Temporal, id: string, paused: boolean, note: string): Promise<void> {
  if (!(await describeSchedule(temporal, id)))
    throw notFound(`there is no schedule ${id}`, 'Make it with `dr schedules apply`.');
  const handle = temporal.client.schedule.getHandle(id);
  await temporal.within(CALL_MS, () => (paused ? handle.pause(note) : handle.unpause(note)));
}

function declaredIn(job: Job): { environment: string; declared: DeclaredSchedule[] } {
  const environment = job.environment();
  return { environment, declared: declareSchedules(environment, job.config.schedules) };
}

async function compareAll(temporal: Temporal, declared: readonly DeclaredSchedule[]): Promise<Compared[]> {
  const compared = [];
  for (const schedule of declared) compared.push(await compareSchedule(temporal, schedule));
  return compared;
}

function shortTime(time: string): string {
  return time.slice(0, 16).replace('T', ' ');
}
