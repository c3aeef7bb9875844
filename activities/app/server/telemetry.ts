import { setTimeout as sleep } from 'node:timers/promises';
import type { AppServersConfig } from '../../../config/app-servers.ts';
import type { Gate } from '../../../domain/verdict.ts';
import { type Environment, runProgram } from '../../run-program.ts';
import { marker } from './checks.ts';
import { judged, send } from './endpoint.ts';
import { keyOf, type Place } from './place.ts';

/** Logs are written when they are written. */
const PATIENCE_MS = 10_000;
const PAUSE_MS = 250;
const COMMAND_MS = 30_000;

interface Telemetry {
  readonly place: Place;
  /** The worker's own variables, for the command that prints the log. */
  readonly environment: Environment;
  readonly signal: AbortSignal;
}

type Checks = AppServersConfig['checks'];

/** A marked request appears in the logs and moves the metrics: an app that nobody can watch is not recovered. */
export async function checkTelemetry({ metrics, logs }: Checks, telemetry: Telemetry): Promise<Gate[]> {
  if (!metrics && !logs)
    return [
      {
        name: 'logs and metrics',
        verdict: 'unproven',
        expected: 'a marked request is in the logs and moves the metrics',
        observed: 'neither appServers.checks.logs nor appServers.checks.metrics is configured',
      },
    ];
  return [
    ...(metrics ? [await checkMetrics(metrics, telemetry)] : []),
    ...(logs ? [await checkLogs(logs, telemetry)] : []),
  ];
}

async function checkMetrics(metrics: NonNullable<Checks['metrics']>, telemetry: Telemetry): Promise<Gate> {
  const { place, signal } = telemetry;
  const { path, series } = metrics;
  return judged({ name: 'metrics', expected: `a request moves ${series} of ${path}` }, place.app, async () => {
    // Reading them may count as well, so what a request adds is what counts.
    const first = await read(place, metrics, signal);
    const second = await read(place, metrics, signal);
    await ask(telemetry, {});
    const third = await read(place, metrics, signal);
    if (first === undefined || second === undefined || third === undefined)
      return { verdict: 'fail', observed: `${path} has no ${series}` };
    const moved = third - second > second - first;
    return { verdict: moved ? 'pass' : 'fail', observed: `${first}, ${second}, and with a request ${third}` };
  });
}

async function checkLogs({ run, header }: NonNullable<Checks['logs']>, telemetry: Telemetry): Promise<Gate> {
  const { place } = telemetry;
  return judged({ name: 'logs', expected: 'a marked request is in them' }, place.app, async () => {
    const mark = marker();
    await ask(telemetry, { [header]: mark });
    const command = run.map((part) => part.replaceAll('{server}', place.name));
    return appears(command, mark, telemetry);
  });
}

async function ask({ place: { app }, signal }: Telemetry, marked: Readonly<Record<string, string>>): Promise<void> {
  const endpoint = { method: 'GET', path: app.health.path } as const;
  await send({ app, endpoint, headers: { ...keyOf(app), ...marked }, signal });
}

/** Sum of a series over all its labels; https://prometheus.io/docs/instrumenting/exposition_formats/ */
async function read(
  { app }: Place,
  { path, series }: NonNullable<AppServersConfig['checks']['metrics']>,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { text } = await send({ app, endpoint: { method: 'GET', path }, signal });
  const values = text.split('\n').flatMap((line) => {
    const [name = '', rest = ''] = [line.split(/[{\s]/, 1)[0], line.replace(/^[^\s{]+(?:\{.*\})?\s+/, '')];
    return name === series ? [Number(rest.split(/\s/)[0])] : [];
  });
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0);
}

async function appears(
  [program = '', ...args]: readonly string[],
  mark: string,
  { environment, signal }: Telemetry,
): Promise<Pick<Gate, 'verdict' | 'observed'>> {
  for (const deadline = Date.now() + PATIENCE_MS; ; await sleep(PAUSE_MS)) {
    const ended = await runProgram(program, args, { environment, timeoutMs: COMMAND_MS, signal });
    // What a log says stays there: it may hold anything.
    if ('problem' in ended) return { verdict: 'unproven', observed: `${program} ${ended.problem}` };
    if (ended.stdout.includes(mark)) return { verdict: 'pass', observed: 'it is' };
    if (Date.now() > deadline) return { verdict: 'fail', observed: `it is not, after ${PATIENCE_MS / 1_000} s` };
  }
}
