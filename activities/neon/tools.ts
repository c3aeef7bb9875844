import type { NeonConfig } from '../../config/neon.ts';
import type { Secret } from '../../config/secret.ts';
import type { NeonClient } from './client.ts';

/** How long to wait where only waiting can tell, in milliseconds. */
export interface Patience {
  /** For one answer of the API. */
  readonly answerMs: number;
  /** While the project says that it is busy, is limiting us, or is away for a moment. */
  readonly busyMs: number;
  /** For a chain of operations to end. Neon documents seconds; nothing is published about the slowest. */
  readonly operationsMs: number;
  /** After an operation failed: Neon may try it again by itself. */
  readonly failedMs: number;
  /** After a lost answer: for what was asked to show up after all. After a creation: for it to be known everywhere. */
  readonly lookMs: number;
  /** Between two looks. */
  readonly pollMs: number;
}

export const PATIENCE: Patience = {
  answerMs: 30_000,
  busyMs: 5 * 60_000,
  operationsMs: 15 * 60_000,
  failedMs: 2 * 60_000,
  lookMs: 60_000,
  pollMs: 2_000,
};

/** What every activity of this system works with. */
export interface Tools {
  readonly config: NeonConfig;
  readonly client: NeonClient;
  readonly patience: Patience;
  /** How the app connects; tells role, database and how strictly TLS is checked. */
  readonly url: Secret | undefined;
}
