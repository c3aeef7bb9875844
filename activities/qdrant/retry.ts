import { QdrantFailure } from './failure.ts';
import { sleep } from '../sleep.ts';

const PAUSES_MS = [100, 300, 1_000];

/**
 * Repeats an idempotent call over a blip, for a second and a half in all. Whatever lasts longer is an outage: it surfaces, and
 * the run waits where people can see that it waits.
 */
export async function overBlips<T>(call: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (const ms of PAUSES_MS) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof QdrantFailure && error.blip)) throw error;
      await sleep(ms, signal);
    }
  }
  return call();
}
