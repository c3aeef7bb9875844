import type { AppServerActivities } from '../activities/app-contract.ts';
import { createAppServerActivities, placesOf } from '../activities/app/server/index.ts';
import { declaredIn } from '../activities/configuration/declared.ts';
import { readPlainFiles, restoreVariables } from '../activities/configuration/restore.ts';
import { createChatApp } from '../activities/app/client.ts';
import { createDeployer } from '../activities/deploy/index.ts';
import { withProgress } from '../activities/progress.ts';
import { checkRetrieval, readBaseline } from '../activities/stack/golden.ts';
import type { StackPorts } from '../activities/stack/index.ts';
import { markedPostgres } from '../activities/postgres/index.ts';
import { createTrafficRouter } from '../activities/traffic/index.ts';
import type { Config } from '../config/schema.ts';
import { Secret } from '../config/secret.ts';
import { programEnvironment, workerEnvironment } from '../config/search-path.ts';
import type { AppServerSettings } from '../domain/settings.ts';
import { unconfigured } from './compose-sets.ts';

const ALL = [
  'readTraffic',
  'probeApp',
  'listReleases',
  'resolveRelease',
  'checkVariables',
  'findApp',
  'deployApp',
  'stopApp',
  'checkAppReach',
  'checkEndpoints',
  'checkAnswers',
  'checkSession',
  'checkAppSecurity',
  'checkTelemetry',
  'pointTraffic',
  'checkRouted',
  'watchApp',
  'fenceApp',
  'recordRelease',
] as const satisfies readonly (keyof AppServerActivities)[];

const CONFIGURATION_MS = 30_000;
const HELLO = 'Are you there?';

interface Composed {
  /** The settings with the Qdrant that is live. */
  readonly config: Config;
  /** The settings as they were written. */
  readonly settings: Config;
  readonly ports: StackPorts;
}

/** Everything that moves the app to another server. */
export function composeAppServers({ config, settings, ports }: Composed): AppServerActivities {
  const { appServers, app, configuration, postgres } = config;
  if (!appServers) return unconfigured('appServers', ALL);
  if (!app) return unconfigured('app', ALL);
  const { store } = ports;
  const environment = programEnvironment();
  const asked = { ...app, secrets: secretsOf(config) };
  const router = createTrafficRouter(appServers.traffic);
  return createAppServerActivities({
    config: appServers,
    places: placesOf(appServers, asked, (_name, { deploy }) =>
      createDeployer(deploy, { environment: config.environment, variables: environment }),
    ),
    router,
    store,
    environment,
    // Of a page with an address built in, the readers come to that address.
    routed: async () => {
      const [target] = appServers.traffic.frontendConfig ? (await router.read()).targets : [];
      return target === undefined ? asked : { ...asked, baseUrl: target };
    },
    dependencies: {
      Qdrant: () => ports.vectors.resolveCollection(config.qdrant.collection),
      ...(postgres ? { Postgres: () => markedPostgres(postgres).readMark() } : {}),
      'the embedding API': (signal) => ports.embedder.embedQuery(HELLO, signal),
    },
    questions: ports.questions,
    watchQuestions: async (set) => {
      // Without a set nobody knows which questions a sound app answers with citations.
      if (!set) return (await ports.questions()).map(({ question }) => ({ question, cites: false }));
      const baseline = await readBaseline(ports, set);
      return baseline.filter(({ cited }) => cited.length > 0).map(({ question }) => ({ question, cites: true }));
    },
    variablesOf: async (set, signal) => {
      // References may be variables of the worker itself.
      const run = { environment: workerEnvironment(), timeoutMs: CONFIGURATION_MS, signal };
      const restored = await restoreVariables({ config: configuration, store, run }, set);
      return new Map([...restored, ...ofLiveQdrant(config, settings, restored)]);
    },
    declaredBy: async (set) => declaredIn(await readPlainFiles(store, set)),
    checkAnswers: (at, { collection, set }) =>
      withProgress({}, (work) =>
        checkRetrieval({ ...ports, app: createChatApp(at) }, { collection, set, sections: [] }, work),
      ),
  });
}

/** What an app that fails may quote of its settings, as far as the worker knows them too. */
function secretsOf({ qdrant, postgres, embeddings, app }: Config): string[] {
  const url = postgres?.url.reveal();
  const password = url !== undefined && URL.canParse(url) ? new URL(url).password : '';
  const keys = [qdrant.apiKey, qdrant.readOnlyApiKey, embeddings.apiKey, app?.maintenance?.header?.value];
  const known = [url, password, decodeURIComponent(password), ...keys.map((key) => key?.reveal())];
  return [...new Set(known)].filter((one): one is string => one !== undefined && one !== '');
}

/** A set that was taken before Qdrant was replaced names the old one: a new app server must find the live one. */
function ofLiveQdrant(config: Config, settings: Config, restored: ReadonlyMap<string, Secret>): [string, Secret][] {
  const { url, apiKey } = config.qdrant;
  if (url === settings.qdrant.url || !restored.has('QDRANT_URL')) return [];
  return [
    ['QDRANT_URL', new Secret(url)],
    ...(apiKey && restored.has('QDRANT_API_KEY') ? ([['QDRANT_API_KEY', apiKey]] as [string, Secret][]) : []),
  ];
}

/** What a runbook may know of the app's servers. */
export function appServerSettingsOf({ appServers }: Config): AppServerSettings | undefined {
  if (!appServers) return undefined;
  const { servers, watch } = appServers;
  const { rounds, everySeconds, windowSeconds, errorRate, p95Seconds, patience, drainSeconds } = watch;
  return {
    servers: Object.entries(servers).map(([name, { target, url, deploy }]) => ({
      name,
      target,
      url: new URL(url).origin,
      deploys: Object.entries(deploy).find(([, kind]) => kind !== undefined)?.[0] ?? 'nothing',
    })),
    confirm: { rounds, everySeconds },
    window: { everySeconds: windowSeconds, errorRate, p95: p95Seconds * 1_000, patience, drainSeconds },
  };
}
