import { planPostgres } from '../domain/postgres-plan.ts';
import * as loss from '../domain/postgres-loss.ts';
import * as recovery from '../domain/postgres-recovery.ts';
import { postgresInputSchema } from '../domain/run-input.ts';
import { assessDatabase } from './postgres-assess.ts';
import { bringBack, fenceApp, reconnectVectors, releaseReplaced } from './postgres-repair.ts';
import { chooseTarget } from './postgres-search.ts';
import { rehearse } from './postgres-rehearse.ts';
import { type DatabaseRun, steps } from './postgres-steps.ts';
import { openApp, verifyData, verifyThroughApp } from './postgres-verify.ts';
import { runbook } from './runbook.ts';

/** Scenario 3: rows of Postgres are gone, or are not what they were, or the database is. */
export const recoverPostgresMetadata = runbook(
  { scenario: 'postgres', input: postgresInputSchema, steps, success: 'recovered', damaged: 'postgres' },
  async (run, input) => {
    const found = await assessDatabase(run, input);
    if (!loss.needsRecovery(found) && input.at === undefined && input.plainDump === undefined)
      return proveHealthy(run, found);
    const target = await chooseTarget(run, input, found);
    const { rehearsal, basis } = await rehearse(run, input, found, target);
    await run.approval('approve', planPostgres(found, basis, run.place));
    await fenceApp(run);
    const carried = await bringBack(run, input, { found, target, rehearsal });
    await reconnectVectors(run, input, found, carried);
    await verifyData(run, found, recovery.carriedGates(rehearsal, carried));
    await openApp(run);
    await verifyThroughApp(run, found, carried);
    run.recovered();
    await run.commitWindow('commit');
    await releaseReplaced(run, target);
  },
);

/** Nothing is lost: the same gates prove it, and nothing is written. */
async function proveHealthy(run: DatabaseRun, found: loss.DatabaseAssessment): Promise<void> {
  await verifyData(run, found);
  await verifyThroughApp(run, found, []);
  run.recovered();
  run.nothingToDo();
}
