import { NeonFailure } from './failure.ts';
import { sleep } from '../sleep.ts';

const FIRST_PAUSE_MS = 250;
/** Neon counts requests, and a chain of operations takes seconds. */
const LONGEST_PAUSE_MS = 5_000;
/** Longer waits are the runbook's business: it can tell people that it is waiting. */
const LONGEST_WISH_MS = 60_000;
/** How often a read is repeated over silence; what writes is not. */
const READ_TRIES = 3;

interface Waiting {
  /** How long a busy project is waited for. */
  readonly busyMs: number;
  readonly signal: AbortSignal | undefined;
  /** May be repeated when nobody knows how far it came. */
  readonly read: boolean;
  readonly onBusy?: ((failure: NeonFailure) => void) | undefined;
}

/**
 * Repeats a request that was not carried out (423 while another chain of operations runs, 429, 503, a branch that is not
 * ready yet), after the pause that Neon asks for; a read over silence too.
 */
export async function overBusy<T>(call: () => Promise<T>, waiting: Waiting): Promise<T> {
  const until = Date.now() + waiting.busyMs;
  let silences = 0;
  for (let ms = FIRST_PAUSE_MS; ; ms = Math.min(ms * 2, LONGEST_PAUSE_MS)) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof NeonFailure)) throw error;
      silences += error.outcomeUnknown ? 1 : 0;
      const again = error.busy || (waiting.read && error.outcomeUnknown && silences < READ_TRIES);
      const wanted = (error.retryAfter ?? 0) * 1_000;
      const wait = Math.max(wanted, ms * (0.5 + Math.random() / 2));
      if (!again || wanted > LONGEST_WISH_MS || Date.now() + wait > until) throw error;
      if (error.busy) waiting.onBusy?.(error);
      await sleep(wait, waiting.signal);
    }
  }
}

/**
 * Looks again and again: soon at first, since most chains are through in a second, and every `pollMs` in the end.
 * @returns what `look` found, once it is not undefined
 */
export async function lookUntil<T>(
  look: () => Promise<T | undefined>,
  pollMs: number,
  signal: AbortSignal,
): Promise<T> {
  for (let ms = pollMs / 8; ; ms = Math.min(ms * 2, pollMs)) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(ms, signal);
  }
}
