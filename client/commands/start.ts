import { Command, InvalidArgumentError, Option } from 'commander';
import type { z } from 'zod';
import { taskQueueOf } from '../../domain/names.ts';
import { describeIssues, runInputSchema } from '../../domain/run-input.ts';
import { action, type Cli, command, type Job } from '../command.ts';
import { exitCodeOf } from '../ending.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { follow } from '../follow.ts';
import { addressOf } from '../links.ts';
import { wrongUse } from '../problem.ts';
import { reportPage } from '../report-page.ts';
import { describeRun, type FoundRun } from '../runs.ts';
import { type Scenario, SCENARIOS } from '../scenarios.ts';
import { CALL_MS, type Temporal, withTemporal } from '../temporal.ts';
import { warnWithoutWorker } from '../workers.ts';

interface StartOptions {
  readonly set?: string;
  readonly depth?: string;
  readonly dropOrphans?: boolean;
  readonly reason?: string;
  readonly drill?: boolean;
  readonly faultDeclaredAt?: string;
  readonly commitWindow?: number;
  readonly input?: object;
  readonly wait?: boolean;
}

/** `dr backup`: the same as `dr start backup`. */
export function backupCommand(cli: Cli): Command {
  return common(SCENARIOS[1], 'dr backup --reason "before the upgrade" --wait').action(
    action(cli, (job, options: StartOptions) => start_(job, SCENARIOS[1], options)),
  );
}

/** `dr start <scenario>` */
export function startCommand(cli: Cli): Command {
  const start = new Command('start').summary('Start a runbook').description('Start a runbook.');
  const [partialLoss, backup] = SCENARIOS;
  start.addCommand(
    common(partialLoss, 'dr start partial-loss --reason "chapter 3 finds nothing" --wait')
      .option('--set <id>', 'recovery set to heal from (default: the best one)', fitting(partialLoss.input.shape.setId))
      .addOption(
        new Option('--depth <depth>', 'content sees corruption, ids only absence (default: content)').choices(
          partialLoss.input.shape.depth.unwrap().options,
        ),
      )
      .option('--drop-orphans', 'remove vectors that have no row (default: keep and report them)')
      .option(
        '--fault-declared-at <time>',
        'when the fault was declared; the RTO clock runs from here (default: now)',
        time,
      )
      .option(
        '--commit-window <minutes>',
        'time in which `dr rollback` is possible; 0 commits at once (default: that of the environment)',
        (text) => fitting(partialLoss.input.shape.commitWindowMinutes)(minutes(text)),
      )
      .action(action(cli, (job, options: StartOptions) => start_(job, partialLoss, options))),
  );
  start.addCommand(
    common(backup, 'dr start backup --reason "before the upgrade" --wait').action(
      action(cli, (job, options: StartOptions) => start_(job, backup, options)),
    ),
  );
  return start;
}

function common(scenario: Scenario, example: string): Command {
  return command(scenario.name, scenario.summary, example)
    .option('--reason <text>', 'why, in a sentence, for the report', fitting(runInputSchema.shape.reason))
    .option('--drill', 'this is practice')
    .option('--input <json>', 'the whole input as one JSON object; options go over it', jsonObject)
    .option('--wait', 'follow the run until it ends; the exit code tells its verdict');
}

async function start_(job: Job, scenario: Scenario, options: StartOptions): Promise<ExitCode> {
  const parsed = scenario.input.safeParse(inputOf(options));
  if (!parsed.success)
    throw wrongUse(`--input: ${describeIssues(parsed.error)}`, `See \`dr start ${scenario.name} --help\`.`);
  return startAndFollow(job, { scenario, input: parsed.data }, options.wait === true);
}

/** Starts a run and says where it is; with `wait` follows it to its end, and the exit code tells its verdict. */
export function startAndFollow(job: Job, start: Omit<Start, 'environment'>, wait: boolean): Promise<ExitCode> {
  const environment = job.environment();
  return withTemporal(job.context, async (temporal) => {
    const run = await startRun(temporal, job, { environment, ...start });
    const { workflowId, runId } = run;
    const started = { workflowId, runId, url: addressOf(job.config.uiUrl, temporal.namespace, run) };
    if (!wait) {
      job.out.answer(started, `Started ${workflowId}\n${started.url}\nFollow it: dr status --watch`);
      await warnWithoutWorker(temporal, environment, job.out);
      return EXIT_CODES.ok.code;
    }
    job.out.note(`Started ${workflowId}\n${started.url}`);
    await warnWithoutWorker(temporal, environment, job.out);
    const ending = await follow(temporal, run, job.out, job.config.store);
    const page = ending.report ? reportPage(ending.report, job.out) : '';
    job.out.answer({ ...started, ...ending }, page || (ending.failure ? job.out.failure(ending.failure) : ''));
    return exitCodeOf(ending);
  });
}

interface Start {
  readonly environment: string;
  readonly scenario: Scenario;
  readonly input: object;
}

/** Starts a run. Its id says what, where and when. */
export async function startRun(
  temporal: Temporal,
  job: Job,
  { environment, scenario, input }: Start,
): Promise<FoundRun> {
  const { context } = job;
  const time = context
    .now()
    .toISOString()
    .replace(/[-:]|\.\d+/g, '');
  const workflowId = `${scenario.name}/${environment}/${time}`;
  await temporal.within(CALL_MS, () =>
    temporal.client.workflow.start(scenario.workflowType, {
      taskQueue: taskQueueOf(environment),
      workflowId,
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      args: [input],
      staticSummary: `${scenario.summary} (${environment})`,
      staticDetails: `Started by ${context.user} with \`dr start ${scenario.name}\`. What happens now is under *Current Details*.`,
    }),
  );
  return describeRun(temporal, workflowId);
}

/** Options that were given, over the JSON that was given. */
function inputOf({
  set,
  depth,
  dropOrphans,
  reason,
  drill,
  faultDeclaredAt,
  commitWindow,
  input,
}: StartOptions): object {
  const given = {
    setId: set,
    depth,
    dropOrphans,
    reason,
    drill,
    faultDeclaredAt,
    commitWindowMinutes: commitWindow,
  };
  return { ...input, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) };
}

/** Holds an option against the field of the input that it fills, so that what is wrong is said of the option. */
function fitting<T>(field: z.ZodType<T>): (value: unknown) => T {
  return (value) => {
    const parsed = field.safeParse(value);
    if (parsed.success) return parsed.data;
    throw new InvalidArgumentError(`${parsed.error.issues[0]?.message ?? 'It does not fit'}.`);
  };
}

/** Any time with a zone, in UTC. */
function time(text: string): string {
  if (/(?:Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text))) return new Date(text).toISOString();
  throw new InvalidArgumentError('It must be a time with its zone, such as 2026-01-31T08:00:00Z.');
}

function minutes(text: string): number {
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a number of minutes.');
}

function jsonObject(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Said below.
  }
  throw new InvalidArgumentError('It must be one JSON object.');
}
