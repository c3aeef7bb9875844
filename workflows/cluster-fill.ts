/** The new collection: made exactly as it was, filled, and brought up to date. Each with its undo before it. */
import * as recovery from '../domain/cluster-recovery.ts';
import { describeCount } from '../domain/format.ts';
import { shortRunId } from '../domain/names.ts';
import * as loss from '../domain/partial-loss.ts';
import { exactPoints, type RecoverySet } from '../domain/recovery-set.ts';
import { describeServer, sameServer, type ServerRef } from '../domain/servers.ts';
import type { OtherCollection } from '../domain/set-parts.ts';
import type { ShapeDifference } from '../domain/shape.ts';
import { atServer, type ClusterRun } from './cluster-steps.ts';
import { failureWith, troubleOf } from './failure.ts';
import type { Hands } from './hands.ts';

/** Where the recovered collection is, while it is made. */
export interface Target {
  /** Absent beside the damaged collection on the live server. */
  readonly server?: ServerRef | undefined;
  readonly collection: string;
  /** What was live before, and the number of its record. */
  readonly before: { readonly epoch: number; readonly server: ServerRef };
  /** True while the app may use what this run has made: it must not be taken away then. */
  inUse: boolean;
  /** What the configuration could not be made equal in. */
  differences: readonly ShapeDifference[];
  /** What stays behind, for whoever reads the report. */
  readonly left: string;
}

/** Owner's mark of what this run makes. */
function ownerOf(run: ClusterRun): string {
  return run.runId;
}

/** Name of a cluster that this run makes: 4 to 64 letters, digits and hyphens. */
function nameOf(run: ClusterRun): string {
  return `recovery-${shortRunId(run.runId)}`;
}

/** Brings up the server, and creates the collection on it, exactly as it was. */
export async function makeReplacement(run: ClusterRun, found: recovery.ClusterAssessment): Promise<Target> {
  const target = await bringUp(run, found);
  const { collection } = target;
  // What a backup brings goes with the cluster that was made from it.
  if (found.filling.kind === 'backup') return target;
  run.undo(`remove ${collection} from ${nameServer(target)}`, async (act) => {
    mustNotBeInUse(target, collection);
    await atServer(act, target.server).dropMade({ collection, owner: ownerOf(run) });
  });
  target.differences = await run.must(
    'create',
    (act) => create(act, run, found, target),
    (differences) => (differences.length === 0 ? 'equal in every field' : `${differences.length} fields differ`),
  );
  return target;
}

function nameServer({ server }: Target): string {
  return server ? describeServer(server) : 'the same server';
}

async function bringUp(run: ClusterRun, { destination, names }: recovery.ClusterAssessment): Promise<Target> {
  const { collection } = names;
  const name = nameOf(run);
  const made: { target?: Target } = {};
  if (destination.kind === 'replacement')
    run.undo('release the replacement', async (act) => {
      if (made.target) mustNotBeInUse(made.target, 'the replacement');
      await act.releaseReplacement({ name });
    });
  const { before, up } = await run.must(
    'bringUp',
    async (act) => {
      const place = await act.readLivePlace();
      if (destination.kind === 'beside') return { before: place, up: undefined };
      const up = await act.bringUpReplacement({ name });
      if (sameServer(up.server, place.server))
        throw failureWith(
          'REPLACEMENT_UNFIT',
          `the replacement is ${describeServer(place.server)} itself, which is live`,
        );
      return { before: place, up };
    },
    (done) => (done.up ? `${done.up.url}, Qdrant ${done.up.version}` : 'the same server'),
  );
  const target: Target = {
    server: up?.server,
    collection,
    before: { epoch: before.epoch, server: before.server },
    inUse: false,
    differences: [],
    left: up
      ? `${describeServer(before.server)} is left as it was found; release it when nobody needs it any more`
      : 'the damaged collection is left as it was found, under its own name; drop it when nobody needs it any more',
  };
  made.target = target;
  return target;
}

/** What the app uses must stay, even when everything else is undone. */
function mustNotBeInUse({ inUse }: Target, what: string): void {
  if (!inUse) return;
  throw failureWith('NOT_NOW', `${what} is kept: the app could not be pointed back, and may use it`);
}

function create(
  act: Hands,
  run: ClusterRun,
  { shape }: recovery.ClusterAssessment,
  { server, collection }: Target,
): Promise<ShapeDifference[]> {
  return atServer(act, server).createCollection({ collection, shape, owner: ownerOf(run) });
}

