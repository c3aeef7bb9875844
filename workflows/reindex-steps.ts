import type { Run } from './run.ts';

const KEPT = 'the new index is kept, and the verdict says that not all is proven';

/** The steps of the reindex runbook, in the order in which the checklist shows them. */
export const steps = {
  list: { title: 'Read the source and cut it into chunks', phase: 'detect' },
  assess: { title: 'Compare it with what the stores hold', phase: 'detect' },
  approve: { title: 'Approve the plan', phase: 'decide' },
  create: { title: 'Create a fresh collection exactly like the live one', phase: 'restore' },
  keep: { title: 'Copy what is not of this source', phase: 'restore' },
  embed: { title: 'Embed the source', phase: 'restore' },
  optimize: { title: 'Wait until everything is indexed', phase: 'verify', skippable: 'answers are right, but slower' },
  content: { title: 'Verify: configuration, and every chunk with its text', phase: 'verify', skippable: KEPT },
  queries: { title: 'Verify: filters, indexes and speed', phase: 'verify', skippable: KEPT },
  access: { title: 'Verify: nobody gets in without a key', phase: 'verify', skippable: 'keys can be tried by hand' },
  retrieval: { title: 'Verify: questions find their sources', phase: 'verify', skippable: 'people can ask by hand' },
  switch: { title: 'Bring the rows in line, and make it the live one', phase: 'verify' },
  live: { title: 'Verify through the app: the stores agree, questions are answered', phase: 'verify', skippable: KEPT },
  commit: { title: 'Commit window', phase: 'reopen' },
} as const;

/** A run of this runbook. */
export type ReindexRun = Run<keyof typeof steps>;
