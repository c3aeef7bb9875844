import type { DatabaseSettings } from '../domain/settings.ts';
import { failureWith } from './failure.ts';
import type { Run } from './run.ts';

/** The steps of the Postgres runbook, in the order in which the checklist shows them. */
export const steps = {
  chooseSet: { title: 'Choose the recovery set and read it back', phase: 'detect' },
  reference: { title: 'Make the state of the set readable', phase: 'detect' },
  assess: { title: 'Find what is damaged', phase: 'detect' },
  moment: { title: 'Find the last good moment', phase: 'detect' },
  rehearse: { title: 'Rehearse: what comes back, and what can be kept', phase: 'detect' },
  approve: { title: 'Approve the plan', phase: 'decide' },
  fence: {
    title: 'Keep the app from writing',
    phase: 'restore',
    skippable: 'what is written until the switch is carried over all the same',
  },
  restore: { title: 'Bring the good state back', phase: 'restore' },
  carryOver: { title: 'Carry the later rows over', phase: 'restore' },
  reconnect: { title: 'Reconnect rows and vectors', phase: 'restore' },
  integrity: {
    title: 'Verify: structure, keys and rows',
    phase: 'verify',
    skippable: 'the recovery is kept, and the verdict says that not all is proven',
  },
  reconcile: {
    title: 'Verify: the stores agree',
    phase: 'verify',
    skippable: 'the recovery is kept, and the verdict says that not all is proven',
  },
  reopen: { title: 'Let the app write again', phase: 'verify' },
  trace: {
    title: 'Verify: questions and sessions lead to their sources',
    phase: 'verify',
    skippable: 'people can ask by hand',
  },
  commit: { title: 'Commit window', phase: 'reopen' },
  release: {
    title: 'Release what was replaced',
    phase: 'reopen',
    skippable: 'it costs some storage until somebody removes it',
  },
} as const;

/** A run of this runbook. */
export type DatabaseRun = Run<keyof typeof steps>;

/** @throws INVALID_CONFIGURATION for a stack without Postgres */
export function databaseOf(run: DatabaseRun): DatabaseSettings {
  const { postgres } = run.settings;
  if (postgres) return postgres;
  throw failureWith('INVALID_CONFIGURATION', 'postgres: is not configured, so there is nothing to recover');
}
