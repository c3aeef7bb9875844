import { workflowInfo } from '@temporalio/workflow';
import { describeCount } from '../domain/format.ts';
import {
  type Assessment,
  describeDamage,
  indexesBefore,
  lostIndexes,
  measureLoss,
  needsRepair,
  planPartialLoss,
  reconciliationGate,
  shapeGate,
} from '../domain/partial-loss.ts';
import { type PartialLossInput, partialLossInputSchema } from '../domain/run-input.ts';
import { type Run, runbook } from './runbook.ts';

const steps = {
  chooseSet: { title: 'Choose the recovery set and read it back', phase: 'detect' },
  assess: { title: 'Find what is damaged', phase: 'detect' },
  approve: { title: 'Approve the plan', phase: 'decide' },
  keepDamaged: { title: 'Keep the damaged state', phase: 'restore' },
  restoreBeside: { title: 'Restore the set beside the live collection', phase: 'restore' },
  copyBack: { title: 'Copy back what the set holds', phase: 'restore' },
  embedAgain: { title: 'Embed again what the set does not hold', phase: 'restore' },
  dropOrphans: {
    title: 'Remove vectors without a row',
    phase: 'restore',
    skippable: 'orphans do not hide other content',
  },
  createIndexes: { title: 'Create the lost payload indexes', phase: 'restore' },
  reconcile: { title: 'Verify: the stores agree', phase: 'verify' },
  access: { title: 'Verify: nobody gets in without a key', phase: 'verify' },
  retrieval: {
    title: 'Verify: questions find their sources',
    phase: 'verify',
    skippable: 'people can ask the questions by hand',
  },
  commit: { title: 'Commit window', phase: 'reopen' },
} as const;

type LossRun = Run<keyof typeof steps>;

/** Scenario 1: some textbook content is gone from Qdrant, or is not what it was. */
export const recoverPartialQdrantLoss = runbook(
  { scenario: 'partial-loss', input: partialLossInputSchema, steps, success: 'recovered' },
  async (run, input) => {
    const damage = await assess(run, input);
    if (!needsRepair(damage)) {
      await verify(run, damage);
      run.nothingToDo();
    }
    const scratch = run.scratch('restore');
    await run.approval(
      'approve',
      planPartialLoss(damage, { environment: run.settings.environment, runId: workflowInfo().runId, scratch }),
    );
    await keepDamaged(run, damage);
    await restoreBeside(run, damage, scratch);
    await copyBack(run, damage, scratch);
    await verify(run, damage);
    run.recovered();
    await run.commitWindow('commit');
  },
);

/** Identify the affected content: what Qdrant holds, what Postgres says it should hold, what the set can give back. */
async function assess(
  run: LossRun,
  { setId, depth = 'content', dropOrphans = false }: PartialLossInput,
): Promise<Assessment> {
  const { collection } = run.settings;
  const { set, why } = await run.must(
    'chooseSet',
    (act) => act.chooseRecoverySet({ setId }),
    ({ set, why }) => `${set.id}: ${why}`,
  );
  const found = await run.must(
    'assess',
    async (act) => {
      const damage = await act.reconcileStack({ collection, set, depth, folder: `${run.folder}/assess` });
      return { set, why, dropOrphans, damage, shape: await act.compareShape({ collection, set }) };
    },
    describeDamage,
  );
  run.learn({ set: set.id, damage: found.damage, rpo: measureLoss(found, 0, run.faultDeclaredAt) });
  return found;
}

/** Snapshot the damaged state first, and know how to put it back, before anything is written. */
async function keepDamaged(run: LossRun, { damage, shape, dropOrphans }: Assessment): Promise<void> {
  const { collection } = run.settings;
  const [before, lists] = [run.scratch('before'), [damage.copy, damage.reembed, ...(dropOrphans ? [damage.drop] : [])]];
  const snapshot = await run.must(
    'keepDamaged',
    (act) => act.captureCollection({ collection, folder: `${run.folder}/before` }),
    (kept) => `${describeCount(kept.bytes)} bytes, sha256 ${kept.sha256.slice(0, 12)}`,
  );
  run.keep('damaged state', snapshot);
  run.cleanUp(`remove ${before}`, (act) => act.dropScratch({ scratch: before }));
  run.undo(`put ${collection} back to what it was`, async (act) => {
    await act.revertIndexes({ collection, fields: indexesBefore(shape) });
    await act.restoreBeside({ snapshot, scratch: before });
    await act.revertPoints({ lists, collection, before });
  });
}

async function restoreBeside(run: LossRun, { damage, set }: Assessment, scratch: string): Promise<void> {
  if (damage.copy.count === 0) return;
  run.cleanUp(`remove ${scratch}`, (act) => act.dropScratch({ scratch }));
  await run.must(
    'restoreBeside',
    (act) => act.restoreBeside({ snapshot: set.qdrant.snapshot, scratch, points: set.qdrant.points }),
    ({ points }) => `${describeCount(points)} points in ${scratch}`,
  );
}

/** Only what is damaged is written, and never over something newer than what was assessed. */
async function copyBack(run: LossRun, assessment: Assessment, scratch: string): Promise<void> {
  const { damage, shape, dropOrphans } = assessment;
  const { collection } = run.settings;
  const said = ({ written, newer }: { written: number; newer: number }): string =>
    `${describeCount(written)} written${newer > 0 ? `, ${describeCount(newer)} left alone as newer` : ''}`;
  if (damage.copy.count > 0) {
    await run.must('copyBack', (act) => act.copyPoints({ list: damage.copy, from: scratch, to: collection }), said);
  }
  if (damage.reembed.count > 0) {
    const from = damage.copy.count > 0 ? scratch : undefined;
    const again = await run.must(
      'embedAgain',
      (act) => act.reembedPoints({ list: damage.reembed, collection, scratch: from }),
      said,
    );
    run.learn({ rpo: measureLoss(assessment, again.unavailable, run.faultDeclaredAt) });
  }
  if (dropOrphans && damage.drop.count > 0) {
    await run.step('dropOrphans', (act) => act.dropPoints({ list: damage.drop, from: collection }), said);
  }
  const lost = Object.fromEntries(lostIndexes(shape));
  if (Object.keys(lost).length > 0) {
    await run.must(
      'createIndexes',
      (act) => act.createIndexes({ collection, fields: lost }),
      () => Object.keys(lost).join(', '),
    );
  }
}

/** Verify retrieval for the affected content, and that nothing else was harmed. */
async function verify(run: LossRun, { set, damage, dropOrphans }: Assessment): Promise<void> {
  const { collection } = run.settings;
  await run.verify('reconcile', async (act) => {
    const after = await act.reconcileStack({ collection, set, depth: 'content', folder: `${run.folder}/verify` });
    return [reconciliationGate(after, dropOrphans), shapeGate(await act.compareShape({ collection, set }))];
  });
  await run.verify('access', (act) => act.checkAccess());
  const sections = damage.sections.map(({ section }) => section);
  await run.verify('retrieval', (act) => act.checkRetrieval({ collection, set, sections }));
}
