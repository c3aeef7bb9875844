import type { ClusterActivities } from '../activities/cluster-contract.ts';
import type { RecoveryActivities } from '../activities/contract.ts';
import type { ServerRef } from '../domain/servers.ts';
import type { ClusterSettings } from '../domain/settings.ts';
import { failureWith } from './failure.ts';
import type { Hands } from './hands.ts';
import type { Run } from './run.ts';

const KEPT = 'the recovery is kept, and the verdict says that not all is proven';

/** The steps of the cluster runbook, in the order in which the checklist shows them. */
export const steps = {
  confirm: { title: 'Confirm the failure from several sides, several times', phase: 'detect' },
  wake: { title: 'Wake the cluster', phase: 'restore' },
  chooseSet: { title: 'Choose the recovery set and read it back', phase: 'detect' },
  tell: { title: 'Tell people, with a message for Qdrant’s support', phase: 'detect' },
  space: { title: 'Prove that the embedding model is still the same', phase: 'detect' },
  forecast: { title: 'Find what has changed since the set', phase: 'detect' },
  survey: { title: 'Look at what is to take its place', phase: 'detect' },
  approve: { title: 'Approve the plan', phase: 'decide' },
  bringUp: { title: 'Bring up the replacement', phase: 'restore' },
  create: { title: 'Create the collection exactly as it was', phase: 'restore' },
  restore: { title: 'Restore the set', phase: 'restore' },
  others: {
    title: 'Restore the other collections of the set',
    phase: 'restore',
    skippable: 'the app’s own collection does not depend on them',
  },
  rebuild: { title: 'Embed everything from its source text', phase: 'restore' },
  catchUp: { title: 'Catch up with what has changed since', phase: 'restore' },
  optimize: { title: 'Wait until everything is indexed', phase: 'verify', skippable: 'answers are right, but slower' },
  configuration: { title: 'Verify: configuration and points', phase: 'verify', skippable: KEPT },
  reconcile: { title: 'Verify: the stores agree', phase: 'verify', skippable: KEPT },
  queries: { title: 'Verify: filters, indexes and speed', phase: 'verify', skippable: KEPT },
  access: {
    title: 'Verify: nobody gets in without a key',
    phase: 'verify',
    skippable: 'the server’s keys can be tried by hand',
  },
  retrieval: { title: 'Verify: questions find their sources', phase: 'verify', skippable: 'people can ask by hand' },
  switch: { title: 'Make it the live one', phase: 'verify' },
  repoint: {
    title: 'Point the app to it',
    phase: 'verify',
    skippable: 'when it was done by hand: the next step proves it',
  },
  live: { title: 'Verify through the app', phase: 'verify', skippable: 'people can ask by hand' },
  commit: { title: 'Commit window', phase: 'reopen' },
} as const;

/** A run of this runbook. */
export type ClusterRun = Run<keyof typeof steps>;

/** @throws INVALID_CONFIGURATION where a worker from before this runbook opened the run */
export function clusterOf(run: ClusterRun): ClusterSettings {
  const { cluster } = run.settings;
  if (cluster) return cluster;
  throw failureWith('INVALID_CONFIGURATION', 'cluster: the worker that opened this run knows nothing of it');
}

type At<T> = { [K in keyof T]: T[K] };

/** The same hands, whose work is done on another server than the live one. */
export function atServer(act: Hands, server: ServerRef | undefined): At<RecoveryActivities & ClusterActivities> {
  if (!server) return act;
  return new Proxy(act, {
    get(target, name, receiver) {
      const call = Reflect.get(target, name, receiver) as (input?: object) => Promise<unknown>;
      return (input: object = {}) => call({ ...input, server });
    },
  });
}
