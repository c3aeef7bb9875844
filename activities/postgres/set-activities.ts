import type { PostgresConfig } from '../../config/schema.ts';
import type { RowStore } from '../../domain/row-store.ts';
import { withProgress } from '../progress.ts';
import type { DatabaseSetActivities } from '../set-contract.ts';
import { plantCanaryRow } from './canary-row.ts';
import { checkRestored } from './check.ts';
import { withSession } from './client.ts';
import { restoreBeside, type Restorer } from './restore.ts';
import { createRowStore } from './row-store.ts';
import { dropScratch, listScratch, scratchUrl } from './scratch-database.ts';
import { configuredTables, countTable } from './table-state.ts';

/** Postgres' side of recovery sets, besides the dump. */
export function createDatabaseSetActivities(parts: Restorer): DatabaseSetActivities {
  const { config } = parts;
  return {
    countRows: () => countRows(config),
    plantCanaryRow: (row) => plantCanaryRow(config, row),
    restoreDumpBeside: ({ resume, ...input }) => withProgress({ resume }, (work) => restoreBeside(parts, input, work)),
    checkRestoredDump: ({ resume, ...input }) => withProgress({ resume }, (work) => checkRestored(parts, input, work)),
    dropScratchDatabase: ({ scratch }) => dropScratch(config, scratch),
    listScratchDatabases: () => listScratch(config),
  };
}

/** The chunk rows of a scratch database, or `undefined` for a backend that keeps none in Postgres. */
export function createScratchRowStore(config: PostgresConfig, scratch: string): RowStore | undefined {
  return createRowStore({ tables: config.tables, url: scratchUrl(config, scratch) });
}

function countRows(config: PostgresConfig): Promise<Record<string, number>> {
  return withSession(config.url, 'read', async (session) => {
    const counts: Record<string, number> = {};
    for (const [table, field] of configuredTables(config)) counts[table] = await countTable(session, table, field);
    return counts;
  });
}
