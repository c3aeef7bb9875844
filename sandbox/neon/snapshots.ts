import { type Operation, OperationAction, type Snapshot } from '@neondatabase/api-client';
import { blankBranch, expectFreeName, expectRoom } from './branches.ts';
import { pauseStep, startStep } from './endpoints.ts';
import { badRequest, notFound, unprocessable } from './errors.ts';
import { newId, now } from './ids.ts';
import { type Asked, findMoment } from './moments.ts';
import type { Step } from './operations.ts';
import { branchOf, endpointsOf, type Plane, readyBranchOf } from './plane.ts';
import type { BranchRecord, SnapshotRecord } from './state.ts';

interface SnapshotWish extends Asked {
  readonly name?: string | undefined;
  readonly expires_at?: string | undefined;
}

/** @throws NeonError 404 */
export function snapshotOf({ state }: Pick<Plane, 'state'>, id: string): SnapshotRecord {
  const found = state.snapshots[id];
  if (!found) throw notFound(`snapshot ${id}`);
  return found;
}

/** Keeps a moment of a root branch as a copy of its own. @throws NeonError */
export async function createSnapshot(
  plane: Plane,
  id: string,
  wish: SnapshotWish,
): Promise<{ snapshot: Snapshot; operations: Operation[] }> {
  const branch = readyBranchOf(plane, id);
  if (branch.parent !== null) throw unprocessable('snapshots can be created of root branches only');
  if (Object.keys(plane.state.snapshots).length >= plane.limits.snapshots) {
    throw unprocessable('snapshots limit exceeded', 'SNAPSHOTS_LIMIT_EXCEEDED');
  }
  if (wish.expires_at !== undefined && !(Date.parse(wish.expires_at) > Date.now())) {
    throw badRequest('expires_at must lie in the future');
  }
  const moment = await findMoment(plane, branch, wish);
  const timeline = plane.timelines.plan({ timeline: branch.timeline, target: moment.target }, moment.since);
  const at = now();
  const snapshot: Snapshot = {
    id: newId('snap'),
    name: wish.name ?? `${branch.name} at ${at}`,
    ...(moment.lsn === null ? {} : { lsn: moment.lsn }),
    timestamp: moment.time ?? at,
    source_branch_id: branch.id,
    created_at: at,
    ...(wish.expires_at === undefined ? {} : { expires_at: wish.expires_at }),
    manual: true,
    full_size: plane.timelines.history.timeline(branch.timeline).logicalSize,
  };
  plane.state.snapshots[snapshot.id] = { timeline: timeline.id, snapshot };
  const operations = plane.operations.begin([
    {
      action: OperationAction.CreateTimeline,
      work: { kind: 'build', timeline: timeline.id, branch: null },
      branch: id,
    },
  ]);
  return { snapshot, operations };
}

/** @throws NeonError */
export function deleteSnapshot(plane: Plane, id: string): Operation[] {
  const { timeline, snapshot } = snapshotOf(plane, id);
  Reflect.deleteProperty(plane.state.snapshots, id);
  return plane.operations.begin([
    { action: OperationAction.DeleteTimeline, work: { kind: 'drop', timeline }, branch: snapshot.source_branch_id },
  ]);
}

/** Deletes a snapshot whose time has come. */
export function deleteExpiredSnapshot(plane: Plane): void {
  const due = Object.values(plane.state.snapshots).find(({ snapshot }) => {
    return snapshot.expires_at !== undefined && Date.parse(snapshot.expires_at) <= Date.now();
  });
  if (due) deleteSnapshot(plane, due.snapshot.id);
}

export interface SnapshotRestoreWish {
  readonly name?: string | undefined;
  readonly target_branch_id?: string | undefined;
  readonly finalize_restore?: boolean | undefined;
}

/** Makes a new root branch of a snapshot, and, when that is wanted, puts it in the place of another. @throws NeonError */
export async function restoreSnapshot(
  plane: Plane,
  id: string,
  wish: SnapshotRestoreWish,
): Promise<{ branch: BranchRecord; operations: Operation[] }> {
  const record = snapshotOf(plane, id);
  if (!plane.timelines.history.timeline(record.timeline).built) throw unprocessable('snapshot not ready yet');
  const replaces = wish.target_branch_id ?? record.snapshot.source_branch_id ?? '';
  if (wish.finalize_restore || wish.target_branch_id !== undefined) readyBranchOf(plane, replaces);
  if (wish.name !== undefined) expectFreeName(plane, wish.name);
  expectRoom(plane, { root: true });
  const lsn = await plane.timelines.head(record.timeline);
  const timeline = plane.timelines.plan({ timeline: record.timeline, target: { kind: 'lsn', lsn } }, now());
  const branch: BranchRecord = {
    ...blankBranch(timeline.id, wish.name),
    restoreStatus: 'restored',
    restoredFrom: id,
    replaces,
  };
  const final = wish.finalize_restore ? finalSteps(plane, branch, undefined) : [];
  plane.state.branches[branch.id] = branch;
  const build = { kind: 'build', timeline: timeline.id, branch: branch.id } as const;
  const operations = plane.operations.begin([
    { action: OperationAction.CreateBranch, work: build, branch: branch.id },
    ...final,
  ]);
  return { branch, operations };
}

/** Puts a branch that was made of a snapshot in the place of the one it was made for. @throws NeonError */
export function finalizeRestore(plane: Plane, id: string, oldName: string | undefined): Operation[] {
  const branch = readyBranchOf(plane, id);
  if (branch.restoreStatus !== 'restored') throw unprocessable('there is no restore to be finalized on this branch');
  return plane.operations.begin(finalSteps(plane, branch, oldName));
}

/** Computes move and restart; the name, the protection and being the default go with them. */
function finalSteps(plane: Plane, branch: BranchRecord, oldName: string | undefined): Step[] {
  const replaced = branchOf(plane, branch.replaces ?? '');
  const name = oldName ?? `${replaced.name} (old)`;
  expectFreeName(plane, name);
  const endpoints = endpointsOf(plane, replaced.id);
  return [
    ...endpoints.map(pauseStep),
    ...endpoints.map((one) => ({
      action: OperationAction.ApplyConfig,
      work: { kind: 'move', endpoint: one.id, branch: branch.id } as const,
      branch: branch.id,
      endpoint: one.id,
    })),
    {
      action: OperationAction.UpdateCatalog,
      work: { kind: 'finalize', branch: branch.id, oldName: name },
      branch: branch.id,
    },
    ...endpoints.map(startStep),
  ];
}
