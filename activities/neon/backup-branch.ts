import type { NeonBackup } from '../../domain/set-parts.ts';
import type { Work } from '../progress.ts';
import type { Branch, Operation } from './answers.ts';
import type { BranchWish, NeonClient } from './client.ts';
import { ensureEndpoint, suspendSecondsFor } from './compute.ts';
import { NeonFailure } from './failure.ts';
import { sleep } from './retry.ts';
import { isLost, isOpen, ready, settle } from './settle.ts';
import { expectBranchable, findByName, nameFor, sourceAmong, taken } from './source.ts';
import type { Tools } from './tools.ts';

const DAY_MS = 86_400_000;
/** Neon refuses more than 30 days from now, by its own clock. */
const LONGEST_LIFE_MS = 30 * DAY_MS - 5 * 60_000;
const PHASE = 'Neon: backup branch';

/**
 * Branches the app's branch as it is now, and waits until the branch and its compute can be used. One of the set's name
 * that is there is adopted, since it was made by an attempt before this one.
 * @throws NEON_UNREACHABLE, NEON_BUSY, NEON_DENIED, NEON_REFUSED, NEON_LIMIT
 */
export async function createBackupBranch(
  tools: Tools,
  { setId }: { setId: string },
  work: Work,
  now: Date = new Date(),
): Promise<NeonBackup> {
  const client = watched(tools, work);
  const name = nameFor(setId);
  work.report({ phase: PHASE, done: 0, total: 1 });
  const branches = await client.listBranches();
  const source = sourceAmong(branches, tools.config);
  const found = branches.find((branch) => branch.name === name);
  const whole = found && (await adopt(tools, client, { found, source }, work));
  const others = branches.filter(({ id }) => id !== found?.id);
  const branch = whole ?? (await create(tools, client, { name, setId, source, others, now }, work));
  await ensureEndpoint(tools, client, branch.id, work);
  work.report({ phase: PHASE, done: 1, total: 1 });
  return describeBackup(tools, source, branch);
}

/** Removes the branch of a set with its compute. Absent is fine. What follows from a lost answer is looked at. */
export async function removeBackupBranch(tools: Tools, { setId }: { setId: string }, work: Work): Promise<void> {
  const client = watched(tools, work);
  const found = await findByName(client, nameFor(setId));
  if (found) await remove(tools, client, found, work);
}

/** A client that tells people of a busy project, and ends when the activity does. */
function watched({ client }: Tools, { signal, report }: Work): NeonClient {
  const onBusy = ({ status }: NeonFailure): void =>
    report({ phase: `${PHASE}: Neon is busy (${status ?? 'no answer'})`, done: 0, total: 1 });
  return client.until({ signal, onBusy });
}

/** Waits for what an attempt before left. Undefined when that came to nothing, and was cleared away. */
async function adopt(
  tools: Tools,
  client: NeonClient,
  { found, source }: { found: Branch; source: Branch },
  work: Work,
): Promise<Branch | undefined> {
  if (found.parent_id !== source.id)
    throw new NeonFailure(
      'NEON_REFUSED',
      `Neon: there is a branch ${found.name} (${found.id}) that was not made of ${source.name}; rename or delete it`,
    );
  const waiter = { client, patience: tools.patience };
  try {
    await settle(waiter, (await operationsOf(client, found)).filter(isOpen), PHASE, work);
  } catch (error) {
    // A branch that is ready all the same can be read.
    if ((await findByName(client, found.name))?.current_state !== 'ready') throw error;
  }
  const after = await findByName(client, found.name);
  if (!after) return undefined;
  const broken = after.current_state !== 'ready' && (await operationsOf(client, after)).some(isLost);
  if (!broken) return ready(waiter, after.id, work.signal);
  await remove(tools, client, after, work);
  return undefined;
}

async function operationsOf(client: NeonClient, { id }: Branch): Promise<Operation[]> {
  const all = await client.listOperations();
  return all.filter(({ branch_id: branch }) => branch === id).toReversed();
}

interface Order {
  readonly name: string;
  readonly setId: string;
  readonly source: Branch;
  /** All that take room. */
  readonly others: readonly Branch[];
  readonly now: Date;
}

async function create(tools: Tools, client: NeonClient, order: Order, work: Work): Promise<Branch> {
  const { name, setId, source, others, now } = order;
  const waiter = { client, patience: tools.patience };
  const project = await client.readProject();
  expectBranchable(source, others, project);
  const wish: BranchWish = {
    name,
    parentId: source.id,
    expiresAt: expiryOf(now, tools.config.retentionDays),
    note: { 'recovery-set': setId },
    suspendSeconds: suspendSecondsFor(project),
  };
  const made = await createOrFind(tools, client, wish, work);
  await settle(waiter, made.operations, PHASE, work);
  // Where it begins is certain only when all is through.
  return ready(waiter, made.branch.id, work.signal);
}

/** When an answer was lost, or the name is taken by then, the branch may be there: that is told by its name. */
async function createOrFind(
  { patience }: Tools,
  client: NeonClient,
  wish: BranchWish,
  { signal }: Work,
): Promise<{ branch: Branch; operations: Operation[] }> {
  try {
    return await client.createBranch(wish);
  } catch (error) {
    if (!(error instanceof NeonFailure)) throw error;
    if (error.code === 'NEON_LIMIT')
      throw new NeonFailure('NEON_LIMIT', `${error.message}; ${taken(await client.listBranches())}`);
    if (!error.outcomeUnknown && error.status !== 409) throw error;
    const branch = await showsUp(client, wish.name, { until: Date.now() + patience.lookMs, ...patience }, signal);
    if (!branch) throw error;
    return { branch, operations: (await operationsOf(client, branch)).filter(isOpen) };
  }
}

async function showsUp(
  client: NeonClient,
  name: string,
  { until, pollMs }: { until: number; pollMs: number },
  signal: AbortSignal,
): Promise<Branch | undefined> {
  for (; ; await sleep(pollMs, signal)) {
    const found = await findByName(client, name);
    if (found || Date.now() > until) return found;
  }
}

/** Deletion may be asked for as often as it takes; what its answer would have said is looked up. */
async function remove({ patience }: Tools, client: NeonClient, branch: Branch, work: Work): Promise<void> {
  const waiter = { client, patience };
  try {
    await settle(waiter, await client.deleteBranch(branch.id), 'Neon: remove the backup branch', work);
  } catch (error) {
    if (!(error instanceof NeonFailure)) throw error;
    const gone = (error.outcomeUnknown || error.status === 404) && !(await findByName(client, branch.name));
    if (!gone) throw error;
  }
}

/** RFC 3339 in whole seconds, as Neon wants it. */
export function expiryOf(now: Date, days: number): string {
  const life = Math.min(days * DAY_MS, LONGEST_LIFE_MS);
  return `${new Date(now.getTime() + life).toISOString().slice(0, 19)}Z`;
}

function describeBackup({ config }: Tools, source: Branch, branch: Branch): NeonBackup {
  return {
    projectId: config.projectId,
    sourceBranchId: source.id,
    branchId: branch.id,
    branchName: branch.name,
    ...(branch.parent_lsn ? { parentLsn: branch.parent_lsn } : {}),
    ...(branch.parent_timestamp ? { parentTimestamp: branch.parent_timestamp } : {}),
    ...(branch.expires_at ? { expiresAt: branch.expires_at } : {}),
  };
}
