import { activityInfo, cancellationSignal } from '@temporalio/activity';
import type { AppServersConfig } from '../../../config/app-servers.ts';
import type { Secret } from '../../../config/secret.ts';
import type { ArtifactStore } from '../../../domain/artifacts.ts';
import { type Declared, NOTHING_DECLARED } from '../../../domain/declared.ts';
import type { GoldenQuestion, RecoverySet } from '../../../domain/recovery-set.ts';
import { sameTargets, type TrafficRouter } from '../../../domain/traffic.ts';
import type { Gate } from '../../../domain/verdict.ts';
import type { AppServerActivities } from '../../app-contract.ts';
import { withProgress } from '../../progress.ts';
import type { Environment } from '../../run-program.ts';
import { checkEndpoints, checkReach, checkSession } from './checks.ts';
import { deployTo, workOf } from './deploy.ts';
import { judged, send } from './endpoint.ts';
import { fenceServer } from './fence.ts';
import { type AskedApp, type Place, placeOf } from './place.ts';
import { type ProbeParts, probeApp } from './probe.ts';
import { listCandidates, recordRelease, resolveRelease } from './releases.ts';
import { checkSecurity } from './security.ts';
import { checkTelemetry } from './telemetry.ts';
import { watchApp, type WatchQuestion } from './watch.ts';

export { placesOf } from './place.ts';

/** What the activities around the app's servers need. */
export interface AppServerParts {
  readonly config: AppServersConfig;
  readonly places: ReadonlyMap<string, Place>;
  readonly router: TrafficRouter;
  readonly store: ArtifactStore;
  /** The worker's own environment. */
  readonly environment: Environment;
  /** The app as its readers reach it. */
  readonly routed: () => Promise<AskedApp>;
  readonly dependencies: ProbeParts['dependencies'];
  readonly questions: () => Promise<readonly GoldenQuestion[]>;
  /** What is asked in the commit window. */
  readonly watchQuestions: (set: RecoverySet | undefined) => Promise<readonly WatchQuestion[]>;
  /** The set's variables with their values, opened for this call alone. */
  readonly variablesOf: (set: RecoverySet, signal: AbortSignal) => Promise<ReadonlyMap<string, Secret>>;
  /** What the set's files that are no secret say of the app. */
  readonly declaredBy: (set: RecoverySet) => Promise<Declared>;
  /** The golden questions, asked of the app at that address. */
  readonly checkAnswers: (
    app: AskedApp,
    input: { collection: string; set?: RecoverySet | undefined },
  ) => Promise<Gate[]>;
}

/** Everything that moves the app from one server to another. To be wrapped in `withFailures`. */
export function createAppServerActivities(parts: AppServerParts): AppServerActivities {
  return { ...choosing(parts), ...deploying(parts), ...checking(parts), ...switching(parts) };
}

type Choosing = 'probeApp' | 'listReleases' | 'resolveRelease' | 'recordRelease' | 'checkVariables';

function choosing(parts: AppServerParts): Pick<AppServerActivities, Choosing> {
  const { config, places, store, environment } = parts;
  const { checks, watch, releases } = config;
  const looking = { checks, watch, ...parts };
  return {
    probeApp: ({ name }) => probeApp(looking, placeOf(places, name), cancellationSignal()),
    async listReleases({ name, set }) {
      const signal = cancellationSignal();
      const candidates = await listCandidates({ config: releases, store, environment }, set, signal);
      const found = await placeOf(places, name)
        .deployer.find(signal)
        .catch(() => undefined);
      return { candidates, live: found?.release ?? null };
    },
    resolveRelease: ({ ref }) => resolveRelease({ config: releases, store, environment }, ref, cancellationSignal()),
    recordRelease: ({ release }) => recordRelease(store, release, activityInfo().workflowExecution?.runId ?? 'unknown'),
    async checkVariables({ set }) {
      const names =
        set && !config.ownVariables ? [...(await parts.variablesOf(set, cancellationSignal())).keys()].sort() : [];
      return { names, gates: [variablesGate(config, set, names)] };
    },
  };
}

function variablesGate(
  { variables, ownVariables }: AppServersConfig,
  set: RecoverySet | undefined,
  names: readonly string[],
): Gate {
  const gate = { name: 'configuration', expected: `${variables.length} declared variables, each in the set` };
  if (ownVariables)
    return { ...gate, verdict: 'pass', observed: 'the servers have their own (appServers.ownVariables)' };
  if (!set?.configuration) {
    const observed =
      'the set keeps no configuration: name its files in configuration.envFiles, or say appServers.ownVariables where the servers have their own';
    return { ...gate, verdict: 'unproven', observed };
  }
  const missing = variables.filter((name) => !names.includes(name));
  const lost = set.configuration.variables.filter((name) => !names.includes(name));
  if (missing.length + lost.length > 0)
    return { ...gate, verdict: 'fail', observed: `missing: ${[...new Set([...missing, ...lost])].join(', ')}` };
  return { ...gate, verdict: 'pass', observed: `${names.length} names of ${set.id}, opened` };
}

