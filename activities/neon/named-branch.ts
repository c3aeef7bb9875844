import type { Moment } from '../../domain/database-state.ts';
import type { Work } from '../progress.ts';
import type { Branch, Operation } from './answers.ts';
import type { BranchWish, NeonClient } from './client.ts';
import { ensureEndpoint, suspendSecondsFor } from './compute.ts';
import { NeonFailure } from './failure.ts';
import { sleep } from '../sleep.ts';
import { isLost, isOpen, ready, settle } from './settle.ts';
import { expectBranchable, findByName, taken } from './source.ts';
import type { Tools } from './tools.ts';

/** A branch that is known by its name: at most one is ever made. */
export interface BranchOrder {
  readonly name: string;
  readonly source: Branch;
  /** All that the project has. */
  readonly branches: readonly Branch[];
  /** Of which moment of the source; its head without it. */
  readonly at?: Moment | undefined;
  readonly expiresAt: string;
  readonly note: Readonly<Record<string, string>>;
  /** What is being done, for heartbeats. */
  readonly phase: string;
}

/**
 * Makes a branch with a compute, or adopts the one of that name, since it was made by an attempt before this one; waits until
 * both can be used.
 * @throws NEON_UNREACHABLE, NEON_BUSY, NEON_DENIED, NEON_REFUSED, NEON_LIMIT
 */
export async function makeNamed(tools: Tools, client: NeonClient, order: BranchOrder, work: Work): Promise<Branch> {
  const { name, source, branches, phase } = order;
  const found = branches.find((branch) => branch.name === name);
  const whole = found && (await adopt(tools, client, { found, source, phase }, work));
  const others = branches.filter(({ id }) => id !== found?.id);
  const branch = whole ?? (await create(tools, client, { ...order, others }, work));
  await ensureEndpoint(tools, client, branch.id, work);
  return branch;
}

/** A client that tells people of a busy project, and ends when the activity does. */
export function watched({ client }: Tools, phase: string, { signal, report }: Work): NeonClient {
  const onBusy = ({ status }: NeonFailure): void =>
    report({ phase: `${phase}: Neon is busy (${status ?? 'no answer'})`, done: 0, total: 1 });
  return client.until({ signal, onBusy });
}

/** Waits for what an attempt before left. Undefined when that came to nothing, and was cleared away. */
async function adopt(
  tools: Tools,
  client: NeonClient,
  { found, source, phase }: { found: Branch; source: Branch; phase: string },
  work: Work,
): Promise<Branch | undefined> {
  if (found.parent_id !== source.id)
    throw new NeonFailure(
      'NEON_REFUSED',
      `Neon: there is a branch ${found.name} (${found.id}) that was not made of ${source.name}; rename or delete it`,
    );
  const waiter = { client, patience: tools.patience };
  try {
    await settle(waiter, (await operationsOf(client, found)).filter(isOpen), phase, work);
  } catch (error) {
    // A branch that is ready all the same can be read.
    if ((await findByName(client, found.name))?.current_state !== 'ready') throw error;
  }
  const after = await findByName(client, found.name);
  if (!after) return undefined;
  const broken = after.current_state !== 'ready' && (await operationsOf(client, after)).some(isLost);
  if (!broken) return ready(waiter, after.id, work.signal);
  await removeNamed(tools, client, after, work);
  return undefined;
}

/** What was done with a branch, the oldest first. */
export async function operationsOf(client: NeonClient, { id }: Branch): Promise<Operation[]> {
  const all = await client.listOperations();
  return all.filter(({ branch_id: branch }) => branch === id).toReversed();
}

async function create(
  tools: Tools,
  client: NeonClient,
  order: BranchOrder & { readonly others: readonly Branch[] },
  work: Work,
): Promise<Branch> {
  const { name, source, others, at, expiresAt, note, phase } = order;
  const waiter = { client, patience: tools.patience };
  const project = await client.readProject();
  expectBranchable(source, others, project);
  const wish: BranchWish = {
    name,
    parentId: source.id,
    at,
    expiresAt,
    note,
    suspendSeconds: suspendSecondsFor(project),
  };
  const made = await createOrFind(tools, client, wish, work);
  await settle(waiter, made.operations, phase, work);
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

/** A branch of that name, as soon as it is there; undefined when it is not in time. */
export async function showsUp(
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
export async function removeNamed({ patience }: Tools, client: NeonClient, branch: Branch, work: Work): Promise<void> {
  const waiter = { client, patience };
  try {
    await settle(waiter, await client.deleteBranch(branch.id), `Neon: remove the branch ${branch.name}`, work);
  } catch (error) {
    if (!(error instanceof NeonFailure)) throw error;
    const gone = (error.outcomeUnknown || error.status === 404) && !(await findByName(client, branch.name));
    if (!gone) throw error;
  }
}
