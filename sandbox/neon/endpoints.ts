import { type Endpoint, EndpointState, EndpointType, OperationAction } from '@neondatabase/api-client';
import { setTimeout as pause } from 'node:timers/promises';
import type { Cluster } from './cluster.ts';
import { NeonError, unprocessable } from './errors.ts';
import { newId, now } from './ids.ts';
import type { Step } from './operations.ts';
import { branchOf, endpointOf, endpointsOf, type Plane } from './plane.ts';
import type { EndpointRecord } from './state.ts';

const WAKE_MS = 60_000;
const LOOK_EVERY_MS = 20;
/** What Neon takes 0 for. */
const DEFAULT_TIMEOUT_SECONDS = 300;

export interface EndpointWish {
  readonly type: EndpointType;
  readonly disabled?: boolean | undefined;
  readonly suspend_timeout_seconds?: number | undefined;
  readonly autoscaling_limit_min_cu?: number | undefined;
  readonly autoscaling_limit_max_cu?: number | undefined;
  readonly settings?: Endpoint['settings'] | undefined;
  readonly name?: string | undefined;
}

/** Adds an endpoint to a branch; the steps that start it are the caller's. @throws NeonError 422 */
export async function addEndpoint(
  plane: Plane,
  branch: string,
  wish: EndpointWish,
  port?: number,
): Promise<EndpointRecord> {
  const rw = wish.type === EndpointType.ReadWrite;
  if (rw && endpointsOf(plane, branch).some(({ type }) => type === EndpointType.ReadWrite)) {
    throw unprocessable('read-write endpoint already exists');
  }
  const at = now();
  const endpoint: EndpointRecord = {
    id: newId('ep'),
    branch,
    port: port ?? (await plane.addresses.newPort()),
    type: wish.type,
    state: EndpointState.Init,
    busy: true,
    disabled: wish.disabled ?? false,
    suspendTimeoutSeconds: wish.suspend_timeout_seconds ?? 0,
    name: wish.name ?? null,
    minCu: wish.autoscaling_limit_min_cu ?? 0.25,
    maxCu: wish.autoscaling_limit_max_cu ?? 0.25,
    settings: wish.settings ?? {},
    createdAt: at,
    updatedAt: at,
    startedAt: null,
    suspendedAt: null,
    lastActive: null,
    deleted: false,
  };
  plane.state.endpoints[endpoint.id] = endpoint;
  await plane.addresses.open(endpoint);
  return endpoint;
}

const step = (action: OperationAction, kind: 'start' | 'suspend' | 'pause', one: EndpointRecord): Step => ({
  action,
  work: { kind, endpoint: one.id },
  branch: one.branch,
  endpoint: one.id,
});
export const startStep = (one: EndpointRecord): Step => step(OperationAction.StartCompute, 'start', one);
export const suspendStep = (one: EndpointRecord): Step => step(OperationAction.SuspendCompute, 'suspend', one);
export const pauseStep = (one: EndpointRecord): Step => step(OperationAction.SuspendCompute, 'pause', one);

export function touchEndpoint(endpoint: EndpointRecord, state: EndpointState): void {
  endpoint.state = state;
  endpoint.updatedAt = now();
  if (state === EndpointState.Active) endpoint.startedAt = endpoint.lastActive = endpoint.updatedAt;
  if (state === EndpointState.Idle) endpoint.suspendedAt = endpoint.updatedAt;
}

/** Has the endpoint's cluster run. */
export async function startEndpoint(plane: Plane, endpoint: EndpointRecord): Promise<Cluster> {
  const cluster = await plane.timelines.hold(branchOf(plane, endpoint.branch).timeline, endpoint.id);
  if (endpoint.state !== EndpointState.Active) touchEndpoint(endpoint, EndpointState.Active);
  return cluster;
}

/** Ends its connections, and its cluster unless another endpoint uses that. */
export async function suspendEndpoint(plane: Plane, endpoint: EndpointRecord): Promise<void> {
  const timeline = plane.state.branches[endpoint.branch]?.timeline;
  if (timeline !== undefined) {
    plane.timelines.release(timeline, endpoint.id);
    await plane.timelines.stop(timeline);
  }
  // Postgres has told its sessions; these are left when another endpoint keeps the cluster.
  plane.addresses.hangUp(endpoint);
  if (endpoint.state !== EndpointState.Idle) touchEndpoint(endpoint, EndpointState.Idle);
}

/** The running cluster behind an endpoint, woken when it slept. @throws NeonError in words for the one who connects */
export async function wakeEndpoint(plane: Plane, id: string): Promise<Cluster> {
  for (const deadline = Date.now() + WAKE_MS; endpointOf(plane, id).busy; await pause(LOOK_EVERY_MS)) {
    if (Date.now() > deadline) throw new NeonError(504, 'the endpoint is busy for too long; retry');
  }
  const endpoint = endpointOf(plane, id);
  // Before anything is awaited: an endpoint that is in use is not suspended.
  endpoint.lastActive = now();
  if (endpoint.disabled) throw new NeonError(403, 'endpoint is disabled. Enable it using Neon API and retry.');
  const slept = endpoint.state !== EndpointState.Active;
  const cluster = await startEndpoint(plane, endpoint);
  if (slept) {
    plane.operations.note({ action: OperationAction.StartCompute, branch: endpoint.branch, endpoint: endpoint.id });
  }
  return cluster;
}

function isIdle({ state, busy, suspendTimeoutSeconds, lastActive, updatedAt }: EndpointRecord): boolean {
  const seconds = suspendTimeoutSeconds === 0 ? DEFAULT_TIMEOUT_SECONDS : suspendTimeoutSeconds;
  const idleFor = Date.now() - Date.parse(lastActive ?? updatedAt);
  return state === EndpointState.Active && !busy && seconds >= 0 && idleFor >= seconds * 1_000;
}

/** Suspends the endpoints over which nothing was said for their time, and which work on nothing. */
export async function suspendIdle(plane: Plane): Promise<void> {
  for (const endpoint of endpointsOf(plane).filter(isIdle)) {
    // Somebody may have connected while that was asked. From here on, who connects waits.
    if ((await isWorking(plane, endpoint)) || !isIdle(endpoint)) continue;
    endpoint.busy = true;
    try {
      await suspendEndpoint(plane, endpoint);
    } finally {
      endpoint.busy = false;
    }
    plane.operations.note({ action: OperationAction.SuspendCompute, branch: endpoint.branch, endpoint: endpoint.id });
  }
}

/** An open transaction counts as work, an idle connection does not. */
async function isWorking(plane: Plane, endpoint: EndpointRecord): Promise<boolean> {
  const busy =
    "select 1 from pg_stat_activity where backend_type = 'client backend' and state <> 'idle' and pid <> pg_backend_pid()";
  const { timeline } = branchOf(plane, endpoint.branch);
  return (await plane.timelines.use(timeline, (cluster) => cluster.query(busy))).length > 0;
}
