import { z } from 'zod';
import type { HfSpaceDeployConfig } from '../../config/deploy.ts';
import type { Deployed, Deployer, DeployWork } from '../../domain/deployment.ts';
import { RecoveryError } from '../../domain/failures.ts';
import type { Environment } from '../run-program.ts';
import { sleep } from '../sleep.ts';
import { createSpace, type Runtime, type Space } from './hf-api.ts';
import { fetchRelease, releaseIn, type SpaceCommit } from './hf-git.ts';
import { checkInput, type DeployInput, failed, refused } from './input.ts';
import { asJson } from './json.ts';
import { createOutput, secretsIn } from './redact.ts';

/** Kept among the Space's own variables: under which key, and for which release, its secrets were set. They cannot be read again. */
const MARK = 'RECOVERY_DEPLOYMENT';
const markSchema = z.object({ key: z.string(), release: z.string() });

const RUNS = ['RUNNING', 'RUNNING_BUILDING', 'RUNNING_APP_STARTING'];
const ON_ITS_WAY = ['BUILDING', 'APP_STARTING', 'RUNNING_BUILDING', 'RUNNING_APP_STARTING'];
const RESTS = ['PAUSED', 'STOPPED', 'SLEEPING'];
const BROKEN = ['NO_APP_FILE', 'CONFIG_ERROR', 'BUILD_ERROR', 'RUNTIME_ERROR', 'DELETING'];
/** Nobody is served, and nobody who comes wakes it. */
const OVER = ['PAUSED', 'STOPPED', 'NO_APP_FILE', 'CONFIG_ERROR', 'BUILD_ERROR'];
/** In polls: how long a stage may be one of before. */
const GRACE = 12;
const POLLS_TO_STOP = 24;

interface Hands {
  readonly what: string;
  readonly config: HfSpaceDeployConfig;
  readonly space: Space;
  readonly work: DeployWork;
}

/**
 * A Space of Hugging Face: the release is pushed into its repository, and it builds and restarts by itself. A commit is there or it
 * is not, so that none is ever made twice. @param environment what `git` is given
 */
export function createHfSpaceDeployer(config: HfSpaceDeployConfig, environment: Environment): Deployer {
  const what = `Hugging Face, Space ${config.space}`;
  const handsOf = (work: DeployWork, secrets: readonly string[]): Hands => {
    const waits = (phase: string): void => work.report({ phase, done: 0, total: 1 });
    return { what, config, work, space: createSpace(config, { secrets, waits }) };
  };
  return {
    what,
    find: (signal) => find(config, createSpace(config), signal),
    deploy: async (input, work) => {
      checkInput(what, input);
      if (!/^[0-9a-f]{7,40}$/.test(input.release.pinned)) throw refused(what, `${input.release.pinned} is no commit`);
      work.report({ phase: 'fetch the release', done: 0, total: 1 });
      const commit = await fetchRelease(config, input.release.pinned, { what, environment, signal: work.signal });
      const secrets = secretsIn(Object.values(input.variables));
      return deploy(handsOf(work, secrets), input, commit).finally(commit.close);
    },
    stop: (work) => stop(handsOf(work, [])),
  };
}

async function find(config: HfSpaceDeployConfig, space: Space, signal: AbortSignal | undefined): Promise<Deployed> {
  const { stage, sha } = await space.runtime(signal);
  if (stage === 'NO_APP_FILE') return { state: 'absent', release: null, id: null };
  const id = sha ?? (await space.head(signal)) ?? null;
  const title = config.folder === undefined || id === null ? undefined : (await space.titles(signal)).get(id);
  const release = config.folder === undefined ? id : (releaseIn(title ?? '') ?? null);
  const isStill = RESTS.includes(stage) || BROKEN.includes(stage);
  return { state: RUNS.includes(stage) ? 'running' : isStill ? 'stopped' : 'unknown', release, id };
}

