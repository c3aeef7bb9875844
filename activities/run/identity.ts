import { activityInfo } from '@temporalio/activity';
import { taskQueueOf } from '../../domain/names.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { sleep } from '../sleep.ts';
import type { MarkedStore } from '../../domain/environment-mark.ts';

/**
 * Compares the name inside every store with the environment that the worker is configured for.
 * @throws RecoveryError WRONG_ENVIRONMENT, UNMARKED_ENVIRONMENT, naming the store
 */
export async function compareMarks(environment: string, stores: readonly MarkedStore[]): Promise<void> {
  for (const store of stores) {
    const mark = await store.readMark();
    if (mark === undefined) {
      throw new RecoveryError(
        'UNMARKED_ENVIRONMENT',
        `environment: ${store.title} does not say which environment it belongs to`,
      );
    }
    if (mark !== environment) {
      throw new RecoveryError(
        'WRONG_ENVIRONMENT',
        `environment: ${store.title} belongs to ${mark}, and this worker serves ${environment}`,
      );
    }
  }
}

/**
 * The same for stores that may be damaged: one that does not answer, or has lost its mark, says nothing.
 * @throws RecoveryError WRONG_ENVIRONMENT
 */
export async function compareMarksThatAre(environment: string, stores: readonly MarkedStore[]): Promise<void> {
  for (const store of stores) {
    const mark = await soon(store.readMark(), undefined).catch((error: unknown) => {
      if (isOf(error, 'postgres') || isOf(error, 'qdrant')) return undefined;
      throw error;
    });
    if (mark !== undefined) await compareMarks(environment, [{ ...store, readMark: async () => mark }]);
  }
}

/** A damaged store may hang, and must not hold up the run that is to mend it. */
const DAMAGED_MS = 5_000;

/** What comes in time, else `otherwise`. */
export async function soon<T>(answer: Promise<T>, otherwise: T): Promise<T> {
  const enough = new AbortController();
  const late = sleep(DAMAGED_MS, enough.signal).then(
    () => otherwise,
    () => otherwise,
  );
  try {
    return await Promise.race([answer, late]);
  } finally {
    enough.abort();
    answer.catch(() => undefined);
  }
}

/** Whether a failure is that system's own. */
export function isOf(error: unknown, system: 'qdrant' | 'postgres'): boolean {
  return error instanceof RecoveryError && error.code.startsWith(`${system.toUpperCase()}_`);
}

/** Marks every store that has no mark yet. All are read before any is written. @throws RecoveryError WRONG_ENVIRONMENT */
export async function markStores(environment: string, stores: readonly MarkedStore[]): Promise<string[]> {
  const marks = await Promise.all(stores.map(async (store) => ({ store, mark: await store.readMark() })));
  await compareMarks(
    environment,
    marks.filter(({ mark }) => mark !== undefined).map(({ store }) => store),
  );
  const unmarked = marks.filter(({ mark }) => mark === undefined).map(({ store }) => store);
  for (const store of unmarked) await store.writeMark(environment);
  return unmarked.map(({ title }) => title);
}

/** One task queue serves one environment. @throws RecoveryError WRONG_ENVIRONMENT when this worker polls another's */
export function mustServe(environment: string): void {
  const { taskQueue } = activityInfo();
  if (taskQueue === taskQueueOf(environment)) return;
  throw new RecoveryError(
    'WRONG_ENVIRONMENT',
    `environment: task queue ${taskQueue} is served by a worker that is configured for ${environment}`,
  );
}
