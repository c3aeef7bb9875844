/** The worker's process: settings, connections, one Worker, and an orderly end on SIGINT and SIGTERM. */
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
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

/** Above the longest single request to a store, so that a running call can end by itself when the worker is told to stop. */
const GRACE = '20s';
const FORCE = '40s';

async function run(): Promise<void> {
  // Settings first: the runtime keeps the process alive and takes its signals, so nothing may fail between the two.
  const config = await loadConfig();
  const temporal = loadTemporalConnection();
  Runtime.install({
    logger: new DefaultLogger('INFO', (entry) => process.stderr.write(`${jsonLine(entry)}\n`)),
    telemetryOptions: { logging: { forward: {}, filter: { core: 'WARN', other: 'ERROR' } } },
  });
  try {
    await serve(config, temporal);
  } finally {
    await Runtime.instance().shutdown();
  }
}

async function serve(config: Config, temporal: TemporalConnection): Promise<void> {
  let worker: Worker | undefined;
  const health =
    config.worker.health &&
    (await serveHealth(
      config.worker.health,
      healthOf(config, () => worker?.getState() ?? 'STARTING'),
    ));
  try {
    await work(config, temporal, (made) => (worker = made));
  } finally {
    health?.close();
  }
}

async function work(config: Config, temporal: TemporalConnection, made: (worker: Worker) => void): Promise<void> {
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
      workflowsPath: fileURLToPath(new URL('../workflows/index.ts', import.meta.url)),
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

const HELP = `npm run worker

Serves the recovery task queue of one environment until SIGINT or SIGTERM. Settings come from the environment and an
optional recovery.config file: docs/configuration.md. Logs are JSON lines on stderr.
`;

async function main(args: readonly string[]): Promise<void> {
  if (args.length === 0) return run();
  const asked = args.includes('--help');
  (asked ? process.stdout : process.stderr).write(HELP);
  process.exitCode = asked ? 0 : 2;
}

main(process.argv.slice(2)).catch((error: unknown) => {
  // What is wrong with the settings is for people; anything else comes with its trace.
  const known = error instanceof RecoveryError;
  process.stderr.write(
    `${known ? `${error.code}: ${error.message}` : error instanceof Error ? error.stack : String(error)}\n`,
  );
  process.exitCode = 1;
});
