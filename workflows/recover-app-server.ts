import { planAppServer } from '../domain/app-plan.ts';
import { appServerInputSchema } from '../domain/run-input.ts';
import { assessAppServer, confirmAppFailure } from './app-server-assess.ts';
import { deploy, fenceOld, recordProof, redirect, verifyBeside, verifyLive, watchOf } from './app-server-move.ts';
import { type AppServerRun, steps } from './app-server-steps.ts';
import { runbook } from './runbook.ts';

/** Scenario 4: the app server has failed. Another one takes over, and no request fails for it. */
export const recoverAppServer = runbook(
  { scenario: 'app-server', input: appServerInputSchema, steps, success: 'recovered' },
  async (run, input) => {
    const failure = await confirmAppFailure(run, input);
    if (failure.diagnosis.remedy === 'none' && input.move !== true) return proveHealthy(run, failure.from.name);
    const found = await assessAppServer(run, input, failure);
    await run.approval('approve', planAppServer(found, run.place));
    await deploy(run, found);
    await verifyBeside(run, found);
    await redirect(run, found);
    await verifyLive(run, found);
    run.recovered();
    await run.commitWindow('commit', watchOf(run, found));
    await recordProof(run, found);
    await fenceOld(run, found);
  },
);

/** Nothing is wrong any more, or never was: the gates prove it, and nothing is written. */
async function proveHealthy(run: AppServerRun, server: string): Promise<void> {
  await run.verify('reach', (act) => act.checkAppReach({ name: server }));
  await run.verify('live', (act) => act.checkRouted({ name: server }));
  run.recovered();
  run.nothingToDo();
}
