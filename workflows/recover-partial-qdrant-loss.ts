import { describeCount } from '../domain/format.ts';
import * as loss from '../domain/partial-loss.ts';
import { planPartialLoss } from '../domain/partial-loss-plan.ts';
import { type PartialLossInput, partialLossInputSchema } from '../domain/run-input.ts';
import { steps } from './partial-loss-steps.ts';
import { type Run, runbook } from './runbook.ts';

type LossRun = Run<keyof typeof steps>;

/** Scenario 1: some textbook content is gone from Qdrant, or is not what it was. */
export const recoverPartialQdrantLoss = runbook(
  { scenario: 'partial-loss', input: partialLossInputSchema, steps, success: 'recovered' },
  async (run, input) => {
    const found = await identifyDamage(run, input);
    if (!loss.needsRepair(found)) return proveHealthy(run, found);
    await run.approval('approve', planPartialLoss(found, run.place));
    await keepDamagedState(run, found);
    await restoreBeside(run, found);
    await copyBack(run, found);
    await embedAgain(run, found);
    await removeOrphans(run, found);
    await createLostIndexes(run, found);
    await verify(run, found);
    run.recovered();
    await run.commitWindow('commit');
  },
);

/** Identify the affected content: what Qdrant holds, what Postgres says it should hold, what the set can give back. */
async function identifyDamage(run: LossRun, input: PartialLossInput): Promise<loss.Assessment> {
  const { setId, depth = 'content', dropOrphans = false } = input;
  const { collection, hasRows } = run.settings;
  const chosen = await run.must('chooseSet', (act) => act.chooseRecoverySet({ setId }), loss.describeChoice);
  const assess = { collection, set: chosen.set, depth, folder: `${run.folder}/assess` };
  const found = await run.must(
    'assess',
    async (act) => {
      const shape = await act.compareShape({ collection, set: chosen.set });
      loss.mustFit(shape, chosen.set);
      const damage = await act.reconcileStack(assess);
      loss.mustHoldOneVector({ damage, set: chosen.set });
      return { ...chosen, dropOrphans, hasRows, depth, shape, damage };
    },
    loss.describeDamage,
  );
  run.learn({ set: found.set.id, damage: found.damage, rpo: loss.measureLoss(found, 0, run.faultDeclaredAt) });
  return found;
}

/** Nothing is damaged: the same gates prove it, and nothing is written. */
async function proveHealthy(run: LossRun, found: loss.Assessment): Promise<void> {
  await verify(run, found);
  run.recovered();
  run.nothingToDo();
}

/** Snapshot the damaged state first, and know how to put it back, before anything is written. */
async function keepDamagedState(run: LossRun, found: loss.Assessment): Promise<void> {
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
async function restoreBeside(run: LossRun, { damage, set }: loss.Assessment): Promise<void> {
  if (damage.copy.count === 0) return;
  const scratch = run.scratch('restore');
  const restore = { snapshot: set.qdrant.snapshot, scratch, points: set.qdrant.points };
  run.cleanUp(`remove ${scratch}`, (act) => act.dropScratch({ scratch }));
  await run.must(
    'restoreBeside',
    (act) => act.restoreBeside(restore),
    (done) => `${describeCount(done.points)} points`,
  );
}

/** Only what is damaged is written, and never over something newer than what was assessed. */
async function copyBack(run: LossRun, { damage }: loss.Assessment): Promise<void> {
  if (damage.copy.count === 0) return;
  const copy = { list: damage.copy, from: run.scratch('restore'), to: run.settings.collection };
  await run.must('copyBack', (act) => act.copyPoints(copy), loss.describeRepair);
}

/** Only what the set cannot give is embedded again, from its present text. */
async function embedAgain(run: LossRun, found: loss.Assessment): Promise<void> {
  if (found.damage.reembed.count === 0) return;
  const scratch = found.damage.copy.count > 0 ? run.scratch('restore') : undefined;
  const texts = { list: found.damage.reembed, collection: run.settings.collection, scratch };
  const { unavailable } = await run.must('embedAgain', (act) => act.reembedPoints(texts), loss.describeEmbedding);
  run.learn({ rpo: loss.measureLoss(found, unavailable, run.faultDeclaredAt) });
}

/** Vectors without a row go only when the approved plan says so. */
async function removeOrphans(run: LossRun, { damage, dropOrphans }: loss.Assessment): Promise<void> {
  if (!dropOrphans || damage.drop.count === 0) return;
  const orphans = { list: damage.drop, from: run.settings.collection };
  await run.step('dropOrphans', (act) => act.dropPoints(orphans), loss.describeRemoval);
}

/** Payload indexes that the set recorded and the collection has lost. */
async function createLostIndexes(run: LossRun, { shape }: loss.Assessment): Promise<void> {
  const fields = Object.fromEntries(loss.lostIndexes(shape));
  if (Object.keys(fields).length === 0) return;
  const { collection } = run.settings;
  await run.must(
    'createIndexes',
    (act) => act.createIndexes({ collection, fields }),
    () => Object.keys(fields).join(', '),
  );
}

/** Verify retrieval for the affected content, and that nothing else was harmed. */
async function verify(run: LossRun, found: loss.Assessment): Promise<void> {
  const { set, damage, depth, dropOrphans } = found;
  const { collection, collectionName } = run.settings;
  const sections = damage.sections.map(({ section }) => section);
  await run.verify('reconcile', async (act) => {
    const after = await act.reconcileStack({ collection, set, depth, folder: `${run.folder}/verify` });
    const shape = loss.shapeGate(await act.compareShape({ collection, set }), found.shape);
    const name = loss.nameGate(collectionName, collection, (await act.resolveCollection()).collection);
    return [loss.reconciliationGate(after, dropOrphans), shape, name];
  });
  await run.verify('access', (act) => act.checkAccess());
  await run.verify('retrieval', (act) => act.checkRetrieval({ collection, set, sections }));
}
