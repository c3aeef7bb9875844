import { setTimeout as pause } from 'node:timers/promises';

/** Sleeps; a cancelled signal rejects with its own reason. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  await pause(ms, undefined, { signal }).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw error;
  });
}
