import type { PostgresConfig } from '../../config/schema.ts';
import { withProgress } from '../progress.ts';
import type { DatabaseSetActivities } from '../set-contract.ts';
import { plantCanaryRow } from './canary-row.ts';
import { checkRestored } from './check.ts';
import { withSession } from './client.ts';
import { restoreBeside, type Restorer } from './restore.ts';
import { dropScratch, listScratch } from './scratch-database.ts';
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

function countRows(config: PostgresConfig): Promise<Record<string, number>> {
  return withSession(config.url, 'read', async (session) => {
    const counts: Record<string, number> = {};
    for (const [table, field] of configuredTables(config)) counts[table] = await countTable(session, table, field);
    return counts;
  });
}
