import { setTimeout as pause } from 'node:timers/promises';
import { QdrantFailure } from './failure.ts';

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

/** Sleeps; a cancelled signal rejects with its own reason. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  await pause(ms, undefined, { signal }).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw error;
  });
}
