import { z } from 'zod';
import type { RenderDeployConfig } from '../../config/deploy.ts';
import type { Deployed, Deployer, DeployWork, Release } from '../../domain/deployment.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { sleep } from '../sleep.ts';
import { checkInput, type DeployInput, failed, refused } from './input.ts';
import { asJson } from './json.ts';
import { createOutput, secretsIn } from './redact.ts';
import { createRender, type Render, type RenderDeploy } from './render-api.ts';
import { Refused } from './vendor.ts';

/** Kept among the service's own variables: which key was begun, for what, and the newest deploy that there was before. */
const MARK = 'RECOVERY_DEPLOYMENT';
const markSchema = z.object({ key: z.string(), release: z.string(), after: z.string() });

const FAILED = ['build_failed', 'update_failed', 'pre_deploy_failed', 'canceled'];
const OVER = [...FAILED, 'deactivated'];
/** In polls: how long a deploy that was begun takes to be listed, and a service to be suspended. */
const POLLS_TO_APPEAR = 6;
const POLLS_TO_STOP = 24;
const DIGEST = /sha256:[0-9a-f]{64}$/;

interface Hands {
  readonly what: string;
  readonly config: RenderDeployConfig;
  readonly render: Render;
  readonly work: DeployWork;
}

/** A service of Render. A deploy of the same release that an earlier attempt has begun is waited for: no second one is begun. */
export function createRenderDeployer(config: RenderDeployConfig): Deployer {
  const what = `Render, service ${config.serviceId}`;
  const handsOf = (work: DeployWork, secrets: readonly string[]): Hands => {
    const waits = (phase: string): void => work.report({ phase, done: 0, total: 1 });
    return { what, config, work, render: createRender(config, { secrets, waits }) };
  };
  return {
    what,
    find: (signal) => find(createRender(config), signal),
    deploy: async (input, work) => {
      checkInput(what, input);
      const secrets = secretsIn(Object.values(input.variables));
      return deploy(handsOf(work, secrets), input, secrets);
    },
    stop: (work) => stop(handsOf(work, [])),
  };
}

async function find(render: Render, signal: AbortSignal | undefined): Promise<Deployed> {
  const { suspended } = await render.service(signal);
  const live = (await render.deploys(signal)).find(({ status }) => status === 'live');
  if (!live) return { state: suspended === 'suspended' ? 'stopped' : 'absent', release: null, id: null };
  return { state: suspended === 'suspended' ? 'stopped' : 'running', release: releaseOf(live), id: live.id };
}

async function deploy(hands: Hands, input: DeployInput, secrets: readonly string[]): ReturnType<Deployer['deploy']> {
  const { render, work } = hands;
  const wanted = whatToDeploy(hands.what, input.release);
  const { mark, changed } = await bringVariables(hands, input);
  const { suspended, ownerId } = await render.service(work.signal);
  const deploys = await render.deploys(work.signal);
  const mine = mark?.key === input.key && mark.release === input.release.pinned && !changed ? mark : undefined;
  const begun =
    mine && newerThan(deploys, mine.after).find((one) => isOf(one, input.release) && !OVER.includes(one.status));
  const adopted = begun !== undefined && suspended !== 'suspended';
  const id = adopted
    ? begun.id
    : await begin(hands, { ...input, wanted }, { after: deploys[0]?.id ?? '', suspended: suspended === 'suspended' });
  const output = createOutput(secrets, (text) => work.output(text));
  const ended = await waitUntilOver(hands, id);
  for (const line of await render.logs(ownerId, ended.createdAt, work.signal).catch(nothingSaid))
    output.write(`${line}\n`);
  const words = output.end();
  if (ended.status === 'live') return { id, adopted };
  throw failed(hands.what, whyNot(hands, ended), words);
}

/** Those that differ; none that is there besides is touched. A deploy that was begun before a change has not heard of it. */
async function bringVariables(
  { render, work }: Hands,
  { variables }: DeployInput,
): Promise<{ mark: z.infer<typeof markSchema> | undefined; changed: boolean }> {
  const there = await render.variables(work.signal);
  const differing = Object.entries(variables).filter(([name, value]) => there.get(name) !== value);
  for (const [at, [name, value]] of differing.entries()) {
    work.report({ phase: `set ${name}`, done: at, total: differing.length });
    await render.setVariable(name, value, work.signal);
  }
  const mark = markSchema.safeParse(asJson(there.get(MARK) ?? ''));
  return { mark: mark.data, changed: differing.length > 0 };
}

