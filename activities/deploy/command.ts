import { z } from 'zod';
import type { CommandDeployConfig, ProgramConfig } from '../../config/deploy.ts';
import type { Deployed, Deployer, DeployWork, Release } from '../../domain/deployment.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { type Environment } from '../run-program.ts';
import { sleep } from '../sleep.ts';
import { checkInput, type DeployInput, describeFound, failed, refused, runsRelease } from './input.ts';
import { asJson } from './json.ts';
import { createLocalPlace, type Place } from './place.ts';
import { createOutput, lastWordsOf, redact, secretsIn } from './redact.ts';
import { createSshPlace } from './ssh.ts';
import { problemOf } from './supervise.ts';

const foundSchema = z.object({
  state: z.enum(['running', 'stopped', 'absent', 'unknown']),
  release: z.string().nullable().default(null),
  id: z
    .union([z.string(), z.number().transform(String)])
    .nullable()
    .default(null),
});

/** What the state file says: which key was begun, and whether it was brought to its end. */
const markSchema = z.object({ key: z.string(), release: z.string(), done: z.boolean() });
type Mark = z.infer<typeof markSchema>;

interface Hands {
  readonly what: string;
  readonly config: CommandDeployConfig;
  readonly place: Place;
  readonly secrets: readonly string[];
}

/** Commands in their order, here or over SSH. @param environment what commands here are given besides the app's variables */
export function createCommandDeployer(config: CommandDeployConfig, environment: Environment): Deployer {
  const place = config.ssh ? createSshPlace(config.ssh, environment) : createLocalPlace(environment);
  const what = `commands ${place.what === 'here' ? 'here' : `at ${place.what}`}, ${nameOf(config.run[0])}`;
  const hands: Hands = { what, config, place, secrets: [] };
  return {
    what,
    find: (signal) => find(hands, signal),
    deploy: async (input, work) => {
      checkInput(what, input);
      return deploy({ ...hands, secrets: secretsIn(Object.values(input.variables)) }, input, work);
    },
    stop: (work) => stop(hands, work),
  };
}

async function deploy(hands: Hands, input: DeployInput, work: DeployWork): ReturnType<Deployer['deploy']> {
  const { place, config } = hands;
  const { release, key } = input;
  const [seen, mark] = [await find(hands, work.signal), await readMark(hands, work.signal)];
  const mine = mark?.key === key && mark.release === release.pinned ? mark : undefined;
  const record = (done: boolean): Promise<void> =>
    place.write(config.stateFile, JSON.stringify({ key, release: release.pinned, done }), work.signal);
  // Of a list of commands that did not come to its end nobody knows which are missing: all are run again, as they may be.
  if (mine?.done === true && runsRelease(seen, release)) return { id: idOf(seen, release), adopted: true };
  await record(false);
  await runAll(hands, input, work);
  const found = await waitUntilUp(hands, release, work);
  await record(true);
  return { id: idOf(found, release), adopted: false };
}

async function runAll({ what, config, place, secrets }: Hands, input: DeployInput, work: DeployWork): Promise<void> {
  for (const [at, configured] of config.run.entries()) {
    const program = {
      ...configured,
      run: configured.run.map((word, nth) => (nth === 0 ? word : fill(word, input.release))),
    };
    const phase = `command ${at + 1} of ${config.run.length}: ${nameOf(program)}`;
    work.report({ phase, done: at, total: config.run.length });
    const output = createOutput(secrets, (text) => work.output(text));
    const { variables } = input;
    const ended = await place.run(program, { variables, signal: work.signal, onOutput: output.write });
    const words = output.end();
    if ('problem' in ended) throw failed(what, `${phase} ${problemOf(ended.problem, program)}`, words);
  }
}

/** @throws RecoveryError DEPLOY_FAILED when `find` does not say in time that the release runs */
async function waitUntilUp(hands: Hands, release: Release, work: DeployWork): Promise<Deployed> {
  const { config, what } = hands;
  const total = Math.round(config.readySeconds);
  for (const since = Date.now(); ; await sleep(config.pollSeconds * 1000, work.signal)) {
    const seconds = (Date.now() - since) / 1000;
    work.report({ phase: 'wait until it runs', done: Math.min(total, Math.round(seconds)), total });
    const found = await find(hands, work.signal);
    if (runsRelease(found, release)) return found;
    if (seconds < config.readySeconds) continue;
    const why = `the commands ended well, but after ${config.readySeconds} s \`find\` says ${describeFound(found)}`;
    throw failed(what, `${why}; ${release.pinned} was to run`);
  }
}

async function stop(hands: Hands, work: DeployWork): Promise<void> {
  const { what, config, place } = hands;
  const isOver = ({ state }: Deployed): boolean => state === 'stopped' || state === 'absent';
  // What has crashed may be started again by whatever keeps it: only where nothing is there is nothing to tell.
  if ((await find(hands, work.signal)).state === 'absent') return;
  for (const [at, program] of config.stop.entries()) {
    work.report({ phase: `stop: ${nameOf(program)}`, done: at, total: config.stop.length });
    const output = createOutput([], (text) => work.output(text));
    const ended = await place.run(program, { variables: {}, signal: work.signal, onOutput: output.write });
    const words = output.end();
    if ('problem' in ended)
      throw refused(what, `stop: ${nameOf(program)} ${problemOf(ended.problem, program)}: ${words}`);
  }
  for (const since = Date.now(); ; await sleep(config.pollSeconds * 1000, work.signal)) {
    const found = await find(hands, work.signal);
    if (isOver(found)) return;
    if (Date.now() - since < config.readySeconds * 1000) continue;
    throw refused(what, `it was stopped, but \`find\` says ${describeFound(found)}`);
  }
}

async function find({ what, config, place, secrets }: Hands, signal: AbortSignal | undefined): Promise<Deployed> {
  const name = `find: ${nameOf(config.find)}`;
  const ended = await place.run(config.find, { variables: {}, signal });
  if ('problem' in ended) {
    const words = lastWordsOf(redact(ended.stderr, secrets));
    const said = `${what}: ${name} ${problemOf(ended.problem, config.find)}${words === '' ? '' : `: ${words}`}`;
    throw new RecoveryError(/^did not end/.test(ended.problem) ? 'DEPLOY_UNREACHABLE' : 'DEPLOY_REFUSED', said);
  }
  const line = ended.stdout.trim().split('\n').at(-1) ?? '';
  const found = foundSchema.safeParse(asJson(line));
  if (found.success) return found.data;
  const wanted = '{"state": "running, stopped, absent or unknown", "release": ..., "id": ...}';
  throw refused(what, `${name} prints no line ${wanted}, but ${lastWordsOf(redact(line, secrets)) || 'nothing'}`);
}

/** @throws RecoveryError DEPLOY_REFUSED where the file is somebody else's */
async function readMark({ what, config, place }: Hands, signal: AbortSignal): Promise<Mark | undefined> {
  const text = await place.read(config.stateFile, signal);
  if (text.trim() === '') return undefined;
  const mark = markSchema.safeParse(asJson(text));
  if (mark.success) return mark.data;
  throw refused(what, `stateFile ${config.stateFile} holds something else than what was deployed: name another file`);
}

function fill(word: string, { ref, pinned }: Release): string {
  return word.replaceAll('{ref}', () => ref).replaceAll('{pinned}', () => pinned);
}

function idOf({ id }: Deployed, { pinned }: Release): string {
  return id ?? pinned;
}

function nameOf(program: Pick<ProgramConfig, 'run'> | undefined): string {
  return program?.run[0] ?? '';
}
