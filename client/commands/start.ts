import { Command, Option } from 'commander';
import { taskQueueOf } from '../../domain/names.ts';
import { describeIssues } from '../../domain/run-input.ts';
import { action, type Cli, type Job } from '../command.ts';
import { exitCodeOf } from '../ending.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { follow } from '../follow.ts';
import { addressOf } from '../links.ts';
import { wrongUse } from '../problem.ts';
import { reportPage } from '../report-page.ts';
import { describeRun, type FoundRun } from '../runs.ts';
import { APP_SERVER, BACKUP, PARTIAL_LOSS, POSTGRES, QDRANT_CLUSTER, REINDEX, type Scenario } from '../scenarios.ts';
import { CALL_MS, type Temporal, withTemporal } from '../temporal.ts';
import { warnWithoutWorker } from '../workers.ts';
import { commaList, common, fitting, inputOf, recovery, type StartOptions } from './start-options.ts';

/** `dr backup`: the same as `dr start backup`. */
export function backupCommand(cli: Cli): Command {
  return common(BACKUP, 'dr backup --reason "before the upgrade" --wait').action(
    action(cli, (job, options: StartOptions) => start_(job, BACKUP, options)),
  );
}

/** `dr start <scenario>` */
export function startCommand(cli: Cli): Command {
  const start = new Command('start').summary('Start a runbook').description('Start a runbook.');
  start.addCommand(partialLossCommand(cli));
  start.addCommand(clusterCommand(cli));
  start.addCommand(postgresCommand(cli));
  start.addCommand(appServerCommand(cli));
  start.addCommand(reindexCommand(cli));
  start.addCommand(
    common(BACKUP, 'dr start backup --reason "before the upgrade" --wait').action(
      action(cli, (job, options: StartOptions) => start_(job, BACKUP, options)),
    ),
  );
  return start;
}

function partialLossCommand(cli: Cli): Command {
  const { shape } = PARTIAL_LOSS.input;
  return recovery(PARTIAL_LOSS, 'dr start partial-loss --reason "chapter 3 finds nothing" --wait')
    .option('--set <id>', 'recovery set to heal from (default: the best one)', fitting(shape.setId))
    .addOption(
      new Option('--depth <depth>', 'content sees corruption, ids only absence (default: content)').choices(
        shape.depth.unwrap().options,
      ),
    )
    .option('--drop-orphans', 'remove vectors that have no row (default: keep and report them)')
    .action(action(cli, (job, options: StartOptions) => start_(job, PARTIAL_LOSS, options)));
}

function clusterCommand(cli: Cli): Command {
  const { shape } = QDRANT_CLUSTER.input;
  return recovery(QDRANT_CLUSTER, 'dr start qdrant-cluster --reason "the disk is gone" --wait')
    .option('--set <id>', 'recovery set to restore (default: the best one)', fitting(shape.setId))
    .addOption(
      new Option(
        '--to <where>',
        'replacement is another server, beside another collection on the same one (default: replacement, where one is configured)',
      ).choices(shape.to.unwrap().options),
    )
    .option('--replace', 'replace it even where it could be mended or woken, or seems well')
    .option('--rebuild', 'embed everything anew from source text instead of restoring vectors')
    .option('--keep-orphans', 'keep vectors whose rows were deleted since the set (default: they are left out)')
    .action(action(cli, (job, options: StartOptions) => start_(job, QDRANT_CLUSTER, options)));
}

function appServerCommand(cli: Cli): Command {
  const { shape } = APP_SERVER.input;
  return recovery(APP_SERVER, 'dr start app-server --reason "the backend answers 502" --wait')
    .option('--to <server>', 'server that takes over (default: the other one)', fitting(shape.to))
    .option(
      '--release <ref>',
      'tag, commit, branch or image@sha256:... (default: the newest that has passed its gates)',
      fitting(shape.release),
    )
    .option('--set <id>', 'recovery set whose configuration is restored (default: the best one)', fitting(shape.setId))
    .option('--move', 'move it even where nothing is wrong: to fail back, or for maintenance')
    .action(action(cli, (job, options: StartOptions) => start_(job, APP_SERVER, options)));
}

function reindexCommand(cli: Cli): Command {
  const { shape } = REINDEX.input;
  return recovery(REINDEX, 'dr start reindex --sections chapter-3.md --reason "the third edition" --wait')
    .option(
      '--sections <list>',
      'sections (file.md#slug-of-its-heading) or whole files, separated by commas (default: everything)',
      (text) => fitting(shape.sections)(commaList(text)),
    )
    .option('--keep-gone', 'keep chunks that the source has no more (default: they go)')
    .option('--only-source', 'leave out what is in no file of the source (default: it is copied as it is)')
    .action(action(cli, (job, options: StartOptions) => start_(job, REINDEX, options)));
}

function postgresCommand(cli: Cli): Command {
  const { shape } = POSTGRES.input;
  return recovery(POSTGRES, 'dr start postgres --reason "the migration of 02:10" --wait')
    .option('--set <id>', 'recovery set to compare with (default: the best one)', fitting(shape.setId))
    .addOption(
      new Option(
        '--from <what>',
        'history restores a moment in place, set restores the dump beside (default: history, where Neon is configured)',
      ).choices(shape.from.unwrap().options),
    )
    .option(
      '--at <moment>',
      'moment to go back to: a time with a zone, or a log position (default: looked for)',
      fitting(shape.at),
    )
    .option('--predicate <sql>', 'query that answers true for a good state, besides ours', fitting(shape.predicate))
    .option(
      '--plain-dump <file>',
      'restore this dump, made by hand, of the configured folder',
      fitting(shape.plainDump),
    )
    .option('--leave <tables>', 'tables, with commas between, of which later rows are not kept', commaList)
    .option('--drop-orphans', 'remove vectors that have no row (default: rebuild their rows)')
    .option('--restart-compute', 'Neon: end every connection first, for a database that takes no more of them')
    .action(action(cli, (job, options: StartOptions) => start_(job, POSTGRES, options)));
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
