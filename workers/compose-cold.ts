import { markedPostgres } from '../activities/postgres/index.ts';
import { withProgress } from '../activities/progress.ts';
import { copyCold } from '../activities/qdrant/cold.ts';
import { compareMarks, mustServe } from '../activities/run/identity.ts';
import type { ColdCopyActivities } from '../activities/set-contract.ts';
import type { Config } from '../config/schema.ts';
import type { ArtifactStore } from '../domain/artifacts.ts';
import { RecoveryError } from '../domain/failures.ts';

/** Copies of a stopped Qdrant. The mark in the collection cannot be read then; that in Postgres can. */
export function composeColdCopy(config: Config, store: ArtifactStore): ColdCopyActivities {
  const { environment, postgres, qdrant, backup } = config;
  return {
    openColdCopy: async () => {
      mustServe(environment);
      await compareMarks(environment, postgres ? [markedPostgres(postgres)] : []);
      return { environment };
    },
    copyColdStorage: ({ resume, ...input }) => {
      const { coldStorage: storage, nodes } = backup;
      if (storage === undefined)
        throw new RecoveryError('INVALID_CONFIGURATION', 'backup.coldStorage: is not set, so there is nothing to copy');
      const source = { environment, storage, urls: [qdrant.url, ...nodes], store };
      return withProgress({ resume }, (work) => copyCold(source, input, work));
    },
  };
}
