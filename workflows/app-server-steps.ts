import type { AppServerSettings } from '../domain/settings.ts';
import { failureWith } from './failure.ts';
import type { Run } from './run.ts';

const KEPT = 'the recovery is kept, and the verdict says that not all is proven';

/** The steps of the app server's runbook, in the order in which the checklist shows them. */
export const steps = {
  confirm: { title: 'Confirm the failure from several sides, several times', phase: 'detect' },
  chooseSet: { title: 'Choose the recovery set whose configuration is restored', phase: 'detect' },
  release: { title: 'Choose the release', phase: 'detect' },
  survey: { title: 'Look at the server that takes over', phase: 'detect' },
  configuration: {
    title: 'Open the configuration, and compare its names',
    phase: 'detect',
    skippable: 'where the server has a configuration of its own',
  },
  approve: { title: 'Approve the plan', phase: 'decide' },
  deploy: { title: 'Deploy to the server that takes over', phase: 'restore' },
  reach: { title: 'Verify: it says that it is well', phase: 'verify' },
  endpoints: { title: 'Verify: every endpoint', phase: 'verify', skippable: KEPT },
  answers: { title: 'Verify: questions are answered with their sources', phase: 'verify', skippable: KEPT },
  session: { title: 'Verify: a conversation is kept', phase: 'verify', skippable: KEPT },
  security: { title: 'Verify: keys, CORS, certificate', phase: 'verify', skippable: KEPT },
  telemetry: { title: 'Verify: logs and metrics arrive', phase: 'verify', skippable: KEPT },
  redirect: { title: 'Redirect the traffic', phase: 'verify' },
  live: { title: 'Verify the way readers come', phase: 'verify', skippable: 'people can ask by hand' },
  commit: { title: 'Commit window', phase: 'reopen' },
  record: {
    title: 'Keep that the release has passed its gates',
    phase: 'reopen',
    skippable: 'it can be named in `release` another time',
  },
  fence: {
    title: 'Stop the server that was replaced, and prove it',
    phase: 'reopen',
    skippable: 'when it is known to be off, and to stay off',
  },
} as const;

/** A run of this runbook. */
export type AppServerRun = Run<keyof typeof steps>;

/** @throws INVALID_CONFIGURATION where the app has one server only */
export function serversOf(run: AppServerRun): AppServerSettings {
  const { appServers } = run.settings;
  if (appServers) return appServers;
  throw failureWith(
    'INVALID_CONFIGURATION',
    'appServers: is not configured, so there is no other server and nothing that sends the traffic to it',
  );
}
