import { type Operation, OperationAction } from '@neondatabase/api-client';
import { blankBranch, expectFreeName, expectRoom } from './branches.ts';
import { pauseStep, startStep } from './endpoints.ts';
import { badRequest, unprocessable } from './errors.ts';
import { now } from './ids.ts';
import { type Asked, findMoment, isHead } from './moments.ts';
import type { Step } from './operations.ts';
import { childrenOf, endpointsOf, type Plane, readyBranchOf } from './plane.ts';
import type { BranchRecord } from './state.ts';

export interface RestoreWish {
  readonly source_branch_id: string;
  readonly source_lsn?: string | undefined;
  readonly source_timestamp?: string | undefined;
  readonly preserve_under_name?: string | undefined;
}

const UNDELETABLE = 'this backup of a root branch that was restored from another branch cannot be deleted';

/**
 * Gives a branch the state of a moment of its own or another branch's history. Its id, endpoints and their addresses
 * stay; what it was goes on as the branch `preserve_under_name`, with its children, or is gone.
 * @throws NeonError
 */
export async function restoreBranch(
  plane: Plane,
  id: string,
  wish: RestoreWish,
): Promise<{ branch: BranchRecord; operations: Operation[] }> {
  const branch = readyBranchOf(plane, id);
  const source = readyBranchOf(plane, wish.source_branch_id);
  const asked = { lsn: wish.source_lsn, timestamp: wish.source_timestamp };
  expectAllowed(plane, branch, source, asked, wish.preserve_under_name);
  const moment = await findMoment(plane, source, asked);
  const old = branch.timeline;
  const timeline = plane.timelines.plan({ timeline: source.timeline, target: moment.target }, moment.since);
  if (wish.preserve_under_name) preserve(plane, branch, source, wish.preserve_under_name);
  Object.assign(branch, {
    state: 'resetting',
    stateChangedAt: now(),
    ...(branch.parent === null ? {} : { parentLsn: moment.lsn, parentTime: moment.time }),
  });
  const operations = plane.operations.begin(steps(plane, branch, timeline.id, wish.preserve_under_name ? null : old));
  return { branch, operations };
}

function expectAllowed(
  plane: Plane,
  branch: BranchRecord,
  source: BranchRecord,
  asked: Asked,
  backup: string | undefined,
): void {
  const self = source.id === branch.id;
  if (self && isHead(asked))
    throw badRequest('source_lsn or source_timestamp is required to restore a branch from itself');
  if (self && !backup) throw badRequest('preserve_under_name is required to restore a branch from itself');
  if (!backup && childrenOf(plane, branch.id).length > 0) {
    throw badRequest('preserve_under_name is required to restore a branch that has children');
  }
  if (branch.restoreStatus === 'restored' || (source.restoreStatus === 'restored' && !isHead(asked))) {
    throw unprocessable('restore from snapshot on target branch is still ongoing');
  }
  if (branch.parent !== null && !isHead(asked) && !plane.settings.restoreChildren) {
    throw unprocessable('only root branches can be restored to a moment');
  }
  if (!backup) return;
  expectFreeName(plane, backup);
  expectRoom(plane, { root: branch.parent === null });
}

/** The new state is complete before connections are dropped. */
function steps(plane: Plane, { id }: BranchRecord, timeline: string, unused: string | null): Step[] {
  const endpoints = endpointsOf(plane, id);
  const build = { kind: 'build', timeline, branch: null } as const;
  const change = { kind: 'switch', branch: id, timeline } as const;
  return [
    { action: OperationAction.CreateTimeline, work: build, branch: id },
    ...endpoints.map(pauseStep),
    { action: OperationAction.UpdateCatalog, work: change, branch: id },
    ...endpoints.map(startStep),
    ...(unused === null
      ? []
      : [{ action: OperationAction.DeleteTimeline, work: { kind: 'drop', timeline: unused } as const, branch: id }]),
  ];
}

/** The branch that what was goes on as. */
function preserve(plane: Plane, branch: BranchRecord, source: BranchRecord, name: string): void {
  const backup: BranchRecord = {
    ...blankBranch(branch.timeline, name),
    parent: branch.parent,
    parentLsn: branch.parentLsn,
    parentTime: branch.parentTime,
    state: 'ready',
    undeletable: branch.parent === null && source.id !== branch.id ? UNDELETABLE : null,
  };
  for (const child of childrenOf(plane, branch.id)) child.parent = backup.id;
  plane.state.branches[backup.id] = backup;
  if (branch.parent === null) return;
  branch.parent = source.id === branch.id ? backup.id : source.id;
}