function deploying(parts: AppServerParts): Pick<AppServerActivities, 'findApp' | 'deployApp' | 'stopApp' | 'fenceApp'> {
  const { places, store } = parts;
  return {
    findApp: ({ name }) => placeOf(places, name).deployer.find(cancellationSignal()),
    deployApp: ({ name, release, set, key, folder }) =>
      withProgress({}, async (work) => {
        const handed = set && !parts.config.ownVariables;
        const variables = handed ? await parts.variablesOf(set, work.signal) : new Map<string, Secret>();
        return deployTo(placeOf(places, name), store, { release, variables, key, folder }, work);
      }),
    stopApp: ({ name }) => withProgress({}, (work) => placeOf(places, name).deployer.stop(workOf(work))),
    fenceApp: ({ name }) => withProgress({}, (work) => fenceServer(placeOf(places, name), workOf(work))),
  };
}

type Checking =
  'checkAppReach' | 'checkEndpoints' | 'checkAnswers' | 'checkSession' | 'checkAppSecurity' | 'checkTelemetry';

function checking(parts: AppServerParts): Pick<AppServerActivities, Checking> {
  const { places, environment } = parts;
  const { checks, watch } = parts.config;
  const at = (name: string): [Place, AbortSignal] => [placeOf(places, name), cancellationSignal()];
  return {
    checkAppReach: ({ name }) => {
      const [place, signal] = at(name);
      return checkReach(place, watch.lookSeconds, signal);
    },
    async checkEndpoints({ name, set }) {
      const [place, signal] = at(name);
      return checkEndpoints(checks, place, set ? await parts.declaredBy(set) : NOTHING_DECLARED, signal);
    },
    async checkAnswers({ name, collection, set }) {
      const app = name === undefined ? await parts.routed() : placeOf(places, name).app;
      return parts.checkAnswers(app, { collection, set });
    },
    async checkSession({ name }) {
      const [first] = await parts.questions();
      const [place, signal] = at(name);
      return checkSession(checks, place, first?.question ?? 'What is in here?', signal);
    },
    checkAppSecurity: ({ name }) => checkSecurity(checks, ...at(name)),
    checkTelemetry: ({ name }) => {
      const [place, signal] = at(name);
      return checkTelemetry(checks, { place, environment, signal });
    },
  };
}

function switching(
  parts: AppServerParts,
): Pick<AppServerActivities, 'readTraffic' | 'pointTraffic' | 'checkRouted' | 'watchApp'> {
  const { places, router, routed, config } = parts;
  return {
    readTraffic: async () => ({ what: router.what, state: await router.read(cancellationSignal()) }),
    pointTraffic: ({ name, expected }) =>
      withProgress({}, ({ signal }) => router.point({ expected, to: [placeOf(places, name).config.target] }, signal)),
    async checkRouted({ name }) {
      const { target } = placeOf(places, name).config;
      const { targets } = await router.read(cancellationSignal());
      const verdict = sameTargets(targets, [target]) ? 'pass' : 'fail';
      const gate = { name: 'router', verdict, expected: `${target} alone`, observed: targets.join(', ') } as const;
      return [gate, ...(await checkServedBy(parts, await routed(), name))];
    },
    watchApp: async ({ set, from }) =>
      watchApp(
        { watch: config.watch, routed },
        { questions: await parts.watchQuestions(set), from },
        cancellationSignal(),
      ),
  };
}

/** That the router says so is one thing; whose answer a reader gets is another. */
async function checkServedBy({ config }: AppServerParts, app: AskedApp, server: string): Promise<Gate[]> {
  const { servedBy } = config.checks;
  if (servedBy === undefined) return [];
  const gate = { name: 'served by', expected: `${servedBy}: ${server}` };
  const endpoint = { method: 'GET', path: app.health.path } as const;
  return [
    await judged(gate, app, async () => {
      const { headers } = await send({ app, endpoint, signal: cancellationSignal() });
      const seen = headers.get(servedBy);
      return { verdict: seen === server ? 'pass' : 'fail', observed: seen ?? `no ${servedBy}` };
    }),
  ];
}
