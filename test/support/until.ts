import { setTimeout as pause } from 'node:timers/promises';

const WAIT_MS = 20_000;

/** Tries until nothing is thrown. `hopeless` says why that will never be. */
export async function until<T>(
  attempt: () => Promise<T>,
  hopeless: () => string | undefined = () => undefined,
): Promise<T> {
  for (const deadline = Date.now() + WAIT_MS; ; await pause(25)) {
    try {
      return await attempt();
    } catch (error) {
      const why = hopeless();
      if (why !== undefined) throw new Error(why, { cause: error });
      if (Date.now() > deadline) throw error;
    }
  }
}
