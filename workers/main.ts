/** The worker's process: settings, connections, one Worker, and an orderly end on SIGINT and SIGTERM. */
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { loadTemporalConnection, type TemporalConnection } from '../config/temporal.ts';
import { RecoveryError } from '../domain/failures.ts';
import { taskQueueOf } from '../domain/names.ts';
import { composeActivities } from './compose.ts';
import { healthOf, serveHealth } from './health.ts';
import { jsonLine } from './log.ts';
import { registerSearchAttributes } from './search-attributes.ts';
import { WORKFLOWS } from './workflows-path.ts';

/** Above the longest single request to a store, so that a running call can end by itself when the worker is told to stop. */
const GRACE = '20s';
const FORCE = '40s';

async function run(bundle: string | undefined): Promise<void> {
  // Settings first: the runtime keeps the process alive and takes its signals, so nothing may fail between the two.
  const config = await loadConfig();
  const temporal = loadTemporalConnection();
  Runtime.install({
    logger: new DefaultLogger('INFO', (entry) => process.stderr.write(`${jsonLine(entry)}\n`)),
    telemetryOptions: { logging: { forward: {}, filter: { core: 'WARN', other: 'ERROR' } } },
  });
  try {
    await serve(config, temporal, bundle);
  } finally {
    await Runtime.instance().shutdown();
  }
}

async function serve(config: Config, temporal: TemporalConnection, bundle: string | undefined): Promise<void> {
  let worker: Worker | undefined;
  const health =
    config.worker.health &&
    (await serveHealth(
      config.worker.health,
      healthOf(config, () => worker?.getState() ?? 'STARTING'),
    ));
  try {
    await work(config, temporal, bundle, (made) => (worker = made));
  } finally {
    health?.close();
  }
}

async function work(
  config: Config,
  temporal: TemporalConnection,
  bundle: string | undefined,
  made: (worker: Worker) => void,
): Promise<void> {
  const connection = await NativeConnection.connect(temporal.options()).catch((error: unknown) => {
    const message = `Temporal at ${temporal.address} cannot be reached. Start it, or correct TEMPORAL_ADDRESS.`;
    throw new RecoveryError('INVALID_CONFIGURATION', message, { cause: error });
  });
  try {
    await registerSearchAttributes(connection, temporal.namespace).catch((error: unknown) => {
      // Temporal Cloud lets nobody register them this way: there they are made once, in its console.
      const cause = error instanceof Error ? error.message : String(error);
      Runtime.instance().logger.warn('the search attributes could not be registered; they must exist already', {
        cause,
      });
    });
    const worker = await Worker.create({
      connection,
      namespace: temporal.namespace,
      identity: `recovery-worker:${process.pid}@${hostname()}`,
      taskQueue: taskQueueOf(config.environment),
      ...(bundle === undefined ? { workflowsPath: WORKFLOWS } : { workflowBundle: { codePath: bundle } }),
      activities: composeActivities(config),
      shutdownGraceTime: GRACE,
      shutdownForceTime: FORCE,
    });
    made(worker);
    await worker.run();
  } finally {
    await connection.close();
  }
}

const HELP = `npm run worker [-- --bundle FILE]

Serves the recovery task queue of one environment until SIGINT or SIGTERM. Settings come from the environment and an
optional recovery.config file: docs/configuration.md. Logs are JSON lines on stderr.

  --bundle FILE   the workflows as \`node workers/bundle.ts FILE\` has put them together, instead of doing so now
  --help
`;
const WRONG_USE = 2;

async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { bundle: { type: 'string' }, help: { type: 'boolean' } } });
  if (values.help) return void process.stdout.write(HELP);
  return run(values.bundle);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  if (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')) {
    process.stderr.write(`${error.message}\n\n${HELP}`);
    process.exitCode = WRONG_USE;
    return;
  }
  // What is wrong with the settings is for people; anything else comes with its trace.
  const known = error instanceof RecoveryError;
  process.stderr.write(
    `${known ? `${error.code}: ${error.message}` : error instanceof Error ? error.stack : String(error)}\n`,
  );
  process.exitCode = 1;
});
