import type { DatabaseRecoveryActivities } from '../../postgres-contract.ts';
import { checkLiveStructure } from '../amcheck.ts';
import { withProgress } from '../../progress.ts';
import { carryRows } from './carry.ts';
import { compareDatabases } from './compare.ts';
import { lookAt } from './look.ts';
import type { RecoveryParts } from './parts.ts';
import { surveyDatabase } from './survey.ts';

export { lookAt };
export type { RecoveryParts } from './parts.ts';

/** Looking at states of the database, comparing them, and carrying rows from one to another. */
export function createDatabaseRecoveryActivities(
  parts: RecoveryParts,
): Pick<
  DatabaseRecoveryActivities,
  'surveyDatabase' | 'compareDatabases' | 'checkState' | 'checkStructure' | 'carryRows'
> {
  return {
    surveyDatabase: ({ place, resume }) => withProgress({ resume }, (work) => surveyDatabase(parts, place, work)),
    compareDatabases: ({ resume, ...question }) =>
      withProgress({ resume }, (work) => compareDatabases(parts, question, work)),
    checkState: ({ place, expected, resume }) =>
      withProgress({ resume }, async (work) => lookAt(await parts.urlOf(place), expected, parts, work.signal)),
    checkStructure: (input) =>
      withProgress(input, async (work) => {
        const { binDir, dumpJobs, url } = parts.config;
        return [await checkLiveStructure({ binDir, path: parts.path }, dumpJobs, url, work)];
      }),
    carryRows: ({ resume, ...order }) => withProgress({ resume }, (work) => carryRows(parts, order, work)),
  };
}
