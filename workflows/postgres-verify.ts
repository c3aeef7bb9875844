/** What must be green before a Postgres recovery is called one. */
import { type Carried, LIVE } from '../domain/database-state.ts';
import * as partial from '../domain/partial-loss.ts';
import * as loss from '../domain/postgres-loss.ts';
import * as recovery from '../domain/postgres-recovery.ts';
import type { Gate } from '../domain/verdict.ts';
import { type DatabaseRun, databaseOf } from './postgres-steps.ts';

/** Structure, keys, every row that was lost; then rows against vectors. */
export async function verifyData(
  run: DatabaseRun,
  found: loss.DatabaseAssessment,
  carried: readonly Gate[] = [],
): Promise<void> {
  await run.verify('integrity', async (act) => {
    const seen = await act.surveyDatabase({ place: LIVE });
    if ('missing' in seen) return [gone(seen.missing)];
    const look = await act.checkState({ place: LIVE, expected: loss.expectationOf(found, undefined) });
    const structure = await act.checkStructure({});
    return [...carried, ...structure, recovery.structureGate(found.before, seen.survey), rowsGate(found, look)];
  });
  if (databaseOf(run).chunks === undefined) return;
  const { collection } = run.settings;
  await run.verify('reconcile', async (act) => {
    const after = await act.reconcileStack({
      collection,
      set: found.set,
      depth: 'content',
      folder: `${run.folder}/verify`,
    });
    return [partial.reconciliationGate(after, false)];
  });
}

function gone(missing: string): Gate {
  return { name: 'structure', verdict: 'fail', expected: 'the database', observed: missing };
}

function rowsGate(found: loss.DatabaseAssessment, look: { good: boolean; lost: number; reasons: string[] }): Gate {
  return {
    name: 'lost rows',
    verdict: look.good ? 'pass' : 'fail',
    expected: `${loss.lostRowsOf(found)} rows that were lost are as the set has them`,
    observed: look.good ? 'all of them' : `${look.lost} are not: ${look.reasons.join('; ')}`,
  };
}

/** The app writes again. */
export async function openApp(run: DatabaseRun): Promise<void> {
  if (databaseOf(run).fence) await run.must('reopen', (act) => act.setAppMode({ mode: 'open' }));
}

/** The app is asked; from a session to its chunks, and from a question to its source. */
export async function verifyThroughApp(
  run: DatabaseRun,
  found: loss.DatabaseAssessment,
  carried: readonly Carried[],
): Promise<void> {
  const { collection } = run.settings;
  await run.verify('trace', async (act) => [
    ...(await act.checkRetrieval({ collection, set: found.set, sections: [] })),
    ...(await act.checkTraceability({ collection, set: found.set, carried: [...carried] })),
  ]);
}
