import type { PostgresConfig } from '../../config/schema.ts';
import type { Secret } from '../../config/secret.ts';
import type { ArtifactStore } from '../../domain/artifacts.ts';
import { RecoveryError } from '../../domain/failures.ts';
import type { PostgresActivities } from '../contract.ts';
import { withProgress } from '../progress.ts';
import { dump } from './dump.ts';

export { markedPostgres } from './identity.ts';
export { checkReady } from './ready.ts';
export { createRowStore } from './row-store.ts';
export { createDatabaseSetActivities } from './set-activities.ts';

/** What the Postgres activities need. */
export interface PostgresDependencies {
  readonly config: PostgresConfig;
  readonly store: ArtifactStore;
  /** Search path of programs, used when `config.binDir` is absent. */
  readonly path?: string | undefined;
  /** Address of a branch of the database, where there are branches. */
  readonly branchUrl?: ((branchId: string) => Promise<Secret>) | undefined;
}

/** Activities of plain Postgres. */
export function createPostgresActivities({
  config,
  store,
  path,
  branchUrl = noBranches,
}: PostgresDependencies): PostgresActivities {
  return {
    dumpDatabase: ({ folder, branchId, resume }) =>
      withProgress({ resume }, async (work) => {
        const url = branchId === undefined ? config.url : await branchUrl(branchId);
        return dump({ config, url, store, path }, folder, work);
      }),
  };
}

function noBranches(branchId: string): Promise<never> {
  return Promise.reject(
    new RecoveryError('INVALID_CONFIGURATION', `neon: is not configured, so branch ${branchId} cannot be dumped`),
  );
}
