/** What the partial-loss runbook writes, step by step: only what is damaged, and each with its undo before it. */
import { describeCount } from '../domain/format.ts';
import { exactPoints } from '../domain/recovery-set.ts';
import * as loss from '../domain/partial-loss.ts';
import type { LossRun } from './partial-loss-steps.ts';

/** Snapshot the damaged state first, and know how to put it back, before anything is written. */
export async function keepDamagedState(run: LossRun, found: loss.Assessment): Promise<void> {
  const { collection } = run.settings;
  const before = run.scratch('before');
  const capture = { collection, folder: `${run.folder}/before` };
  const snapshot = await run.must(
    'keepDamaged',
    async (act) => {
      loss.mustStandFor(run.settings, await act.resolveCollection());
      return act.captureCollection(capture);
    },
    loss.describeArtifact,
  );
  run.keep('damaged state', snapshot);
  run.cleanUp(`remove ${before}`, (act) => act.dropScratch({ scratch: before }));
  run.undo(`put the points of ${collection} back to what they were`, async (act) => {
    await act.restoreBeside({ snapshot, scratch: before });
    return act.revertPoints({ lists: loss.writtenLists(found), collection, before });
  });
  run.undo(`put the payload indexes of ${collection} back to what they were`, (act) =>
    act.revertIndexes({ collection, fields: loss.indexesBefore(found.shape) }),
  );
}

/** The set comes up under a name of its own; the live collection is not touched. */
export async function restoreBeside(run: LossRun, { damage, set }: loss.Assessment): Promise<void> {
  if (damage.copy.count === 0) return;
  const scratch = run.scratch('restore');
  const restore = { snapshot: set.qdrant.snapshot, scratch, points: exactPoints(set) };
  run.cleanUp(`remove ${scratch}`, (act) => act.dropScratch({ scratch }));
  await run.must(
    'restoreBeside',
    (act) => act.restoreBeside(restore),
    (done) => `${describeCount(done.points)} points`,
  );
}

/** Only what is damaged is written, and never over something newer than what was assessed. */
export async function copyBack(run: LossRun, { damage }: loss.Assessment): Promise<void> {
  if (damage.copy.count === 0) return;
  const copy = { list: damage.copy, from: run.scratch('restore'), to: run.settings.collection };
  await run.must('copyBack', (act) => act.copyPoints(copy), loss.describeRepair);
}

/** Only what the set cannot give is embedded again, from its present text. */
export async function embedAgain(run: LossRun, found: loss.Assessment): Promise<void> {
  if (found.damage.reembed.count === 0) return;
  const scratch = found.damage.copy.count > 0 ? run.scratch('restore') : undefined;
  const texts = { list: found.damage.reembed, collection: run.settings.collection, scratch };
  const { unavailable } = await run.must('embedAgain', (act) => act.reembedPoints(texts), loss.describeEmbedding);
  run.learn({ rpo: loss.measureLoss(found, unavailable, run.faultDeclaredAt) });
}

/** Vectors without a row go only when the approved plan says so. */
export async function removeOrphans(run: LossRun, { damage, dropOrphans }: loss.Assessment): Promise<void> {
  if (!dropOrphans || damage.drop.count === 0) return;
  const orphans = { list: damage.drop, from: run.settings.collection };
  await run.step('dropOrphans', (act) => act.dropPoints(orphans), loss.describeRemoval);
}

/** Payload indexes that the set recorded and the collection has lost. */
export async function createLostIndexes(run: LossRun, { shape }: loss.Assessment): Promise<void> {
  const fields = Object.fromEntries(loss.lostIndexes(shape));
  if (Object.keys(fields).length === 0) return;
  const { collection } = run.settings;
  await run.must(
    'createIndexes',
    (act) => act.createIndexes({ collection, fields }),
    () => Object.keys(fields).join(', '),
  );
}
