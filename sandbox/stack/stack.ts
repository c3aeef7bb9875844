import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadSandboxOptions } from '../../config/sandbox.ts';
import { ensurePython } from '../launch/python.mjs';
import { planApp } from './app.ts';
import { deployFirst } from './first-release.ts';
import { planCaddy } from './caddy.ts';
import { planEmbeddings } from './embeddings.ts';
import {
  clearCurrent,
  noteRunning,
  occupy,
  readPorts,
  readSecrets,
  release,
  writeCurrent,
  writePorts,
} from './home.ts';
import { planNeon } from './neon.ts';
import { choosePorts } from './ports.ts';
import { planPostgres } from './postgres.ts';
import { planQdrant, planStandby } from './qdrant.ts';
import { type BasePlans, environmentOfStack, writeEnvironmentFile, writeRecoveryConfig } from './settings.ts';
import { Supervisor } from './supervisor.ts';
import { planTemporal } from './temporal.ts';
import { PART_NAMES, type PartName, type PartPlan, type Stack, type StackContext, type StackOptions } from './types.ts';
import { planWorker } from './worker.ts';

export type * from './types.ts';

const NAME = /^[a-z0-9][a-z0-9-]{0,30}$/;

/** `.sandbox` of the project. */
export const sandboxFolder = fileURLToPath(new URL('../../.sandbox', import.meta.url));

/**
 * Starts a sandbox and returns once every part serves. Nothing of it outlives this process, however that ends.
 * @throws Error in one sentence: what did not start, with the end of its log; everything is stopped again by then
 */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const name = options.name ?? 'default';
  if (!NAME.test(name)) throw new Error(`'${name}' is no name for a sandbox: lower-case letters, digits and hyphens`);
  const folder = resolve(options.folder ?? sandboxFolder);
  const dir = join(folder, 'run', name);
  const settings = options.options ?? loadSandboxOptions();
  const provided = await ensurePython();
  await occupy(dir, name, options.fresh ?? false);
  const tell = options.onMessage ?? (() => undefined);
  const supervisor = new Supervisor(join(dir, 'logs'), tell);
  noteRunning(dir, supervisor.watchdogPid);
  const end = async (): Promise<void> => {
    await supervisor.stopAll();
    clearCurrent(folder, dir);
    release(dir);
  };
  try {
    const ports = await choosePorts(readPorts(dir));
    writePorts(dir, ports);
    const context = { name, dir, ports, secrets: readSecrets(dir), options: settings, provided };
    const plans = await planBase(context, options.neon ?? false);
    const env = environmentOfStack(context, plans);
    await writeRecoveryConfig(context, env);
    const environmentFile = writeEnvironmentFile(dir, env);
    await deployFirst(context, env);
    const wanted = wantedParts(options);
    // It is started by what deploys to it.
    if (wanted.has('app')) supervisor.hold(planApp(context, 'backup'));
    await startInOrder(supervisor, wanted, plans, [planApp(context, 'primary'), planWorker(context, env)], tell);
    writeCurrent(folder, { name, dir, environmentFile });
    return handleOf(context, plans, env, supervisor, end);
  } catch (error) {
    await end();
    throw error;
  }
}

function wantedParts({ only = PART_NAMES, neon }: StackOptions): ReadonlySet<PartName> {
  return new Set(only.map((name) => (name === 'postgres' && neon ? 'neon' : name)));
}

async function planBase(context: StackContext, neon: boolean): Promise<BasePlans> {
  return {
    temporal: planTemporal(context),
    postgres: neon ? planNeon(context) : await planPostgres(context),
    qdrant: planQdrant(context),
    standby: planStandby(context),
    embeddings: planEmbeddings(context),
    caddy: planCaddy(context),
  };
}

/** The servers at once, since none needs another to start; then the app and the worker, which use them. */
async function startInOrder(
  supervisor: Supervisor,
  wanted: ReadonlySet<PartName>,
  base: BasePlans,
  users: readonly PartPlan[],
  tell: (message: string) => void,
): Promise<void> {
  const start = async (plans: readonly PartPlan[]): Promise<void> => {
    const chosen = plans.filter((plan) => wanted.has(plan.name));
    const started = chosen.map(async (plan) => {
      const startedAt = Date.now();
      await supervisor.add(plan);
      tell(`${plan.name} is up after ${((Date.now() - startedAt) / 1000).toFixed(1)} s: ${plan.address}`);
    });
    // All settle before a failure is told, so that nothing starts while everything is being stopped.
    const failed = (await Promise.allSettled(started)).find((one) => one.status === 'rejected');
    if (failed) throw failed.reason;
  };
  await start(Object.values(base).filter((plan) => plan !== undefined));
  await start(users);
}

function handleOf(
  context: StackContext,
  plans: BasePlans,
  env: Readonly<Record<string, string>>,
  supervisor: Supervisor,
  end: () => Promise<void>,
): Stack {
  const { name, dir, secrets, ports } = context;
  const { temporal, postgres, qdrant, standby, embeddings, caddy } = plans;
  let ending: Promise<void> | undefined;
  return {
    name,
    dir,
    env,
    secrets,
    ports,
    pgBinDir: postgres.binDir,
    urls: {
      temporalUi: temporal.uiUrl,
      app: caddy.url,
      appDirect: `http://127.0.0.1:${ports.app}`,
      appBackup: `http://127.0.0.1:${ports.appBackup}`,
      caddyAdmin: caddy.adminUrl,
      qdrant: qdrant.url,
      qdrantFaults: qdrant.faultsUrl,
      standby: standby?.url ?? null,
      standbyFaults: standby?.faultsUrl ?? null,
      neonFaults: 'faultsUrl' in postgres ? postgres.faultsUrl : null,
      embeddings: embeddings.url,
    },
    parts: () => supervisor.views(),
    isRunning: (part) => supervisor.isRunning(part),
    kill: (part, signal = 'SIGKILL') => supervisor.kill(part, signal),
    start: (part) => supervisor.start(part),
    restart: async (part) => {
      await supervisor.stop(part);
      await supervisor.start(part);
    },
    stop: () => (ending ??= end()),
  };
}
