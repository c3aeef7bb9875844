import { chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EndpointState, EndpointType } from '@neondatabase/api-client';
import type { FastifyInstance } from 'fastify';
import { isAlive } from '../launch/lock.mjs';
import { binDirFor, dataHomeFor, postgresUser } from '../stack/postgres-user.ts';
import { Watchdog } from '../stack/watchdog.ts';
import { EndpointAddresses } from './addresses.ts';
import { deleteExpired } from './branches.ts';
import { startEndpoint, suspendIdle } from './endpoints.ts';
import { buildFaultServer, Faults } from './faults.ts';
import { foundProject, initialState } from './found.ts';
import { History } from './history.ts';
import { BASE, Turn } from './http.ts';
import { Operations } from './operations.ts';
import { endpointsOf, livingBranches, type Plane } from './plane.ts';
import { buildApi } from './routes.ts';
import { limitsOf, type NeonOptions, type NeonSettings, neonSettingsSchema } from './settings.ts';
import type { EndpointRecord } from './state.ts';
import { deleteExpiredSnapshot } from './snapshots.ts';
import { Store } from './store.ts';
import { TEMPORARY, TimeTravel } from './time-travel.ts';
import { Timelines } from './timelines.ts';
import { abandon, perform } from './work.ts';

const TICK_MS = 500;

/** A running stand-in. */
export interface Neon {
  /** Base of the API, with its version. */
  readonly apiUrl: string;
  /** Where it takes its fault switches; null when it was started without. */
  readonly faultsUrl: string | null;
  readonly projectId: string;
  /** The root branch that the project was made with. */
  readonly branchId: string;
  /** Connects to that branch as its owner. Holds a password. */
  readonly connectionUri: string;
  /** Ends the API and every cluster in good order; the data stay. */
  close(): Promise<void>;
}

/**
 * Starts Neon's control plane over real Postgres clusters; over a folder that was used before, it goes on.
 * @throws z.ZodError for wrong options; Error when another one runs over the folder, or Postgres does not start
 */
export async function startNeon(options: NeonOptions): Promise<Neon> {
  const settings = neonSettingsSchema.parse(options);
  const release = occupy(settings.directory);
  const watchdog = new Watchdog();
  const parts: (() => Promise<unknown>)[] = [() => watchdog.close()];
  const close = async (): Promise<void> => {
    for (const part of parts.splice(0).toReversed()) await part();
    release();
  };
  try {
    const { plane, addresses } = assemble(settings, watchdog);
    parts.push(
      () => plane.timelines.close(),
      () => plane.timeTravel.close(),
      () => addresses.closeAll(),
    );
    parts.push(() => plane.operations.close());
    await open(plane, settings);
    const turn = new Turn();
    const ticker = setInterval(() => void tick(plane, turn).catch(() => undefined), TICK_MS);
    parts.push(async () => clearInterval(ticker));
    const listen = async (server: FastifyInstance, port: number): Promise<string> => {
      parts.push(() => server.close());
      return server.listen({ port, host: '127.0.0.1' });
    };
    const api = await listen(buildApi(plane, turn), settings.port);
    const { faultPort } = settings;
    const faultsUrl = faultPort === undefined ? null : await listen(buildFaultServer(plane.faults), faultPort);
    return { ...handleOf(plane), apiUrl: `${api}${BASE}`, faultsUrl, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function handleOf(plane: Plane): Pick<Neon, 'projectId' | 'branchId' | 'connectionUri'> {
  const { role, database } = plane.settings;
  const endpoint = firstEndpoint(plane);
  const branch = plane.state.branches[endpoint?.branch ?? ''];
  if (!branch || !endpoint) throw new Error('the project has no default branch with an endpoint');
  const password = plane.timelines.passwordOf(branch.timeline, role) ?? '';
  return {
    projectId: plane.state.project.id,
    branchId: branch.id,
    connectionUri: `postgresql://${role}:${encodeURIComponent(password)}@127.0.0.1:${endpoint.port}/${database}`,
  };
}

/** One control plane per folder. @throws Error when another one runs */
function occupy(directory: string): () => void {
  mkdirSync(directory, { recursive: true });
  const file = join(directory, 'running.pid');
  const owner = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
  if (owner > 0 && owner !== process.pid && isAlive(owner)) {
    throw new Error(`a Neon stand-in runs over ${directory} already (process ${owner})`);
  }
  writeFileSync(file, String(process.pid));
  return () => rmSync(file, { force: true });
}

function assemble(settings: NeonSettings, watchdog: Watchdog): { plane: Plane; addresses: EndpointAddresses } {
  const user = postgresUser();
  const store = Store.open(settings.directory, () => initialState(settings));
  const adminPassword = (): string => store.state.adminPassword;
  const environment = { binDir: binDirFor(user, settings.binDir), user, watchdog, adminPassword };
  const home = dataHomeFor(user, join(settings.directory, 'clusters'));
  mkdirSync(home, { recursive: true, mode: 0o700 });
  if (user) chownSync(home, user.uid, user.gid);
  const faults = new Faults();
  const timelines = new Timelines(new History(environment, home, store.state), store);
  const operations = new Operations({
    store,
    faults,
    delayMs: settings.operationDelayMs,
    perform: (work) => perform(plane, work),
    abandon: (work) => abandon(plane, work),
  });
  const timeTravel = new TimeTravel(timelines, operations, settings.timeTravelSeconds);
  const addresses = new EndpointAddresses(() => plane);
  const limits = limitsOf(settings);
  const plane: Plane = {
    settings,
    limits,
    store,
    state: store.state,
    faults,
    timelines,
    operations,
    timeTravel,
    addresses,
  };
  return { plane, addresses };
}

/** Makes the project, or goes on with it as it was left. */
async function open(plane: Plane, settings: NeonSettings): Promise<void> {
  const { history } = plane.timelines;
  if (Object.keys(plane.state.branches).length === 0) {
    await history.removeAll('');
    return foundProject(plane);
  }
  await history.removeAll(TEMPORARY);
  const first = firstEndpoint(plane);
  if (first && settings.endpointPort) first.port = settings.endpointPort;
  await Promise.all(endpointsOf(plane).map((one) => plane.addresses.open(one)));
  const active = endpointsOf(plane).filter(({ state, busy }) => state === EndpointState.Active && !busy);
  await Promise.all(active.map((one) => startEndpoint(plane, one)));
  plane.operations.resume();
}

function firstEndpoint(plane: Plane): EndpointRecord | undefined {
  const branch = livingBranches(plane).find((one) => one.default);
  return endpointsOf(plane, branch?.id).find(({ type }) => type === EndpointType.ReadWrite);
}

/** What happens by itself, as time passes. */
async function tick(plane: Plane, turn: Turn): Promise<void> {
  await plane.timeTravel.tidy();
  await turn.take(async () => {
    if (plane.operations.busy) return;
    await suspendIdle(plane);
    // Each begins a chain, and one is all there can be.
    if (!deleteExpired(plane)) deleteExpiredSnapshot(plane);
  });
}
