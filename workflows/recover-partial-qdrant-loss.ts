import * as loss from '../domain/partial-loss.ts';
import { planPartialLoss } from '../domain/partial-loss-plan.ts';
import { type PartialLossInput, partialLossInputSchema } from '../domain/run-input.ts';
import {
  copyBack,
  createLostIndexes,
  embedAgain,
  keepDamagedState,
  removeOrphans,
  restoreBeside,
} from './partial-loss-repair.ts';
import { type LossRun, steps } from './partial-loss-steps.ts';
import { runbook } from './runbook.ts';

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
