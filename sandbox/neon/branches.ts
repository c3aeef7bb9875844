import { EndpointType, type Operation, OperationAction } from '@neondatabase/api-client';
import { addEndpoint, type EndpointWish, startStep, suspendStep } from './endpoints.ts';
import { badRequest, NeonError, notFound, notProvided, unprocessable } from './errors.ts';
import { newId, newPassword, now } from './ids.ts';
import { findMoment, isHead, type Moment } from './moments.ts';
import { branchOf, childrenOf, endpointsOf, livingBranches, type Plane, readyBranchOf } from './plane.ts';
import type { BranchRecord, EndpointRecord } from './state.ts';

const LONGEST_LIFE_MS = 30 * 86_400_000;
const RECOVERABLE_MS = 7 * 86_400_000;

export interface BranchWish {
  readonly parent_id?: string | undefined;
  readonly name?: string | undefined;
  readonly parent_lsn?: string | undefined;
  readonly parent_timestamp?: string | undefined;
  readonly protected?: boolean | undefined;
  readonly archived?: boolean | undefined;
  readonly init_source?: string | undefined;
  readonly expires_at?: string | undefined;
}

/** A branch with nothing set; it is not in the project yet. */
export function blankBranch(timeline: string, name?: string): BranchRecord {
  const at = now();
  const id = newId('br');
  return {
    id,
    timeline,
    name: name ?? id,
    parent: null,
    parentLsn: null,
    parentTime: null,
    state: 'init',
    default: false,
    protected: false,
    expiresAt: null,
    ttlSeconds: null,
    lastResetAt: null,
    createdAt: at,
    updatedAt: at,
    stateChangedAt: at,
    restoreStatus: null,
    restoredFrom: null,
    restoredAs: null,
    replaces: null,
    undeletable: null,
    deleted: null,
  };
}

/** @throws NeonError 409 */
export function expectFreeName(plane: Plane, name: string | undefined): void {
  if (livingBranches(plane).some((one) => one.name === name)) {
    throw new NeonError(409, `branch with name '${name}' already exists`);
  }
}

/** @throws NeonError 422 when another branch, or another root branch, would be one too many */
export function expectRoom(plane: Plane, { root }: { root: boolean }): void {
  const branches = livingBranches(plane);
  if (branches.length >= plane.limits.branches) {
    throw unprocessable('branches limit exceeded', 'BRANCHES_LIMIT_EXCEEDED');
  }
  if (root && branches.filter(({ parent }) => parent === null).length >= plane.limits.rootBranches) {
    throw unprocessable('root branches limit exceeded', 'ROOT_BRANCHES_LIMIT_EXCEEDED');
  }
}

function expectRoomForProtected(plane: Plane): void {
  if (livingBranches(plane).filter((one) => one.protected).length >= plane.limits.protectedBranches) {
    throw unprocessable('protected branches limit exceeded', 'BRANCHES_PROTECTED_LIMIT_EXCEEDED');
  }
}

/** The end of a branch's life, to the second. @throws NeonError 400 */
function readExpiry(text: string): { expiresAt: string; ttlSeconds: number } {
  const at = Date.parse(text);
  const left = at - Date.now();
  if (!(left > 0) || left > LONGEST_LIFE_MS) throw badRequest('expires_at must lie in the next 30 days');
  return { expiresAt: new Date(Math.floor(at / 1_000) * 1_000).toISOString(), ttlSeconds: Math.round(left / 1_000) };
}

export interface Created {
  readonly branch: BranchRecord;
  readonly endpoints: EndpointRecord[];
  readonly operations: Operation[];
}

/** Creates a branch of a moment of its parent. @throws NeonError */
export async function createBranch(
  plane: Plane,
  wish: BranchWish,
  endpoints: readonly EndpointWish[],
): Promise<Created> {
  if (endpoints.filter(({ type }) => type === EndpointType.ReadWrite).length > 1) {
    throw badRequest('a branch can have one read-write endpoint');
  }
  const { parent, moment } = await checkWish(plane, wish);
  const timeline = plane.timelines.plan({ timeline: parent.timeline, target: moment.target }, moment.since);
  const branch: BranchRecord = {
    ...blankBranch(timeline.id, wish.name),
    parent: parent.id,
    parentLsn: moment.lsn,
    parentTime: moment.time,
    protected: wish.protected ?? false,
    ...(wish.expires_at === undefined ? {} : readExpiry(wish.expires_at)),
  };
  plane.state.branches[branch.id] = branch;
  const added: EndpointRecord[] = [];
  for (const one of endpoints) added.push(await addEndpoint(plane, branch.id, one));
  const operations = plane.operations.begin([
    {
      action: OperationAction.CreateBranch,
      work: { kind: 'build', timeline: timeline.id, branch: branch.id },
      branch: branch.id,
    },
    ...newPasswords(plane, parent, branch),
    ...added.map(startStep),
  ]);
  return { branch, endpoints: added, operations };
}

