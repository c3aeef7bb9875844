import type { DockerDeployConfig } from '../../config/deploy.ts';
import type { DeployWork } from '../../domain/deployment.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { sleep } from '../sleep.ts';
import type { Container, Engine } from './docker-engine.ts';
import { failed } from './input.ts';
import { lastWordsOf, redact } from './redact.ts';

/** How often a container may end and be restarted before it is taken to have failed. */
const RESTARTS = 3;
const LAST_LINES = 50;

export interface Hands {
  readonly what: string;
  readonly config: DockerDeployConfig;
  readonly engine: Engine;
  readonly work: DeployWork;
}

/**
 * Waits until the container is healthy or, without a health check, has gone on running for a while. One that fails is stopped, and
 * left there to be looked at.
 * @throws RecoveryError DEPLOY_FAILED with its last words
 */
export async function waitUntilWell(hands: Hands, id: string, secrets: readonly string[]): Promise<void> {
  const { engine, config, work } = hands;
  const total = Math.round(config.healthySeconds);
  let steady = { startedAt: '', since: 0 };
  for (const since = Date.now(); ; await sleep(config.pollSeconds * 1000, work.signal)) {
    const seconds = (Date.now() - since) / 1000;
    work.report({ phase: 'wait until it is healthy', done: Math.min(total, Math.round(seconds)), total });
    const container = await engine.inspect(id, work.signal);
    if (!container) throw failed(hands.what, 'somebody has removed the container');
    const { StartedAt: startedAt } = container.State;
    if (steady.startedAt !== startedAt) steady = { startedAt, since: Date.now() };
    const settled = Date.now() - steady.since >= config.settleSeconds * 1000;
    const problem = problemOf(container) ?? (isWell(container, settled) ? '' : undefined);
    if (problem === '') return;
    const late = seconds > config.healthySeconds ? `is not healthy after ${config.healthySeconds} s` : undefined;
    const why = problem ?? late;
    if (why !== undefined) throw await givenUp(hands, container, why, secrets);
  }
}

function isWell({ State: { Status, Health } }: Container, settled: boolean): boolean {
  if (Status !== 'running') return false;
  if (Health && Health.Status !== 'none') return Health.Status === 'healthy';
  return settled;
}

function problemOf({
  State: { Status, Health, ExitCode, OOMKilled, Error: why },
  ...container
}: Container): string | undefined {
  if (Status === 'running' && Health?.Status === 'unhealthy')
    return `is unhealthy: ${Health.Log.at(-1)?.Output.trim() ?? ''}`;
  const ended = `ended with exit code ${ExitCode}${OOMKilled ? ', out of memory' : ''}${why === '' ? '' : `, ${why}`}`;
  if (container.RestartCount >= RESTARTS) return `${ended}, ${container.RestartCount} times`;
  return Status === 'exited' || Status === 'dead' ? ended : undefined;
}

async function givenUp(
  { what, engine, config, work }: Hands,
  container: Container,
  why: string,
  secrets: readonly string[],
): Promise<RecoveryError> {
  const logs = await engine.logs(container.Id, LAST_LINES, work.signal).catch(noWords);
  // What restarts for ever takes the machine's strength; it is left there, stopped.
  await engine.stop(container, config.stopSeconds, work.signal).catch(noWords);
  return failed(what, redact(why, secrets), lastWordsOf(redact(logs, secrets)));
}

function noWords(error: unknown): string {
  if (error instanceof RecoveryError) return '';
  throw error;
}