/** The mark comes first: what is newer than it names was begun under this key. */
async function begin(
  hands: Hands,
  { release, key, wanted }: DeployInput & { readonly wanted: Parameters<Render['begin']>[0] },
  { after, suspended }: { after: string; suspended: boolean },
): Promise<string> {
  const { what, render, work } = hands;
  work.report({ phase: 'begin a deploy', done: 0, total: 1 });
  await render.setVariable(MARK, JSON.stringify({ key, release: release.pinned, after }), work.signal);
  if (suspended) await render.turn('resume', work.signal).catch(unlessAlready);
  let lost: RecoveryError | undefined;
  try {
    const id = await render.begin(wanted, work.signal);
    if (id !== undefined) return id;
  } catch (error) {
    if (!(error instanceof RecoveryError && error.code === 'DEPLOY_UNREACHABLE')) throw error;
    lost = error;
  }
  for (let poll = 0; poll < POLLS_TO_APPEAR; poll += 1) {
    const begun = newerThan(await render.deploys(work.signal), after).find((one) => isOf(one, release));
    if (begun) return begun.id;
    await sleep(hands.config.pollSeconds * 1000, work.signal);
  }
  throw lost ?? refused(what, 'a deploy was queued, and none has appeared');
}

async function waitUntilOver({ config, render, work }: Hands, id: string): Promise<RenderDeploy> {
  const total = Math.round(config.deployMinutes * 60);
  for (const since = Date.now(); ; await sleep(config.pollSeconds * 1000, work.signal)) {
    const seconds = (Date.now() - since) / 1000;
    const seen = await render.deploy(id, work.signal);
    work.report({ phase: `Render: ${seen.status}`, done: Math.min(total, Math.round(seconds)), total });
    if (seen.status === 'live' || OVER.includes(seen.status) || seconds > config.deployMinutes * 60) return seen;
  }
}

function whyNot({ config }: Hands, { id, status }: RenderDeploy): string {
  if (FAILED.includes(status)) return `deploy ${id} ended with ${status}`;
  if (status === 'deactivated') return `another deploy has taken the place of ${id}`;
  return `deploy ${id} is still ${status} after ${config.deployMinutes} min`;
}

async function stop({ what, config, render, work }: Hands): Promise<void> {
  for (let poll = 0; poll < POLLS_TO_STOP; poll += 1) {
    if ((await render.service(work.signal)).suspended === 'suspended') return;
    work.report({ phase: 'suspend the service', done: 0, total: 1 });
    if (poll % POLLS_TO_APPEAR === 0) await render.turn('suspend', work.signal).catch(unlessAlready);
    else await sleep(config.pollSeconds * 1000, work.signal);
  }
  throw refused(what, 'it was suspended, but Render does not say so');
}

/** What is so already may be refused; whether it is so is looked at. */
function unlessAlready(error: unknown): void {
  if (!(error instanceof Refused && (error.status === 400 || error.status === 409))) throw error;
}

function nothingSaid(error: unknown): readonly string[] {
  if (error instanceof RecoveryError) return [];
  throw error;
}

function newerThan(deploys: readonly RenderDeploy[], id: string): readonly RenderDeploy[] {
  const at = deploys.findIndex((one) => one.id === id);
  return at < 0 ? deploys : deploys.slice(0, at);
}

function isOf(deploy: RenderDeploy, { pinned }: Release): boolean {
  const digest = DIGEST.exec(pinned)?.[0];
  if (digest !== undefined) return releaseOf(deploy) === digest || deploy.image?.ref?.endsWith(`@${digest}`) === true;
  return deploy.commit?.id?.startsWith(pinned) === true;
}

function releaseOf({ commit, image }: RenderDeploy): string | null {
  const digest = image?.sha ?? DIGEST.exec(image?.ref ?? '')?.[0];
  if (digest !== undefined) return digest.startsWith('sha256:') ? digest : `sha256:${digest}`;
  return commit?.id ?? null;
}

function whatToDeploy(what: string, { ref, pinned }: Release): { commitId: string } | { imageUrl: string } {
  const digest = DIGEST.exec(pinned)?.[0];
  if (digest !== undefined) return { imageUrl: `${ref.replace(/@.*$/, '').replace(/:[^:/]*$/, '')}@${digest}` };
  if (/^[0-9a-f]{7,40}$/.test(pinned)) return { commitId: pinned };
  throw refused(what, `${pinned} is neither a commit nor a digest`);
}