async function checkWish(plane: Plane, wish: BranchWish): Promise<{ parent: BranchRecord; moment: Moment }> {
  if ((wish.init_source ?? 'parent-data') !== 'parent-data') throw notProvided(`init_source ${wish.init_source}`);
  if (wish.archived) throw notProvided('archived branches');
  const parentId = wish.parent_id ?? livingBranches(plane).find((one) => one.default)?.id ?? '';
  const parent = readyBranchOf(plane, parentId);
  if (parent.expiresAt !== null) throw unprocessable('a branch that expires cannot have children');
  if (wish.protected && wish.expires_at !== undefined) throw unprocessable('a protected branch cannot expire');
  if (wish.expires_at !== undefined) readExpiry(wish.expires_at);
  if (wish.protected) expectRoomForProtected(plane);
  expectFreeName(plane, wish.name);
  expectRoom(plane, { root: false });
  const asked = { lsn: wish.parent_lsn, timestamp: wish.parent_timestamp };
  if (parent.restoreStatus === 'restored' && !isHead(asked)) {
    throw unprocessable('restore from snapshot on target branch is still ongoing');
  }
  return { parent, moment: await findMoment(plane, parent, asked) };
}

/** Children of a protected branch get passwords of their own. */
function newPasswords(plane: Plane, parent: BranchRecord, branch: BranchRecord) {
  if (!parent.protected) return [];
  const roles = new Set(plane.timelines.history.timeline(parent.timeline).passwords.map(({ role }) => role));
  const passwords = Object.fromEntries([...roles].map((role) => [role, newPassword()]));
  const work = { kind: 'passwords', timeline: branch.timeline, passwords } as const;
  return [{ action: OperationAction.ApplyConfig, work, branch: branch.id }];
}

export interface BranchChange {
  readonly name?: string | undefined;
  readonly protected?: boolean | undefined;
  readonly expires_at?: string | null | undefined;
}

/** @throws NeonError */
export function changeBranch(plane: Plane, id: string, change: BranchChange): BranchRecord {
  const branch = branchOf(plane, id);
  if (change.name !== undefined && change.name !== branch.name) expectFreeName(plane, change.name);
  const shielded = change.protected ?? branch.protected;
  if (shielded && !branch.protected) expectRoomForProtected(plane);
  const expiry = change.expires_at;
  if (typeof expiry === 'string') {
    const why = shielded
      ? 'a protected'
      : branch.default
        ? 'the default'
        : childrenOf(plane, id).length > 0
          ? 'a parent'
          : '';
    if (why !== '') throw unprocessable(`${why} branch cannot expire`);
    Object.assign(branch, readExpiry(expiry));
  } else if (expiry === null) {
    Object.assign(branch, { expiresAt: null, ttlSeconds: null });
  }
  branch.name = change.name ?? branch.name;
  branch.protected = shielded;
  branch.updatedAt = now();
  plane.store.save();
  return branch;
}

function expectDeletable(plane: Plane, branch: BranchRecord): void {
  if (branch.default) throw unprocessable('cannot delete the default branch');
  if (branch.protected) throw unprocessable('cannot delete a protected branch');
  if (childrenOf(plane, branch.id).length > 0) throw unprocessable('cannot delete a branch that has children');
  if (branch.undeletable !== null) throw unprocessable(branch.undeletable);
}

/**
 * Deletes a branch with its endpoints; it can be recovered for a week unless `hard`. Undefined when it was gone already.
 * @throws NeonError
 */
export function deleteBranch(
  plane: Plane,
  id: string,
  { hard = false, method = 'user' }: { hard?: boolean; method?: 'user' | 'ttl' } = {},
): { branch: BranchRecord; operations: Operation[] } | undefined {
  const branch = plane.state.branches[id];
  if (!branch) throw notFound(`branch ${id}`);
  if (branch.deleted !== null) return undefined;
  expectDeletable(plane, branch);
  const endpoints = endpointsOf(plane, id);
  branch.deleted = { at: now(), method };
  if (hard) Reflect.deleteProperty(plane.state.branches, id);
  for (const endpoint of endpoints) {
    endpoint.deleted = true;
    void plane.addresses.close(endpoint);
  }
  const operations = plane.operations.begin([
    ...endpoints.map(suspendStep),
    {
      action: OperationAction.DeleteTimeline,
      work: hard ? { kind: 'drop', timeline: branch.timeline } : { kind: 'retire', branch: id },
      branch: id,
    },
  ]);
  return { branch, operations };
}

/** Undoes a deletion. Endpoints come back under their addresses, idle; an expiry does not. @throws NeonError */
export async function recoverBranch(plane: Plane, id: string): Promise<BranchRecord> {
  const branch = plane.state.branches[id];
  if (!branch) throw notFound(`branch ${id}`);
  if (branch.deleted === null) throw unprocessable('branch is not deleted');
  if (
    Date.now() - Date.parse(branch.deleted.at) > RECOVERABLE_MS ||
    plane.state.timelines[branch.timeline]?.dropped !== false
  ) {
    throw unprocessable('branch cannot be recovered any more');
  }
  if (branch.parent !== null) branchOf(plane, branch.parent);
  expectFreeName(plane, branch.name);
  expectRoom(plane, { root: branch.parent === null });
  Object.assign(branch, { deleted: null, expiresAt: null, ttlSeconds: null, updatedAt: now() });
  for (const endpoint of Object.values(plane.state.endpoints).filter((one) => one.branch === id)) {
    Object.assign(endpoint, { deleted: false, busy: false });
    await plane.addresses.open(endpoint);
  }
  plane.store.save();
  return branch;
}

/** Deletes a branch whose time has come. False when there was none. */
export function deleteExpired(plane: Plane): boolean {
  const due = livingBranches(plane).find(({ expiresAt }) => expiresAt !== null && Date.parse(expiresAt) <= Date.now());
  if (!due || childrenOf(plane, due.id).length > 0) return false;
  return deleteBranch(plane, due.id, { method: 'ttl' }) !== undefined;
}
