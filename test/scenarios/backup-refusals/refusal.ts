import type { FailureCode } from '../../../domain/failures.ts';
import type { RecoverySet } from '../../../domain/recovery-set.ts';
import type { Activities, Surgery } from '../../support/refusals.ts';

/** What is made wrong for one refusal, and how it is made right again. */
export interface Wrong {
  /** Put over the sandbox's settings; `null` takes one out. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly env?: NodeJS.ProcessEnv;
  /** Done when the run has said what is wrong, before it is aborted: somebody has mended it. */
  readonly mend?: () => Promise<unknown>;
  /** What is there besides the sandbox's own parts, and must be so afterwards. */
  readonly elsewhere?: () => unknown;
  readonly restore?: () => unknown;
}

/** One mistake or fault, and how it must be refused. */
export interface Refusal {
  readonly what: string;
  readonly code: FailureCode;
  /** What the message must name: the setting or system, and what is wrong with it. */
  readonly message: RegExp;
  /** Where it must be found: by the worker when it starts, by one activity, by a whole backup or verification. */
  readonly at: 'start' | 'activity' | 'backup' | 'verification';
  /** Step of the run. */
  readonly step?: string;
  readonly wrong?: (surgery: Surgery) => Wrong | Promise<Wrong>;
  /** The activity's call. */
  readonly act?: (activities: Activities, set: RecoverySet) => Promise<unknown>;
  /** Why it cannot be tried on this machine. */
  readonly unless?: string | undefined;
}

/** A setting that is refused when the worker starts, with what to do about it. */
export function mistake(what: string, settings: NonNullable<Wrong['settings']>, message: RegExp): Refusal {
  return { what, code: 'INVALID_CONFIGURATION', message, at: 'start', wrong: () => ({ settings }) };
}
