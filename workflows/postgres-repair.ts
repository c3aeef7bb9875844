/** What the Postgres runbook writes, step by step, each with its undo before it. */
import type { ListRef } from '../domain/artifacts.ts';
import { type Carried, LIVE, type Place } from '../domain/database-state.ts';
import { describeCount } from '../domain/format.ts';
import { recoveryDatabaseOf } from '../domain/names.ts';
import type * as loss from '../domain/postgres-loss.ts';
import * as recovery from '../domain/postgres-recovery.ts';
import type { PostgresInput } from '../domain/run-input.ts';
import type { Hands } from './hands.ts';
import { carry } from './postgres-rehearse.ts';
import { keptBranches } from './postgres-search.ts';
import { type DatabaseRun, databaseOf } from './postgres-steps.ts';

/** From here on nothing is written but by this run; a write is tried, to prove it. */
export async function fenceApp(run: DatabaseRun): Promise<void> {
  if (!databaseOf(run).fence) return;
  run.undo('let the app write again', (act) => act.setAppMode({ mode: 'open' }));
  await run.verify('fence', async (act) => {
    await act.setAppMode({ mode: 'fenced' });
    return act.tryStaleWrite();
  });
}

/** What is brought back, and from what. */
export interface Bringing {
  readonly found: loss.DatabaseAssessment;
  readonly target: recovery.Target;
  readonly rehearsal: recovery.Rehearsal;
}

/** The good state takes the place of the damaged one, which is kept, and the later rows follow. */
export async function bringBack(run: DatabaseRun, input: PostgresInput, bringing: Bringing): Promise<Carried[]> {
  const { target, rehearsal } = bringing;
  const tables = rehearsal.diffs.map(({ table }) => table);
  const carryOver = (from: Place, to: Place): Promise<Carried[]> => carryLater(run, input, { from, to, tables });
  const carried =
    target.kind === 'history'
      ? await restoreHistory(run, target).then((preserved) => carryOver(preserved, LIVE))
      : await carryOver(LIVE, { kind: 'beside', database: target.database });
  if (target.kind !== 'history') await swap(run, target.database);
  return carried;
}

async function carryLater(
  run: DatabaseRun,
  input: PostgresInput,
  { from, to, tables }: { from: Place; to: Place; tables: readonly string[] },
): Promise<Carried[]> {
  if (tables.length === 0) return [];
  return run.must('carryOver', (act) => carry(act, run, { input, from, to, tables }), recovery.describeCarried);
}

/** The branch goes back in its place; what it was is a branch of its own from then on. */
async function restoreHistory(run: DatabaseRun, target: recovery.Target & { kind: 'history' }): Promise<Place> {
  const { before, after } = keptBranches(run);
  const { at, lastResetAt } = target;
  run.undo(`put back what ${before} keeps`, async (act) => {
    await fenced(act, run);
    await act.putBranchBack({ preserved: before, keepAs: after });
    await act.restoreLogin({});
  });
  return run.must(
    'restore',
    async (act) => {
      const { preservedBranchId } = await act.restoreBranch({ at, preserveAs: before, lastResetAt });
      await act.restoreLogin({});
      return { kind: 'branch', branchId: preservedBranchId };
    },
    () => `what was there is kept as branch ${before}`,
  );
}

/** Two databases change names: the app's own settings stay as they are. */
async function swap(run: DatabaseRun, database: string): Promise<void> {
  const before = recoveryDatabaseOf('before', run.runId);
  const after = recoveryDatabaseOf('after', run.runId);
  const settings = databaseOf(run);
  run.undo(`bring ${before} back under the app’s name`, async (act) => {
    await fenced(act, run);
    if ((await act.listRecoveryDatabases()).includes(before))
      await act.swapDatabase({ database: before, keepAs: after });
  });
  await run.must(
    'restore',
    async (act) => {
      const swapped = await act.swapDatabase({ database, keepAs: before });
      for (const setting of swapped.left ?? [])
        run.note(`${settings.database} had what its role may not give to the restored one: ${setting}`);
      return swapped;
    },
    ({ kept }) => (kept ? `what was there is kept as ${before}` : 'there was nothing to keep'),
  );
}

