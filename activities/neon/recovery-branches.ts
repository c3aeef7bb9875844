import type { Moment } from '../../domain/database-state.ts';
import { recoveryBranchOf } from '../../domain/names.ts';
import type { NeonHistory } from '../postgres-contract.ts';
import type { Work } from '../progress.ts';
import type { Branch } from './answers.ts';
import type { NeonClient } from './client.ts';
import { NeonFailure } from './failure.ts';
import { makeNamed, removeNamed, watched } from './named-branch.ts';
import { RECOVERY_PREFIX, sourceAmong } from './source.ts';
import type { Tools } from './tools.ts';

const DAY_MS = 86_400_000;
/** The beginning of the history moves on while a search works in it. */
const MARGIN_MS = 60_000;
/** Root branches that the plans allow (neon.com/docs/manage/branches); what else a plan is called is not known. */
const ROOT_BRANCHES: readonly (readonly [RegExp, number])[] = [
  [/^free/i, 3],
  [/^launch/i, 5],
  [/^scale/i, 25],
];

/** What Neon keeps of the app's branch, and what stands against restoring it. @throws NEON_* */
export async function readNeonHistory(tools: Tools, work: Work): Promise<NeonHistory> {
  const client = watched(tools, 'Neon: read the history', work);
  const project = await client.readProject();
  const branches = await client.listBranches();
  const source = sourceAmong(branches, tools.config);
  const kept = Date.now() - project.history_retention_seconds * 1_000 + MARGIN_MS;
  const began = [source.created_at, source.last_reset_at].map((at) => (at ? Date.parse(at) : 0));
  const refusal = refusalOf(source, branches, project.owner?.subscription_type ?? '');
  return {
    projectId: tools.config.projectId,
    branchId: source.id,
    branchName: source.name,
    from: new Date(Math.max(kept, ...began)).toISOString(),
    lastResetAt: source.last_reset_at ?? null,
    children: branches.filter(({ parent_id: parent }) => parent === source.id).length,
    ...(refusal === undefined ? {} : { refusal }),
  };
}

/** Why the branch cannot be restored in place, and what to do about it. */
export function refusalOf(source: Branch, branches: readonly Branch[], plan: string): string | undefined {
  const { name } = source;
  if (source.protected) return `Neon: the branch ${name} is protected; take the protection away for the restore`;
  if (source.parent_id)
    return `Neon: the branch ${name} has a parent, and only root branches are restored to a moment; restore the set's dump (from: "set")`;
  const restricted = source.restricted_actions?.find((action) => action.name === 'restore');
  if (restricted) return `Neon: the branch ${name} cannot be restored: ${restricted.reason}`;
  const most = ROOT_BRANCHES.find(([pattern]) => pattern.test(plan))?.[1];
  const roots = branches.filter(({ parent_id: parent }) => !parent);
  // One for what is replaced, and one more for what replaced it, should that be taken back.
  if (most === undefined || roots.length + 2 <= most) return undefined;
  const names = roots.map((root) => root.name).join(', ');
  return `Neon: the plan allows ${most} root branches, and there are ${roots.length} (${names}); a restore and its undo need two more, so delete some`;
}

/** Whether a branch is there and can be read, and when it was made. */
export async function findBranch(
  tools: Tools,
  { branchId }: { branchId: string },
  work: Work,
): Promise<{ ready: boolean; createdAt?: string }> {
  const branches = await watched(tools, 'Neon: find a branch', work).listBranches();
  const found = branches.find(({ id }) => id === branchId);
  return { ready: found?.current_state === 'ready', ...(found?.created_at ? { createdAt: found.created_at } : {}) };
}

/** Makes a branch of a moment of the app's branch, or adopts the one of that name. It expires in a day, whatever happens. */
export async function makeRecoveryBranch(
  tools: Tools,
  { name, at }: { name: string; at: Moment },
  work: Work,
): Promise<{ branchId: string }> {
  const phase = `Neon: branch ${name}`;
  const client = watched(tools, phase, work);
  const branches = await client.listBranches();
  const source = sourceAmong(branches, tools.config);
  const expiresAt = `${new Date(Date.now() + DAY_MS).toISOString().slice(0, 19)}Z`;
  const order = { name: ours(name), source, branches, at, expiresAt, note: { recovery: name }, phase };
  const { id } = await makeNamed(tools, client, order, work).catch((error: unknown) => {
    throw asMomentRefused(error, at);
  });
  return { branchId: id };
}

/** Removes the run's branches but those that are to be kept, and never a root branch: that is what was preserved. */
export async function removeRecoveryBranches(
  tools: Tools,
  { runId, keep }: { runId: string; keep: readonly string[] },
  work: Work,
): Promise<{ removed: string[] }> {
  const client = watched(tools, 'Neon: remove branches', work);
  const found = await ofRun(client, runId);
  const gone = found.filter(({ name, parent_id: parent }) => Boolean(parent) && !keep.includes(name));
  for (const branch of gone) await removeNamed(tools, client, branch, work);
  return { removed: gone.map(({ name }) => name) };
}

/** Names of the run's branches that are there. */
export async function listRecoveryBranches(tools: Tools, { runId }: { runId: string }, work: Work): Promise<string[]> {
  const found = await ofRun(watched(tools, 'Neon: list branches', work), runId);
  return found.map(({ name }) => name).sort();
}

async function ofRun(client: NeonClient, runId: string): Promise<Branch[]> {
  const prefix = recoveryBranchOf(runId, '');
  return (await client.listBranches(prefix)).filter(({ name }) => name.startsWith(prefix));
}

/** Removes a branch that a run made or preserved. What moved to it keeps it. */
export async function releaseBranch(
  tools: Tools,
  { name }: { name: string },
  work: Work,
): Promise<{ released: boolean; why?: string }> {
  const client = watched(tools, `Neon: remove ${name}`, work);
  const branches = await client.listBranches();
  const found = branches.find((branch) => branch.name === ours(name));
  if (!found) return { released: true };
  const children = branches.filter(({ parent_id: parent }) => parent === found.id).map((child) => child.name);
  if (children.length > 0)
    return { released: false, why: `${children.join(', ')} came from it; delete it when they are gone` };
  try {
    await removeNamed(tools, client, found, work);
    return { released: true };
  } catch (error) {
    // Neon keeps what a root branch was that was restored from another one.
    if (error instanceof NeonFailure && error.code === 'NEON_REFUSED') return { released: false, why: error.message };
    throw error;
  }
}

/** @throws NEON_REFUSED for a name that no run gives */
export function ours(name: string): string {
  if (name.startsWith(RECOVERY_PREFIX)) return name;
  throw new NeonFailure('NEON_REFUSED', `Neon: ${name} is no name of a branch that a run makes`);
}

/** Neon answers 400 for a moment that it does not have; its words differ. */
export function asMomentRefused(error: unknown, at: Moment): unknown {
  const named = error instanceof NeonFailure && error.status === 400;
  if (!named || !/timestamp|\blsn\b|history|retention|future|moment/i.test(error.message)) return error;
  const moment = 'lsn' in at ? at.lsn : at.timestamp;
  return new NeonFailure('MOMENT_REFUSED', `at: ${moment} is not in the history that is kept: ${error.message}`, {
    status: error.status,
  });
}
