import type { PostgresConfig } from '../../config/schema.ts';
import type { ArtifactStore } from '../../domain/artifacts.ts';
import type { RowStore } from '../../domain/row-store.ts';
import type { PostgresActivities } from '../contract.ts';
import { withProgress } from '../progress.ts';
import { dump } from './dump.ts';
import { readRows } from './rows.ts';
import { readTexts } from './texts.ts';

export { markedPostgres } from './identity.ts';

/** What the Postgres activities need. */
export interface PostgresDependencies {
  readonly config: PostgresConfig;
  readonly store: ArtifactStore;
  /** Search path of programs, used when `config.binDir` is absent. */
  readonly path?: string | undefined;
}

/** Activities of plain Postgres. */
export function createPostgresActivities({ config, store, path }: PostgresDependencies): PostgresActivities {
  return {
    dumpDatabase: ({ folder, resume }) => withProgress({ resume }, (work) => dump(config, store, path, folder, work)),
  };
}

/** The chunk rows, or `undefined` for a backend that keeps none in Postgres. */
export function createRowStore(config: PostgresConfig): RowStore | undefined {
  const { chunks } = config.tables;
  return (
    chunks && {
      readRows: (signal) => readRows(config, chunks, signal),
      readTexts: (ids, signal) => readTexts(config, chunks, ids, signal),
    }
  );
}
