import { startEndpoint, suspendEndpoint } from './endpoints.ts';
import { now } from './ids.ts';
import { branchOf, childrenOf, livingBranches, type Plane } from './plane.ts';
import type { BranchRecord, Work } from './state.ts';

/** Deleted branches are kept to be recovered, but no more than these: each holds a cluster. */
const MOST_DELETED = 10;
const RECOVERABLE_MS = 7 * 86_400_000;

/** Does what an operation is there for. Doing it again after a crash in the middle leads to the same. */
export async function perform(plane: Plane, work: Work): Promise<void> {
  const { state, timelines } = plane;
  switch (work.kind) {
    case 'build':
      await timelines.build(work.timeline);
      if (work.branch !== null) becomeReady(plane, branchOf(plane, work.branch));
      return;
    case 'switch':
      return switchTimeline(plane, branchOf(plane, work.branch), work.timeline);
    case 'passwords':
      for (const [role, password] of Object.entries(work.passwords)) {
        await timelines.setPassword(work.timeline, role, password);
      }
      return;
    case 'start':
    case 'suspend':
    case 'pause':
    case 'move':
      return performOnEndpoint(plane, work);
    case 'finalize':
      return finalize(plane, branchOf(plane, work.branch), work.oldName);
    case 'drop':
      return timelines.drop(work.timeline);
    case 'retire':
      await timelines.stop(state.branches[work.branch]?.timeline ?? '');
      return purgeDeleted(plane);
    case 'nothing':
      return;
  }
}

/** After a chain that came to nothing: a branch is what it was, and connections wait no longer. */
export function abandon(plane: Plane, work: Work): void {
  const { state } = plane;
  const branch = work.kind === 'switch' ? state.branches[work.branch] : undefined;
  if (branch?.state === 'resetting') abandonRestore(plane, branch);
  const endpoint = work.kind === 'start' ? state.endpoints[work.endpoint] : undefined;
  if (endpoint) endpoint.busy = false;
}

/** The branch still is what its backup was to be. */
function abandonRestore(plane: Plane, branch: BranchRecord): void {
  branch.state = 'ready';
  const backup = livingBranches(plane).find(({ id, timeline }) => id !== branch.id && timeline === branch.timeline);
  if (!backup) return;
  for (const child of childrenOf(plane, backup.id)) child.parent = child.id === branch.id ? backup.parent : branch.id;
  Reflect.deleteProperty(plane.state.branches, backup.id);
}

async function performOnEndpoint(
  plane: Plane,
  work: Extract<Work, { kind: 'start' | 'suspend' | 'pause' | 'move' }>,
): Promise<void> {
  const endpoint = plane.state.endpoints[work.endpoint];
  if (!endpoint) return;
  if (work.kind === 'move') {
    endpoint.branch = work.branch;
    return;
  }
  if (work.kind === 'start') {
    await startEndpoint(plane, endpoint);
    endpoint.busy = false;
    return;
  }
  endpoint.busy = work.kind === 'pause';
  await suspendEndpoint(plane, endpoint);
}

function becomeReady(plane: Plane, branch: BranchRecord): void {
  const timeline = plane.timelines.history.timeline(branch.timeline);
  branch.state = 'ready';
  branch.stateChangedAt = branch.updatedAt = now();
  if (branch.parent !== null) branch.parentLsn ??= timeline.floorLsn;
}

async function switchTimeline(plane: Plane, branch: BranchRecord, timeline: string): Promise<void> {
  branch.timeline = timeline;
  branch.lastResetAt = now();
  branch.restoreStatus = null;
  becomeReady(plane, branch);
}

function finalize(plane: Plane, branch: BranchRecord, oldName: string): void {
  const replaced = plane.state.branches[branch.replaces ?? ''];
  if (!replaced || branch.restoreStatus === 'finalized') return;
  const at = now();
  Object.assign(branch, {
    name: replaced.name,
    default: replaced.default,
    protected: replaced.protected,
    restoreStatus: 'finalized',
    updatedAt: at,
  });
  Object.assign(replaced, { name: oldName, default: false, protected: false, restoredAs: branch.id, updatedAt: at });
}

/** Forgets deleted branches for which the time, or the room, is over. */
async function purgeDeleted(plane: Plane): Promise<void> {
  const deleted = Object.values(plane.state.branches)
    .flatMap((branch) => (branch.deleted === null ? [] : [{ branch, at: Date.parse(branch.deleted.at) }]))
    .sort((a, b) => b.at - a.at);
  const over = deleted.filter(({ at }, place) => place >= MOST_DELETED || Date.now() - at > RECOVERABLE_MS);
  for (const { branch } of over) {
    for (const endpoint of Object.values(plane.state.endpoints).filter((one) => one.branch === branch.id)) {
      Reflect.deleteProperty(plane.state.endpoints, endpoint.id);
    }
    await plane.timelines.drop(branch.timeline);
  }
}
