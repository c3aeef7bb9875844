/** From the deployment to the fence: each write with its way back before it. */
import { isCancellation, sleep } from '@temporalio/workflow';
import { type AppLoad, loadGate, mustGiveUp, overLimit } from '../domain/app-load.ts';
import { appConditionOf } from '../domain/app-failure.ts';
import { type AppAssessment, type AppServer, runsAlready } from '../domain/app-recovery.ts';
import { type AppServerRun, serversOf } from './app-server-steps.ts';
import type { Watch } from './commit-window.ts';
import { failureWith, troubleOf } from './failure.ts';
import type { Hands } from './hands.ts';

/** The release runs on the server that takes over, with the configuration of the set. */
export async function deploy(run: AppServerRun, { to, chosen, before, set }: AppAssessment): Promise<void> {
  const { release } = chosen;
  const { name } = to;
  // What ran there before takes no traffic either way; what did not run shall not be left running.
  if (before.state !== 'running')
    run.undo(`stop ${name}`, async (act) => {
      await mustServeNobody(act, to);
      await drain(run, name);
      await act.stopApp({ name });
    });
  await run.must(
    'deploy',
    async (act) => {
      await mustServeNobody(act, to);
      const done = await act.deployApp({ name, release, set, key: `${run.runId}/${name}`, folder: run.folder });
      run.keep(`what the deployment to ${name} said`, done.output);
      return done;
    },
    ({ id, adopted }) => `${id}${adopted || runsAlready(before, release) ? ', which was there already' : ''}`,
  );
}

/** Everything that can be asked of a server before its first reader. */
export async function verifyBeside(run: AppServerRun, { to, set }: AppAssessment): Promise<void> {
  const { name } = to;
  const { collectionName: collection } = run.settings;
  await run.verify('reach', (act) => act.checkAppReach({ name }));
  await run.verify('endpoints', (act) => act.checkEndpoints({ name, set }));
  await run.verify('answers', (act) => act.checkAnswers({ name, collection, set }));
  await run.verify('session', (act) => act.checkSession({ name }));
  await run.verify('security', (act) => act.checkAppSecurity({ name }));
  await run.verify('telemetry', (act) => act.checkTelemetry({ name }));
}

/** The one switch. The router is asked again right before it: who changed it since the plan is not overwritten. */
export async function redirect(run: AppServerRun, { traffic, from, to }: AppAssessment): Promise<void> {
  const { target } = to;
  run.undo(`send the traffic to ${from.name} again`, async (act) => {
    const { state } = await act.readTraffic();
    // Never sent away, or brought back by an earlier attempt.
    if (!state.targets.includes(target)) return;
    if (!(await isWell(act, from.name)))
      throw failureWith(
        'NOT_NOW',
        `the traffic stays on ${to.name}, since ${from.name} is not well; mend it, then move the app with \`move: true\``,
      );
    await act.pointTraffic({ name: from.name, expected: { ...state, targets: [target] } });
  });
  await run.must(
    'redirect',
    async (act) => {
      const { state } = await act.readTraffic();
      // The revision is that of now, the targets are those that were approved.
      return act.pointTraffic({ name: to.name, expected: { ...state, targets: traffic.state.targets } });
    },
    ({ switched }) => (switched ? `new requests go to ${target}` : `they went to ${target} already`),
  );
}

/** As readers see it. */
export async function verifyLive(run: AppServerRun, { to, set }: AppAssessment): Promise<void> {
  const { collectionName: collection } = run.settings;
  await run.verify('live', async (act) => [
    ...(await act.checkRouted({ name: to.name })),
    ...(await act.checkAnswers({ collection, set })),
  ]);
}

/**
 * In the commit window errors and answer times are watched the way readers come. It goes back by itself when they rise, and the
 * server before is well: back to one that has failed would be worse. While the last look is bad, the clock commits nothing.
 */
export function watchOf(run: AppServerRun, { from, to, set }: AppAssessment): Watch {
  const { window } = serversOf(run);
  const loads: AppLoad[] = [];
  let told = false;
  const tell = async (act: Hands, message: string): Promise<undefined> => {
    if (!told) await warn(run, act, message);
    told = true;
  };
  return {
    everySeconds: window.everySeconds,
    unsettled: () => loads.slice(-1).some((load) => overLimit(load, window) !== undefined),
    look: async (act) => {
      try {
        const load = await act.watchApp({ set, from: loads.length });
        loads.push(load);
        run.judge([loadGate(load, window)]);
        const why = mustGiveUp(loads, window);
        if (why === undefined) return undefined;
        if (await isWell(act, from.name)) return `${to.name}: ${why}`;
        return await tell(act, `${to.name}: ${why}; ${from.name} is no better, so nothing is put back`);
      } catch (error) {
        // That nobody could look says nothing against either server, and must not send the readers anywhere.
        if (isCancellation(error)) throw error;
        return tell(act, `the app could not be looked at: ${troubleOf(error).view.message}`);
      }
    },
  };
}

/** As far as it is its own doing: the way there leads to the other server now, and what all stand on says nothing of this one. */
async function isWell(act: Hands, server: string): Promise<boolean> {
  const probe = await act.probeApp({ name: server });
  const looks = probe.looks.filter(({ depth }) => depth !== 'router');
  return appConditionOf({ ...probe, looks, dependencies: [] }) === 'well';
}

async function warn(run: AppServerRun, act: Hands, message: string): Promise<void> {
  run.note(message);
  await act.notify({ event: 'app-still-bad', message, urgent: true });
}

/** What has passed every gate may be chosen again by later runs. */
export async function recordProof(run: AppServerRun, { chosen }: AppAssessment): Promise<void> {
  if (run.proven) await run.step('record', (act) => act.recordRelease({ release: chosen.release }));
  else run.note(`${chosen.release.ref} is not kept as proven: not every gate of this run is green`);
}

/** What was replaced takes no write any more. */
export async function fenceOld(run: AppServerRun, { from }: AppAssessment): Promise<void> {
  await run.verify('fence', async (act) => {
    await mustServeNobody(act, from);
    await drain(run, from.name);
    return act.fenceApp({ name: from.name });
  });
}

/** What is under way there may end: answers take as long as a model writes, and names are remembered. */
async function drain(run: AppServerRun, server: string): Promise<void> {
  const { drainSeconds } = serversOf(run).window;
  if (drainSeconds > 0) await sleep(drainSeconds * 1000, { summary: `until what is under way on ${server} has ended` });
}

/**
 * What is deployed to, or stopped, must have no readers: whatever was true when the plan was made, the router is asked right before.
 * @throws TRAFFIC_CHANGED when it has some
 */
async function mustServeNobody(act: Hands, { name, target }: AppServer): Promise<void> {
  const { what, state } = await act.readTraffic();
  if (!state.targets.includes(target)) return;
  throw failureWith('TRAFFIC_CHANGED', `${what} sends the traffic to ${name} (${target}): it is not touched`);
}
