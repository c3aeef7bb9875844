import type { Work } from '../progress.ts';
import type { Branch, Operation } from './answers.ts';
import type { NeonClient } from './client.ts';
import { NeonFailure } from './failure.ts';
import { lookUntil } from './retry.ts';
import { sleep } from '../sleep.ts';
import type { Patience, Tools } from './tools.ts';

/** Terminal and well. The others that are terminal are `error` and `cancelled`. */
const DONE = ['finished', 'skipped'];
const LOST = ['error', 'cancelled'];

type Waiter = Pick<Tools, 'patience'> & { readonly client: NeonClient };

export function isOpen({ status }: Operation): boolean {
  return !DONE.includes(status) && !LOST.includes(status);
}

/** Whether it ended without having done what it was to do. */
export function isLost({ status }: Operation): boolean {
  return LOST.includes(status);
}

/**
 * Waits until a chain of operations has ended well, which is when its resource can be used. `failed` is not the end: Neon
 * tries such an operation again, so it is given up only when nothing more comes of it for a while.
 * @throws NEON_REFUSED when one ends badly; NEON_BUSY when they do not end in time, which are then taken up again
 */
export async function settle(
  waiter: Waiter,
  operations: readonly Operation[],
  phase: string,
  work: Work,
): Promise<void> {
  const until = Date.now() + waiter.patience.operationsMs;
  const total = operations.length;
  for (const [done, operation] of operations.entries()) {
    work.report({ phase: `${phase}: ${operation.action}`, done, total });
    await ended(waiter, operation, until, work.signal);
  }
}

async function ended(
  { client, patience }: Waiter,
  started: Operation,
  until: number,
  signal: AbortSignal,
): Promise<void> {
  let failed = { count: -1, since: 0 };
  const look = async (): Promise<true | undefined> => {
    const seen = await soon(() => client.readOperation(started.id), patience, signal);
    if (DONE.includes(seen.status)) return true;
    if (isLost(seen)) throw lost(seen);
    if (seen.status === 'failed') {
      if (seen.failures_count !== failed.count) failed = { count: seen.failures_count, since: Date.now() };
      if (Date.now() - failed.since > patience.failedMs) throw lost(seen);
    }
    if (Date.now() <= until) return undefined;
    const minutes = Math.round(patience.operationsMs / 60_000);
    throw new NeonFailure('NEON_BUSY', `Neon: ${nameOf(seen)} is ${seen.status} still, after ${minutes} minutes`);
  };
  await lookUntil(look, patience.pollMs, signal);
}

/** What was just made may not be known everywhere yet. */
async function soon<T>(read: () => Promise<T>, { lookMs, pollMs }: Patience, signal: AbortSignal): Promise<T> {
  for (const until = Date.now() + lookMs; ; await sleep(pollMs, signal)) {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof NeonFailure && error.status === 404) || Date.now() > until) throw error;
    }
  }
}

/** Waits until a branch can be used. @throws NEON_BUSY when that takes too long */
export function ready({ client, patience }: Waiter, id: string, signal: AbortSignal): Promise<Branch> {
  const until = Date.now() + patience.operationsMs;
  const look = async (): Promise<Branch | undefined> => {
    const branch = await soon(() => client.readBranch(id), patience, signal);
    if (branch.current_state === 'ready' && !branch.pending_state) return branch;
    if (Date.now() <= until) return undefined;
    throw new NeonFailure('NEON_BUSY', `Neon: the branch ${branch.name} is ${branch.current_state} still`);
  };
  return lookUntil(look, patience.pollMs, signal);
}

function lost(operation: Operation): NeonFailure {
  const { status, failures_count: times, error } = operation;
  const why = error ? `: ${error.slice(0, 200)}` : '';
  return new NeonFailure('NEON_REFUSED', `Neon: ${nameOf(operation)} ended as ${status} after ${times} failures${why}`);
}

function nameOf({ action, id, branch_id: branch }: Operation): string {
  return `the operation ${action} (${id})${branch ? ` of the branch ${branch}` : ''}`;
}
