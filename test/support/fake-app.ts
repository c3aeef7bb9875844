import type { AppServerActivities } from '../../activities/app-contract.ts';
import type { AppProbe } from '../../domain/app-probe.ts';
import type { AppServerSettings } from '../../domain/settings.ts';
import { artifact, green } from './fake-values.ts';

export const appServerSettings: AppServerSettings = {
  servers: [
    { name: 'primary', target: '127.0.0.1:8000', url: 'http://127.0.0.1:8000', deploys: 'command' },
    { name: 'backup', target: '127.0.0.1:8001', url: 'http://127.0.0.1:8001', deploys: 'command' },
  ],
  confirm: { rounds: 3, everySeconds: 0.01 },
  window: { everySeconds: 0.2, errorRate: 0.05, p95: 10_000, patience: 3, drainSeconds: 0 },
};

/** One round of looks: all well, or what a shallower look came to. */
export function appProbe(server: string, bad?: AppProbe['looks'][number]): AppProbe {
  const well = { depth: 'question', finding: 'ok', said: 'cites 3 sections', milliseconds: 20 } as const;
  return { at: '2026-01-01T00:00:00Z', server, looks: [bad ?? well], dependencies: [] };
}

/** The app on `primary`, whose process is gone; `backup` takes over once it was deployed to. */
export function fakeApp(): AppServerActivities {
  const targets = { primary: '127.0.0.1:8000', backup: '127.0.0.1:8001' } as const;
  let now: string = targets.primary;
  return {
    readTraffic: async () => ({ what: 'the router', state: { targets: [now], revision: null } }),
    probeApp: async ({ name }) =>
      name === 'primary'
        ? appProbe(name, { depth: 'port', finding: 'refused', said: 'ECONNREFUSED', milliseconds: 1 })
        : appProbe(name),
    listReleases: async () => ({
      candidates: [
        { ref: 'v2', pinned: 'b'.repeat(40), proven: null },
        { ref: 'v1', pinned: 'a'.repeat(40), proven: 'it was live when set-1 was taken' },
      ],
      live: 'a'.repeat(40),
    }),
    resolveRelease: async ({ ref }) => ({ ref, pinned: 'c'.repeat(40) }),
    checkVariables: async () => ({ names: ['DATABASE_URL'], gates: [green('configuration')] }),
    findApp: async () => ({ state: 'absent', release: null, id: null }),
    deployApp: async () => ({ id: 'deploy-1', adopted: false, output: artifact('deploy.log') }),
    stopApp: async () => undefined,
    checkAppReach: async () => [green('health')],
    checkEndpoints: async () => [green('endpoint GET /health')],
    checkAnswers: async () => [green('citations')],
    checkSession: async () => [green('session')],
    checkAppSecurity: async () => [green('CORS')],
    checkTelemetry: async () => [green('metrics')],
    pointTraffic: async ({ name }) => {
      now = name === 'backup' ? targets.backup : targets.primary;
      return { switched: true, state: { targets: [now], revision: null } };
    },
    checkRouted: async () => [green('router')],
    watchApp: async () => ({ at: '2026-01-01T00:00:00Z', requests: 5, failed: 0, p95: 20 }),
    fenceApp: async () => [green('stale write')],
    recordRelease: async () => undefined,
  };
}
