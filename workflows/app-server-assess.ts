/** What is found out before anything is written: what has failed, what takes over, and what runs on it then. */
import { type AppDiagnosis, diagnoseApp } from '../domain/app-failure.ts';
import { type AppAssessment, type AppServer, serverAt, successorOf, type TrafficView } from '../domain/app-recovery.ts';
import type { Deployed } from '../domain/deployment.ts';
import * as loss from '../domain/partial-loss.ts';
import type { RecoverySet } from '../domain/recovery-set.ts';
import { type ChosenRelease, chooseRelease } from '../domain/release-choice.ts';
import type { AppServerInput } from '../domain/run-input.ts';
import { describeGate, overallVerdict } from '../domain/verdict.ts';
import { type AppServerRun, serversOf } from './app-server-steps.ts';
import { failureWith, troubleOf } from './failure.ts';
import { lookUntilSure } from './look-until-sure.ts';

/** What is the matter, and with which server. */
export interface AppFailure {
  readonly diagnosis: AppDiagnosis;
  readonly traffic: TrafficView;
  readonly from: AppServer;
}

/**
 * Looks at the server that serves until several rounds agree: a blip is no failure.
 * @throws APP_NEEDS_HAND for what no other server would mend
 */
export async function confirmAppFailure(run: AppServerRun, input: AppServerInput): Promise<AppFailure> {
  const { servers, confirm } = serversOf(run);
  return run.must(
    'confirm',
    async (act) => {
      const traffic = await act.readTraffic();
      const from = serverAt(servers, traffic);
      // A name that is none ends the run at once, and not after all the looking.
      successorOf(servers, from, input.to);
      const look = () => act.probeApp({ name: from.name });
      const diagnosis = await lookUntilSure(look, (seen) => diagnoseApp(seen, confirm.rounds), confirm.everySeconds);
      if (diagnosis.remedy === 'mend' && input.move !== true) throw failureWith('APP_NEEDS_HAND', diagnosis.sentence);
      return { diagnosis, traffic, from };
    },
    ({ diagnosis }) => diagnosis.sentence,
  );
}

/** Everything that the plan stands on. @throws NO_RELEASE, INVALID_INPUT, CONFIGURATION_REFUSED */
export async function assessAppServer(
  run: AppServerRun,
  input: AppServerInput,
  { diagnosis, traffic, from }: AppFailure,
): Promise<AppAssessment> {
  const to = successorOf(serversOf(run).servers, from, input.to);
  const set = await chooseSet(run, input);
  const chosen = await chooseWhat(run, input, { diagnosis, from, set });
  const before = await run.must('survey', (act) => act.findApp({ name: to.name }), describeBefore);
  const variables = await openConfiguration(run, set);
  if (set) run.learn({ set: set.id });
  return { diagnosis, traffic, from, to, chosen, before, set, variables };
}

/** Without a set the server must have a configuration of its own; a set that was asked for by name must be there. */
async function chooseSet(run: AppServerRun, { setId }: AppServerInput): Promise<RecoverySet | undefined> {
  const { set } = await run.must(
    'chooseSet',
    async (act) => {
      try {
        return await act.chooseRecoverySet({ setId });
      } catch (error) {
        const { code, view } = troubleOf(error);
        if (setId === undefined && code === 'NO_RECOVERY_SET') return { set: undefined, why: view.message };
        throw error;
      }
    },
    ({ set: found, why }) => (found ? loss.describeChoice({ set: found, why }) : `none: ${why}`),
  );
  return set;
}

async function chooseWhat(
  run: AppServerRun,
  { release: wanted }: AppServerInput,
  { diagnosis, from, set }: { diagnosis: AppDiagnosis; from: AppServer; set: RecoverySet | undefined },
): Promise<ChosenRelease> {
  return run.must(
    'release',
    async (act): Promise<ChosenRelease> => {
      if (wanted === undefined)
        return chooseRelease(await act.listReleases({ name: from.name, set }), diagnosis.blamesRelease);
      const release = await act.resolveRelease({ ref: wanted });
      return { release, why: 'it was asked for by name', unproven: false };
    },
    ({ release, why }) => `${release.ref} (${release.pinned.slice(0, 19)}): ${why}`,
  );
}

/** Names that are missing now would be missing on the new server: better before anything is deployed. */
async function openConfiguration(run: AppServerRun, set: RecoverySet | undefined): Promise<string[]> {
  const opened = await run.step(
    'configuration',
    async (act) => {
      const { names, gates } = await act.checkVariables({ set });
      run.judge(gates);
      if (overallVerdict(gates) !== 'pass')
        throw failureWith(
          'GATE_NOT_GREEN',
          gates
            .filter(({ verdict }) => verdict !== 'pass')
            .map(describeGate)
            .join('; '),
        );
      return names;
    },
    (names) => `${names.length} variables`,
  );
  return opened ?? [];
}

function describeBefore({ state, release }: Deployed): string {
  return release === null ? state : `${state}, ${release.slice(0, 19)}`;
}