/** From the set's snapshots, where they can be used; else from source text. */
export async function fill(run: ClusterRun, found: recovery.ClusterAssessment, target: Target): Promise<void> {
  const { filling, set } = found;
  if (filling.kind === 'rebuild') return rebuild(run, found, target);
  if (filling.kind === 'backup') return adopt(run, target);
  if (!set) throw failureWith('UNEXPECTED', 'there is no set to restore');
  await run.must(
    'restore',
    async (act) => {
      // What an attempt has left half restored is made again: it can neither be read nor completed.
      await create(act, run, found, target);
      const { collection, server } = target;
      const restore = { collection, owner: ownerOf(run), snapshots: snapshotsOf(set), points: exactPoints(set) };
      try {
        return await atServer(act, server).restoreInto(restore);
      } catch (error) {
        // With a wrong count it looks whole, and the next attempt would adopt it.
        if (troubleOf(error).code === 'RESTORE_INCOMPLETE')
          await atServer(act, server).dropMade({ collection, owner: ownerOf(run) });
        throw error;
      }
    },
    ({ points }) => `${describeCount(points)} points`,
  );
  if (target.server) await restoreOthers(run, set.qdrant.others ?? [], target);
}

/** The collection came with the cluster. */
async function adopt(run: ClusterRun, { server, collection }: Target): Promise<void> {
  await run.must(
    'restore',
    (act) => atServer(act, server).describeCollection({ collection }),
    ({ points }) => `${describeCount(points)} points came with the backup`,
  );
}

function snapshotsOf({ qdrant }: RecoverySet): RecoverySet['qdrant']['snapshot'][] {
  return [qdrant.snapshot, ...(qdrant.nodes ?? []).map(({ snapshot }) => snapshot)];
}

/** A new server has none of what the old one held beside. */
async function restoreOthers(run: ClusterRun, others: readonly OtherCollection[], { server }: Target): Promise<void> {
  if (others.length === 0) return;
  const owner = ownerOf(run);
  for (const { collection } of others)
    run.undo(`remove ${collection} from the replacement`, (act) =>
      atServer(act, server).dropMade({ collection, owner }),
    );
  await run.step(
    'others',
    async (act) => {
      for (const { collection, shape, snapshots, points } of others) {
        await atServer(act, server).createCollection({ collection, shape, owner });
        const archives = snapshots.map(({ snapshot }) => snapshot);
        await atServer(act, server).restoreInto({ collection, owner, snapshots: archives, points });
      }
    },
    () => others.map(({ collection }) => collection).join(', '),
  );
}

/** Everything again, out of Postgres and the source folder, by the model of today. */
async function rebuild(
  run: ClusterRun,
  { forecast, content }: recovery.ClusterAssessment,
  { server, collection }: Target,
): Promise<void> {
  if (content) {
    await run.must(
      'rebuild',
      (act) => atServer(act, server).embedContent({ list: content.list, collection }),
      ({ written }) => `${describeCount(written)} chunks of the source text`,
    );
    return;
  }
  if (!forecast) throw failureWith('UNEXPECTED', 'there is nothing to rebuild from');
  const { unavailable } = await run.must(
    'rebuild',
    (act) => atServer(act, server).reembedPoints({ list: forecast.reembed, collection }),
    loss.describeEmbedding,
  );
  if (unavailable > 0) run.note(`${unavailable} chunks have no text anywhere and could not be embedded`);
}

/** What has changed since the set comes from Postgres: new and changed texts are embedded, deleted ones go. */
export async function catchUp(run: ClusterRun, found: recovery.ClusterAssessment, target: Target): Promise<void> {
  if (!run.settings.hasRows) return;
  const { dropOrphans } = found;
  const set = recovery.vectorsOf(found);
  const { server, collection } = target;
  const done = await run.must(
    'catchUp',
    async (act) =>
      bringUpToDate(atServer(act, server), { set, collection, dropOrphans, folder: `${run.folder}/catch-up` }),
    describeCatchUp,
  );
  run.learn({ rpo: recovery.measureLoss(found, done.unavailable, run.faultDeclaredAt) });
}

interface CaughtUp {
  readonly written: number;
  readonly newer: number;
  readonly unavailable: number;
  readonly dropped: number;
}

function describeCatchUp({ dropped, ...embedded }: CaughtUp): string {
  return `${loss.describeEmbedding(embedded)}${dropped > 0 ? `, ${describeCount(dropped)} left out` : ''}`;
}

/** Reconciles with Postgres and writes what differs. What the set would heal elsewhere is embedded here: the set is in already. */
export async function bringUpToDate(
  act: Hands,
  {
    set,
    collection,
    dropOrphans,
    folder,
  }: { set: RecoverySet | undefined; collection: string; dropOrphans: boolean; folder: string },
): Promise<CaughtUp> {
  const damage = await act.reconcileStack({ collection, set, depth: 'content', folder });
  let done: CaughtUp = { written: 0, newer: 0, unavailable: 0, dropped: 0 };
  for (const list of [damage.reembed, damage.copy].filter(({ count }) => count > 0)) {
    const { written, newer, unavailable } = await act.reembedPoints({ list, collection });
    done = {
      ...done,
      written: done.written + written,
      newer: done.newer + newer,
      unavailable: done.unavailable + unavailable,
    };
  }
  if (!dropOrphans || damage.drop.count === 0) return done;
  const { written: dropped } = await act.dropPoints({ list: damage.drop, from: collection });
  return { ...done, dropped };
}
