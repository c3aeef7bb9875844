import type { Run } from './run.ts';

/** The steps of the partial-loss runbook, in the order in which the checklist shows them. */
export const steps = {
  chooseSet: { title: 'Choose the recovery set and read it back', phase: 'detect' },
  assess: { title: 'Find what is damaged', phase: 'detect' },
  approve: { title: 'Approve the plan', phase: 'decide' },
  keepDamaged: { title: 'Keep the damaged state', phase: 'restore' },
  restoreBeside: { title: 'Restore the set beside the live collection', phase: 'restore' },
  copyBack: { title: 'Copy back what the set holds', phase: 'restore' },
  embedAgain: { title: 'Embed again what the set does not hold', phase: 'restore' },
  dropOrphans: { title: 'Remove vectors without a row', phase: 'restore', skippable: 'orphans hide nothing' },
  createIndexes: { title: 'Create the lost payload indexes', phase: 'restore' },
  reconcile: {
    title: 'Verify: the stores agree',
    phase: 'verify',
    skippable: 'the repair is kept, and the verdict says that not all is proven',
  },
  access: {
    title: 'Verify: nobody gets in without a key',
    phase: 'verify',
    skippable: 'the server’s keys can be tried by hand',
  },
  retrieval: { title: 'Verify: questions find their sources', phase: 'verify', skippable: 'people can ask by hand' },
  commit: { title: 'Commit window', phase: 'reopen' },
} as const;

/** A run of this runbook. */
export type LossRun = Run<keyof typeof steps>;
