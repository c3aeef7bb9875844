import { CloudFailure } from './failure.ts';
import { sleep } from '../sleep.ts';

const PAUSES_MS = [200, 500, 1_500];
/** Longer waits are the runbook's business: it can tell people that it is waiting. */
const LONGEST_PAUSE_MS = 20_000;

/** Repeats a request that was refused for the moment (429, 503), after the pause that the service asks for. */
export async function overBlips<T>(call: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (const ms of PAUSES_MS) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof CloudFailure && error.blip)) throw error;
      const wanted = (error.retryAfter ?? 0) * 1_000;
      if (wanted > LONGEST_PAUSE_MS) throw error;
      await sleep(Math.max(ms, wanted), signal);
    }
  }
  return call();
}
