import type { Outcome } from '../domain/report.ts';

/** Ends a story early, on purpose. Anything else that a story throws is a failure. */
export class Stop {
  readonly outcome: Outcome;

  constructor(outcome: Outcome) {
    this.outcome = outcome;
  }
}
