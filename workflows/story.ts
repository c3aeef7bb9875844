import type { FailureView, Outcome, Phase, RunReport } from '../domain/report.ts';

/** What a step is called, which part of the RTO it belongs to, and whether (and why) it may be skipped. */
export interface StepDefinition {
  readonly title: string;
  readonly phase: Phase;
  /** Why going on without it is safe. Steps without this cannot be skipped. */
  readonly skippable?: string;
}

/** What only the end of a run can tell. */
export interface Ending {
  readonly outcome: Outcome;
  readonly failure?: FailureView;
}

/** Parts of the report that a story fills in. */
export type StoryFacts = Partial<Pick<RunReport, 'rpo' | 'damage' | 'set'>>;
