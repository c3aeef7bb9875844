import { randomUUID } from 'node:crypto';
import type { DockerDeployConfig } from '../../config/deploy.ts';
import type { Deployed, Deployer } from '../../domain/deployment.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { sleep } from '../sleep.ts';
import { addressOf } from './docker-address.ts';
import { imageOf, LABELS, optionsFor, type Wanted } from './docker-container.ts';
import { type Container, openEngine } from './docker-engine.ts';
import { type Hands, waitUntilWell } from './docker-health.ts';
import { checkInput, type DeployInput, refused } from './input.ts';
import { createOutput, secretsIn } from './redact.ts';

/** How often a container is looked at and brought one step further. */
const TURNS = 15;
const PAUSE_MS = 200;

/**
 * A container by its name, in an engine. What ran under the name before is renamed and stopped, never removed before the new one is
 * well; the last one is kept after that too, so that it can come back.
 */
export function createDockerDeployer(config: DockerDeployConfig, environment: string): Deployer {
  const what = `docker at ${addressOf(config)}, container ${config.container}`;
  return {
    what,
    find: async (signal) => found(await (await openEngine(config)).inspect(config.container, signal)),
    deploy: async (input, work) => {
      checkInput(what, input);
      const engine = await openEngine(config);
      return deploy({ what, config, engine, work }, { ...input, environment, attempt: randomUUID() });
    },
    stop: async (work) => stop({ what, config, engine: await openEngine(config), work }),
  };
}

async function deploy(hands: Hands, wanted: Wanted): ReturnType<Deployer['deploy']> {
  const { engine, work } = hands;
  const secrets = secretsIn(Object.values(wanted.variables));
  const output = createOutput(secrets, (text) => work.output(text));
  await bringImage(hands, wanted, output.write);
  const container = await bringUp(hands, wanted);
  const heard = new AbortController();
  const following = engine.follow(container.Id, output.write, AbortSignal.any([work.signal, heard.signal]));
  try {
    await waitUntilWell(hands, container.Id, secrets);
  } finally {
    heard.abort();
    await following;
    output.end();
  }
  await forgetOlder(hands, wanted.environment);
  const adopted = container.Config.Labels[LABELS.attempt] !== wanted.attempt;
  work.report({ phase: adopted ? 'it was there already' : 'it runs', done: 1, total: 1 });
  return { id: container.Id, adopted };
}

async function bringImage(
  { what, engine, work }: Hands,
  wanted: DeployInput,
  hear: (text: string) => void,
): Promise<void> {
  const { name, pullable } = imageOf(what, wanted.release);
  if (await engine.hasImage(name, work.signal)) return;
  if (!pullable) throw refused(what, `there is no image ${name}: an image without a name cannot be pulled`);
  work.report({ phase: `pull ${name}`, done: 0, total: 1 });
  await engine.pull(name, (line) => hear(`${line}\n`), work.signal);
}

/** Looks, does the next single thing, and looks again: each may have been done by an attempt that died, or whose answer was lost. */
async function bringUp(hands: Hands, wanted: Wanted): Promise<Container> {
  const { engine, config, work, what } = hands;
  for (let turn = 0, lost = 0; turn < TURNS; turn += 1) {
    const seen = await engine.inspect(config.container, work.signal);
    if (seen && isMine(seen, wanted) && isUp(seen)) return seen;
    try {
      await oneStep(hands, wanted, seen);
    } catch (error) {
      lost += 1;
      if (!(error instanceof RecoveryError && error.code === 'DEPLOY_UNREACHABLE') || lost > 3) throw error;
      await sleep(PAUSE_MS, work.signal);
    }
    const after = await engine.inspect(config.container, work.signal);
    // One of this very attempt that has ended by now is not begun again: its last words are told.
    if (after && after.Config.Labels[LABELS.attempt] === wanted.attempt && after.State.Status !== 'created')
      return after;
  }
  throw refused(what, `it does not come to run: somebody else changes it at the same time`);
}

async function oneStep(
  { engine, config, work, what }: Hands,
  wanted: Wanted,
  seen: Container | undefined,
): Promise<void> {
  const { signal } = work;
  if (!seen) {
    work.report({ phase: 'create the container', done: 0, total: 3 });
    // The name is taken: it is looked at whose it is.
    await engine.create(config.container, optionsFor(what, config, wanted), signal);
    return;
  }
  if (!isMine(seen, wanted)) {
    const owner = seen.Config.Labels[LABELS.environment];
    if (owner !== undefined && owner !== wanted.environment)
      throw refused(what, `it belongs to the environment ${owner}: name another container`);
    work.report({ phase: 'stop the one before, and keep it', done: 1, total: 3 });
    await engine.stop(seen, config.stopSeconds, signal);
    await engine.rename(seen.Id, `${config.container}-before-${seen.Id.slice(0, 12)}`, signal);
    return;
  }
  if (seen.State.Status === 'created') {
    work.report({ phase: 'start the container', done: 2, total: 3 });
    await engine.start(seen.Id, signal);
    return;
  }
  // It was this key's own, and has ended since: made anew, it is given what is wanted now.
  await engine.remove(seen.Id, signal);
}

/** Of those that were put aside only the last is kept. What somebody has started again is left. */
async function forgetOlder({ engine, config, work }: Hands, environment: string): Promise<void> {
  const prefix = `/${config.container}-before-`;
  const listed = await engine.listOf(`${LABELS.environment}=${environment}`, work.signal);
  const aside = listed.filter(({ Names }) => Names.some((name) => name.startsWith(prefix)));
  const older = aside.sort((a, b) => b.Created - a.Created).slice(1);
  for (const { Id, State } of older) if (State !== 'running') await engine.remove(Id, work.signal);
}

async function stop({ what, config, engine, work }: Hands): Promise<void> {
  const seen = await engine.inspect(config.container, work.signal);
  // One that has ended may be started again by the engine: it is told not to, whatever it does now.
  if (!seen) return;
  work.report({ phase: `stop ${config.container}`, done: 0, total: 1 });
  await engine.stop(seen, config.stopSeconds, work.signal);
  const after = await engine.inspect(config.container, work.signal);
  if (after && isUp(after)) throw refused(what, `it was stopped, and is ${after.State.Status}`);
}

function found(container: Container | undefined): Deployed {
  if (!container) return { state: 'absent', release: null, id: null };
  const { Labels, Image } = container.Config;
  const release = Labels[LABELS.release] ?? /@(sha256:[0-9a-f]{64})$/.exec(Image)?.[1] ?? null;
  const { Status } = container.State;
  return {
    state: Status === 'running' ? 'running' : isUp(container) ? 'unknown' : 'stopped',
    release,
    id: container.Id,
  };
}

function isMine({ Config: { Labels } }: Container, { environment, key, release }: Wanted): boolean {
  return (
    Labels[LABELS.environment] === environment &&
    Labels[LABELS.key] === key &&
    Labels[LABELS.release] === release.pinned
  );
}

/** It serves, or will again by itself. */
function isUp({ State: { Status } }: Container): boolean {
  return Status === 'running' || Status === 'restarting';
}