async function deploy(hands: Hands, input: DeployInput, commit: SpaceCommit): ReturnType<Deployer['deploy']> {
  const { space, work } = hands;
  const [there, head] = [await space.variables(work.signal), await space.head(work.signal)];
  const before = await space.runtime(work.signal);
  const mark = markSchema.safeParse(asJson(there.get(MARK) ?? '')).data;
  const isMine = mark?.key === input.key && mark.release === input.release.pinned;
  const changed = await bringVariables(hands, input, { there, isMine });
  const isThere = head === commit.sha;
  const adopted = isMine && !changed && isThere && isComing(before);
  if (!isThere) await bringCommit(hands, commit, head);
  if (!adopted && (isThere || RESTS.includes(before.stage))) {
    work.report({ phase: 'restart the Space', done: 0, total: 1 });
    await space.turn('restart', work.signal);
  }
  await waitUntilUp(hands, commit.sha, secretsIn(Object.values(input.variables)));
  return { id: commit.sha, adopted };
}

/** Secrets are set anew under a new key; the mark comes after them all. Tells whether anything was set. */
async function bringVariables(
  { config, space, work }: Hands,
  { variables, key, release }: DeployInput,
  { there, isMine }: { there: ReadonlyMap<string, string>; isMine: boolean },
): Promise<boolean> {
  const isPublic = (name: string): boolean => config.publicVariables.includes(name);
  const wanted = Object.entries(variables).filter(([name, value]) =>
    isPublic(name) ? there.get(name) !== value : !isMine,
  );
  for (const [at, [name, value]] of wanted.entries()) {
    work.report({ phase: `set ${name}`, done: at, total: wanted.length });
    await space.set(isPublic(name) ? 'variables' : 'secrets', name, value, work.signal);
  }
  if (!isMine) await space.set('variables', MARK, JSON.stringify({ key, release: release.pinned }), work.signal);
  return wanted.length > 0;
}

/** Whatever Git says of it: when it is there, it is done. Git tries again by itself over some lost answers, and is refused then. */
async function bringCommit({ space, work }: Hands, commit: SpaceCommit, before: string | undefined): Promise<void> {
  work.report({ phase: 'push the release', done: 0, total: 1 });
  try {
    await commit.push(before, work.signal);
  } catch (error) {
    if (!(error instanceof RecoveryError) || (await space.head(work.signal)) !== commit.sha) throw error;
  }
}

/** It runs, or will without more being done. */
function isComing({ stage }: Runtime): boolean {
  return RUNS.includes(stage) || ON_ITS_WAY.includes(stage);
}

/** @throws RecoveryError DEPLOY_FAILED with the last words of the build, or of the app */
async function waitUntilUp(hands: Hands, sha: string, secrets: readonly string[]): Promise<void> {
  const { config, space, work } = hands;
  const total = Math.round(config.deployMinutes * 60);
  for (let polls = 0, since = Date.now(); ; polls += 1, await sleep(config.pollSeconds * 1000, work.signal)) {
    const seconds = (Date.now() - since) / 1000;
    const seen = await space.runtime(work.signal);
    work.report({ phase: `Hugging Face: ${seen.stage}`, done: Math.min(total, Math.round(seconds)), total });
    const isOurs = seen.sha === sha || ((seen.sha ?? '') === '' && polls >= GRACE);
    if (seen.stage === 'RUNNING' && isOurs) return;
    const over = BROKEN.includes(seen.stage) || RESTS.includes(seen.stage);
    const isLate = seconds > config.deployMinutes * 60;
    // A Space may go on telling what was before for a while.
    if (!isLate && !(over && (polls >= GRACE || (isOurs && BROKEN.includes(seen.stage))))) continue;
    const output = createOutput(secrets, (text) => work.output(text));
    output.write(await space.logs(seen.stage === 'RUNTIME_ERROR' ? 'run' : 'build', work.signal));
    if (seen.errorMessage) output.write(`${seen.errorMessage}\n`);
    const why = over
      ? `the Space is in ${seen.stage}`
      : `the Space is still in ${seen.stage} after ${config.deployMinutes} min`;
    throw failed(
      hands.what,
      seen.stage === 'RUNNING' ? `${why}, with ${seen.sha ?? 'another commit'}` : why,
      output.end(),
    );
  }
}

async function stop({ what, config, space, work }: Hands): Promise<void> {
  for (let polls = 0; polls < POLLS_TO_STOP; polls += 1) {
    if (OVER.includes((await space.runtime(work.signal)).stage)) return;
    work.report({ phase: 'pause the Space', done: 0, total: 1 });
    if (polls % GRACE === 0) await space.turn('pause', work.signal);
    else await sleep(config.pollSeconds * 1000, work.signal);
  }
  throw refused(what, 'it was paused, but Hugging Face does not say so');
}