/** The app may be open again when a recovery is taken back. */
async function fenced(act: Hands, run: DatabaseRun): Promise<void> {
  if (databaseOf(run).fence) await act.setAppMode({ mode: 'fenced' });
}

/** Vectors whose rows went back: rows are rebuilt from what points carry, and texts embedded again where they differ. */
export async function reconnectVectors(
  run: DatabaseRun,
  { dropOrphans = false }: PostgresInput,
  found: loss.DatabaseAssessment,
  carried: readonly Carried[],
): Promise<void> {
  const { set } = found;
  const { collection } = run.settings;
  const { chunks, messages } = databaseOf(run);
  if (chunks === undefined) return;
  const compare = { collection, set, depth: 'content', folder: `${run.folder}/reconnect` } as const;
  const done = await run.must(
    'reconnect',
    async (act) => {
      const damage = await act.reconcileStack(compare);
      const [orphans, stale] = [damage.drop, [damage.copy, damage.reembed].filter(({ count }) => count > 0)];
      const written = [...stale, ...(dropOrphans && orphans.count > 0 ? [orphans] : [])];
      if (written.length > 0) await keepVectors(act, run, written);
      const rebuilt = await settleOrphans(act, run, orphans, dropOrphans);
      let embedded = 0;
      for (const list of stale) embedded += (await act.reembedPoints({ list, collection })).written;
      return { ...rebuilt, embedded };
    },
    describeReconnected,
  );
  const healedFrom = Date.parse(set.takenAt);
  const measured = { carried, chunksLost: done.unavailable, healedFrom, messages, chunks };
  run.learn({ rpo: recovery.measureDatabaseLoss(found, measured, run.faultDeclaredAt) });
}

interface Orphans {
  readonly rebuilt: number;
  readonly removed: number;
  readonly unavailable: number;
}

/** A point without a row gets one, or goes where the approved plan says so. */
async function settleOrphans(act: Hands, run: DatabaseRun, list: ListRef, drop: boolean): Promise<Orphans> {
  const { collection } = run.settings;
  if (list.count === 0) return { rebuilt: 0, removed: 0, unavailable: 0 };
  if (drop) return { rebuilt: 0, removed: (await act.dropPoints({ list, from: collection })).written, unavailable: 0 };
  const { written, unavailable } = await act.rebuildRows({ list, collection });
  return { rebuilt: written, removed: 0, unavailable };
}

function describeReconnected({ rebuilt, removed, unavailable, embedded }: Orphans & { embedded: number }): string {
  const parts = [
    `${describeCount(rebuilt)} rows rebuilt from points`,
    `${describeCount(embedded)} texts embedded again`,
    removed > 0 ? `${describeCount(removed)} vectors without a row removed` : '',
    unavailable > 0 ? `${describeCount(unavailable)} points have no row and no text for one` : '',
  ];
  return parts.filter((part) => part !== '').join(', ');
}

/** Vectors are written over: what they were is kept before, and put back when the run is taken back. */
async function keepVectors(act: Hands, run: DatabaseRun, lists: ListRef[]): Promise<void> {
  const { collection } = run.settings;
  const before = run.scratch('before');
  const snapshot = await act.captureCollection({ collection, folder: `${run.folder}/before` });
  run.keep('vectors before', snapshot);
  run.cleanUp(`remove ${before}`, (undo) => undo.dropScratch({ scratch: before }));
  run.undo(`put the points of ${collection} back to what they were`, async (undo) => {
    await undo.restoreBeside({ snapshot, scratch: before });
    return undo.revertPoints({ lists, collection, before });
  });
}

/** The recovery is kept, so what was replaced is not needed any more. */
export async function releaseReplaced(run: DatabaseRun, target: recovery.Target): Promise<void> {
  await run.step(
    'release',
    async (act) => {
      if (target.kind !== 'history') {
        const database = recoveryDatabaseOf('before', run.runId);
        await act.dropDatabase({ database });
        return `${database} is removed`;
      }
      const { before } = keptBranches(run);
      const { released, why = '' } = await act.releaseBranch({ name: before });
      return released ? `branch ${before} is removed` : `branch ${before} stays: ${why}`;
    },
    (said) => said,
  );
}
