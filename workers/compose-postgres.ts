import { createFenceActivities } from '../activities/app/fence.ts';
import type { NeonParts } from '../activities/neon/index.ts';
import { databaseNameOf } from '../activities/postgres/address.ts';
import type { NeonRecoveryActivities, PostgresRecoveryActivities } from '../activities/postgres-contract.ts';
import { createBesideActivities } from '../activities/postgres/recovery/beside.ts';
import { besideUrl } from '../activities/postgres/recovery/beside-database.ts';
import { createDatabaseRecoveryActivities, lookAt } from '../activities/postgres/recovery/index.ts';
import { alignRows, removeRows, revertRows, tablesThatCascade } from '../activities/postgres/recovery/align.ts';
import { insertMissing } from '../activities/postgres/recovery/rebuild.ts';
import { createTraceStore } from '../activities/postgres/recovery/traces.ts';
import { scratchUrl } from '../activities/postgres/scratch-database.ts';
import { configuredTables } from '../activities/postgres/table-state.ts';
import type { StackPorts } from '../activities/stack/index.ts';
import { createPostgresStackActivities } from '../activities/stack/postgres.ts';
import type { RowWriter } from '../activities/stack/rebuild.ts';
import type { Config, PostgresConfig } from '../config/schema.ts';
import { searchPath } from '../config/search-path.ts';
import type { Secret } from '../config/secret.ts';
import type { Place } from '../domain/database-state.ts';
import { RECOVERY_DATABASE } from '../domain/names.ts';
import type { DatabaseSettings } from '../domain/settings.ts';
import { unconfigured } from './compose-sets.ts';

const NEON = [
  'readNeonHistory',
  'findBranch',
  'makeRecoveryBranch',
  'removeRecoveryBranches',
  'listRecoveryBranches',
  'restoreBranch',
  'putBranchBack',
  'releaseBranch',
  'restoreLogin',
  'restartCompute',
] as const satisfies readonly (keyof NeonRecoveryActivities)[];
const POSTGRES = [
  'surveyDatabase',
  'compareDatabases',
  'checkState',
  'checkStructure',
  'carryRows',
  'restoreDatabase',
  'restorePlainDump',
  'swapDatabase',
  'dropDatabase',
  'listRecoveryDatabases',
  'probeMoment',
  'judgeLostChunks',
  'rebuildRows',
  'checkTraceability',
] as const satisfies readonly (keyof PostgresRecoveryActivities)[];

/** Everything that recovers Postgres. What is not configured refuses, naming the setting. */
export function composePostgresRecovery(
  config: Config,
  ports: StackPorts,
  neon: NeonParts | undefined,
): PostgresRecoveryActivities {
  const { postgres } = config;
  return {
    ...(neon?.recovery ?? unconfigured('neon', NEON)),
    ...(postgres ? ofDatabase(postgres, ports, neon) : unconfigured('postgres', POSTGRES)),
    ...createFenceActivities(config.app),
  };
}

function ofDatabase(postgres: PostgresConfig, ports: StackPorts, neon: NeonParts | undefined) {
  const { store } = ports;
  const urlOf = addressesOf(postgres, neon);
  const recovery = neon?.recovery ?? unconfigured('neon', NEON);
  return {
    ...createDatabaseRecoveryActivities({ config: postgres, store, path: searchPath(), urlOf }),
    ...createBesideActivities({ config: postgres, store, path: searchPath() }),
    ...createPostgresStackActivities(ports, {
      makeBranch: (input) => recovery.makeRecoveryBranch(input),
      removeBranch: async (input) => void (await recovery.releaseBranch(input)),
      lookAtBranch: async ({ branchId, expected }, work) =>
        lookAt(await urlOf({ kind: 'branch', branchId }), expected, { store }, work.signal),
      rowWriter: createRowWriter(postgres),
      traces: tracesOf(postgres),
    }),
  };
}

/** What writes chunk rows. */
export function createRowWriter(postgres: PostgresConfig): RowWriter {
  return {
    payload: postgres.tables.chunks?.payload ?? {},
    insertMissing: (rows, signal) => insertMissing(postgres, rows, signal),
    align: (alignment, signal) => alignRows(postgres, alignment, signal),
    revert: (altered, signal) => revertRows(postgres, altered, signal),
    remove: (ids, signal) => removeRows(postgres, ids, signal),
    cascading: () => tablesThatCascade(postgres),
  };
}

function tracesOf(postgres: PostgresConfig) {
  const { sessions, messages } = postgres.tables;
  const store = createTraceStore(postgres);
  return store && messages && { store, sessions: sessions?.table, messages: messages.table };
}

/** How a state of the database is connected to. Databases of runs are on the app's server, scratch ones where dumps are tried out. */
function addressesOf(postgres: PostgresConfig, neon: NeonParts | undefined): (place: Place) => Promise<Secret> {
  const branchUrl = neon?.connectionUrlOf ?? unconfigured('neon', ['connectionUrlOf'] as const).connectionUrlOf;
  return async (place) => {
    if (place.kind === 'live') return postgres.url;
    if (place.kind === 'branch') return branchUrl(place.branchId);
    return RECOVERY_DATABASE.test(place.database)
      ? besideUrl(postgres, place.database)
      : scratchUrl(postgres, place.database);
  };
}

/** What a runbook may know of the database. */
export function databaseSettingsOf({ postgres, neon, app }: Config): DatabaseSettings | undefined {
  if (!postgres) return undefined;
  const { url, tables, recovery } = postgres;
  const { tolerance, resolutionSeconds, maxProbes, notCarried, carryUpdates } = recovery;
  return {
    database: databaseNameOf(url),
    chunks: tables.chunks?.table,
    sessions: tables.sessions?.table,
    messages: tables.messages?.table,
    tables: [...configuredTables(postgres).keys()],
    mutable: recovery.mutable ?? [tables.sessions?.table, tables.trace?.table].filter((name) => name !== undefined),
    tolerance,
    resolutionSeconds,
    maxProbes,
    notCarried,
    carryUpdates,
    history: neon !== undefined,
    fence: app?.maintenance !== undefined,
  };
}
