import { sleep } from '../sleep.ts';
import { CloudFailure } from './failure.ts';
import type { Patience } from './tools.ts';

/**
 * Makes something. When it is not known whether that was done, it is looked for, as long as it may still show up; what is found is
 * taken for made. @throws the failure of `make` when nothing shows up
 */
export async function makeOrFind<T>(
  make: () => Promise<T>,
  find: () => Promise<T | undefined>,
  { lookMs, pollMs }: Pick<Patience, 'lookMs' | 'pollMs'>,
  signal: AbortSignal,
): Promise<T> {
  try {
    return await make();
  } catch (error) {
    if (!(error instanceof CloudFailure && error.outcomeUnknown)) throw error;
    const deadline = performance.now() + (error.blip ? 0 : lookMs);
    for (; ; await sleep(pollMs, signal)) {
      const found = await find();
      if (found) return found;
      if (performance.now() >= deadline) throw error;
    }
  }
}
