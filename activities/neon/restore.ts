import type { Moment } from '../../domain/database-state.ts';
import type { Work } from '../progress.ts';
import type { Branch, Operation } from './answers.ts';
import type { NeonClient } from './client.ts';
import { ensureEndpoint } from './compute.ts';
import { NeonFailure } from './failure.ts';
import { operationsOf, showsUp, watched } from './named-branch.ts';
import { asMomentRefused, ours } from './recovery-branches.ts';
import { isOpen, ready, settle } from './settle.ts';
import { findByName, findSource } from './source.ts';
import type { Tools } from './tools.ts';

interface Restoration {
  readonly at: Moment;
  readonly preserveAs: string;
  /** When the branch was restored last, as it was when the plan was made. */
  readonly lastResetAt: string | null;
}

/**
 * Restores the app's branch in place. The name under which it is preserved tells whether it was asked for already: then it is
 * only waited for.
 * @throws NEON_*, MOMENT_REFUSED, STALE_PLAN
 */
export async function restoreBranch(
  tools: Tools,
  { at, preserveAs, lastResetAt }: Restoration,
  work: Work,
): Promise<{ preservedBranchId: string }> {
  const phase = 'Neon: restore the branch';
  const client = watched(tools, phase, work);
  const source = await findSource(client, tools.config);
  const place = { source, sourceId: source.id, at, preserveAs: ours(preserveAs), phase };
  if (!(await findByName(client, preserveAs))) {
    expectAsPlanned(source, lastResetAt);
    await ask(tools, client, place, work).catch((error: unknown) => {
      throw asMomentRefused(error, at);
    });
  }
  const preserved = await through(tools, client, place, work);
  const now = await client.readBranch(source.id);
  if ((now.last_reset_at ?? null) === lastResetAt)
    throw new NeonFailure(
      'NEON_REFUSED',
      `Neon: ${preserveAs} is there, though ${source.name} was not restored; look at the project's operations`,
    );
  await ensureEndpoint(tools, client, preserved.id, work);
  return { preservedBranchId: preserved.id };
}

/**
 * Undo: the app's branch gets the head of what was preserved, and what it was goes on as `keepAs`. Nothing to do when nothing
 * was preserved, or it is done already.
 * @throws NEON_*
 */
export async function putBranchBack(
  tools: Tools,
  { preserved: name, keepAs }: { preserved: string; keepAs: string },
  work: Work,
): Promise<void> {
  const phase = 'Neon: put the preserved branch back';
  const client = watched(tools, phase, work);
  const source = await findSource(client, tools.config);
  const waiter = { client, patience: tools.patience };
  // A restore may still be under way, whose answer nobody waited for.
  await settle(waiter, (await operationsOf(client, source)).filter(isOpen), phase, work);
  const preserved = await findByName(client, ours(name));
  if (!preserved) return;
  const place = { source, sourceId: preserved.id, at: undefined, preserveAs: ours(keepAs), phase };
  if (!(await findByName(client, keepAs))) await ask(tools, client, place, work);
  await through(tools, client, place, work);
}

interface Place {
  readonly source: Branch;
  readonly sourceId: string;
  readonly at: Moment | undefined;
  readonly preserveAs: string;
  readonly phase: string;
}

/** @throws STALE_PLAN */
function expectAsPlanned(source: Branch, lastResetAt: string | null): void {
  const now = source.last_reset_at ?? null;
  if (now === lastResetAt) return;
  throw new NeonFailure(
    'STALE_PLAN',
    `plan: the branch ${source.name} was restored at ${now ?? 'no time'}, after the plan was made; start a new run`,
  );
}

/** Asks once. When the answer is lost, the name that the branch is preserved under tells what came of it. */
async function ask(tools: Tools, client: NeonClient, place: Place, work: Work): Promise<void> {
  const { source, sourceId, at, preserveAs, phase } = place;
  const { patience } = tools;
  let operations: Operation[] = [];
  try {
    operations = await client.restoreBranch(source.id, { sourceId, at, preserveAs });
  } catch (error) {
    if (!(error instanceof NeonFailure) || !(error.outcomeUnknown || error.status === 409)) throw error;
    const until = Date.now() + patience.lookMs;
    if (!(await showsUp(client, preserveAs, { until, ...patience }, work.signal))) throw error;
  }
  await settle({ client, patience }, operations, phase, work);
}

/** Waits until the branch and what was preserved can be used. */
async function through(
  tools: Tools,
  client: NeonClient,
  { source, preserveAs, phase }: Place,
  work: Work,
): Promise<Branch> {
  const waiter = { client, patience: tools.patience };
  await settle(waiter, (await operationsOf(client, source)).filter(isOpen), phase, work);
  await ready(waiter, source.id, work.signal);
  const preserved = await findByName(client, preserveAs);
  if (preserved) return ready(waiter, preserved.id, work.signal);
  throw new NeonFailure(
    'NEON_REFUSED',
    `Neon: the restore of ${source.name} came to nothing; look at the project's operations`,
  );
}
