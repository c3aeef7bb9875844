import { planCluster } from '../domain/cluster-plan.ts';
import { type ClusterInput, clusterInputSchema } from '../domain/run-input.ts';
import { backUpAtOnce } from './back-up-at-once.ts';
import { assessCluster, confirmFailure, tellPeople } from './cluster-assess.ts';
import { catchUp, fill, makeReplacement } from './cluster-fill.ts';
import { type ClusterRun, clusterOf, steps } from './cluster-steps.ts';
import { cutOver, verifyBeside, verifyHealthy, verifyLive, watchOf } from './cluster-verify.ts';
import { runbook } from './runbook.ts';

/** Scenario 2: Qdrant has failed as a whole. A replacement answers as it did, and is made the live one. */
export const recoverQdrantCluster = runbook(
  {
    scenario: 'qdrant-cluster',
    input: clusterInputSchema,
    steps,
    success: 'recovered',
    damaged: 'qdrant',
    afterwards: () => backUpAtOnce('the vectors have a new place'),
  },
  async (run, input) => {
    const diagnosis = await confirmFailure(run, input);
    if (diagnosis.remedy === 'none' && input.replace !== true) return proveHealthy(run, input);
    if (diagnosis.remedy === 'wake' && input.replace !== true) return wakeUp(run, input);
    const found = await assessCluster(run, input, await tellPeople(run, input, diagnosis));
    await run.approval('approve', planCluster(found, clusterOf(run), run.place));
    const target = await makeReplacement(run, found);
    await fill(run, found, target);
    await catchUp(run, found, target);
    await verifyBeside(run, found, target);
    await cutOver(run, found, target);
    await verifyLive(run, found, target);
    run.recovered();
    await run.commitWindow('commit', watchOf(run, target));
    run.note(target.left);
  },
);

/** Nothing is wrong any more, or never was: the gates prove it, and nothing is written. */
async function proveHealthy(run: ClusterRun, input: ClusterInput): Promise<void> {
  await verifyHealthy(run, input);
  run.recovered();
  run.nothingToDo();
}

/** A cluster that only sleeps has all its data: it is woken, and not replaced. */
async function wakeUp(run: ClusterRun, input: ClusterInput): Promise<void> {
  await run.must(
    'wake',
    (act) => act.wakeCluster({}),
    ({ phase }) => phase,
  );
  await verifyHealthy(run, input);
  run.recovered();
}
