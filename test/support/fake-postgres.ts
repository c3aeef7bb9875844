import type { NeonHistory, PostgresRecoveryActivities } from '../../activities/postgres-contract.ts';
import type { Carried, Survey, TableDiff } from '../../domain/database-state.ts';
import type { DatabaseSettings } from '../../domain/settings.ts';
import { artifact, green } from './fake-values.ts';

export const databaseSettings: DatabaseSettings = {
  database: 'textbook',
  chunks: 'chunks',
  sessions: 'sessions',
  messages: 'messages',
  tables: ['chunks', 'sessions', 'messages'],
  mutable: ['sessions'],
  tolerance: 0,
  resolutionSeconds: 1,
  maxProbes: 40,
  notCarried: [],
  carryUpdates: [],
  history: true,
  fence: true,
};

const column = (name: string) => ({ name, type: 'text', notNull: true });

export const SET_AT = '2026-01-01T00:00:00.000Z';
/** When the rows were deleted: what is looked for. */
export const FAULT_AT = Date.parse('2026-01-01T06:30:10.500Z');
export const NOW = '2026-01-01T07:00:00.000Z';

export function surveyWith(rows: Record<string, number | null>): Survey {
  const tables = Object.entries(rows).map(([table, count]) => [
    table,
    count === null
      ? null
      : { rows: count, fingerprint: `${count}:0`, key: ['id'], columns: [column('body'), column('id')] },
  ]);
  return {
    environment: 'test',
    serverVersion: '18',
    at: NOW,
    lsn: '0/1',
    tables: Object.fromEntries(tables) as Survey['tables'],
    constraints: ['messages: FOREIGN KEY (session_id) REFERENCES sessions(id)'],
    broken: [],
  };
}

const list = (name: string, count: number) => ({ artifact: artifact(name), count });

export function diffOf(
  table: string,
  { removed = 0, changed = 0, added = 0 }: { removed?: number; changed?: number; added?: number },
): TableDiff {
  return {
    table,
    same: 10,
    removed: list(`${table}-removed`, removed),
    changed: list(`${table}-changed`, changed),
    added: list(`${table}-added`, added),
  };
}

export function carriedOf(table: string, carried: number, left: Carried['left'] = {}): Carried {
  return {
    table,
    carried,
    already: 0,
    differing: 0,
    updated: 0,
    left,
    keys: list(`${table}-keys`, carried),
    leftKeys: list(
      `${table}-left`,
      Object.values(left).reduce((sum, count) => sum + count, 0),
    ),
  };
}

export const history: NeonHistory = {
  projectId: 'p',
  branchId: 'br-main',
  branchName: 'main',
  from: '2025-12-31T07:00:00.000Z',
  lastResetAt: null,
  children: 1,
};

/** 1,204 of 1,310 chunk rows vanished at FAULT_AT; two people went on chatting. Back once `restoreBranch` has run. */
export function fakePostgres(overrides: Partial<PostgresRecoveryActivities> = {}): PostgresRecoveryActivities {
  let restored = false;
  const whole = { chunks: 1_310, sessions: 20, messages: 60 };
  const present = () => surveyWith(restored ? whole : { ...whole, chunks: 106, messages: 64 });
  return {
    readNeonHistory: async () => history,
    findBranch: async () => ({ ready: true }),
    makeRecoveryBranch: async () => ({ branchId: 'br-rehearsal' }),
    removeRecoveryBranches: async () => ({ removed: [] }),
    listRecoveryBranches: async () => [],
    restoreBranch: async () => {
      restored = true;
      return { preservedBranchId: 'br-before' };
    },
    putBranchBack: async () => {
      restored = false;
    },
    releaseBranch: async () => ({ released: true }),
    restoreLogin: async () => ({ changed: false }),
    restartCompute: async () => undefined,
    surveyDatabase: async ({ place }) => ({ survey: place.kind === 'live' ? present() : surveyWith(whole) }),
    compareDatabases: async () => [
      diffOf('chunks', { removed: 1_204 }),
      diffOf('sessions', {}),
      diffOf('messages', { added: 4 }),
    ],
    checkState: async () => ({
      good: restored,
      lost: restored ? 0 : 1_204,
      reasons: restored ? [] : ['rows are gone'],
    }),
    checkStructure: async () => [green('structure of tables and indexes')],
    carryRows: async () => [carriedOf('sessions', 0), carriedOf('messages', 4)],
    restoreDatabase: async () => undefined,
    restorePlainDump: async () => undefined,
    swapDatabase: async () => {
      restored = true;
      return { kept: true };
    },
    dropDatabase: async () => undefined,
    listRecoveryDatabases: async () => [],
    setAppMode: async () => ({ switched: true }),
    tryStaleWrite: async () => [green('stale write')],
    probeMoment: async ({ at }) => {
      const good = 'timestamp' in at && Date.parse(at.timestamp) < FAULT_AT;
      return { good, lost: good ? 0 : 1_204, reasons: good ? [] : ['1,204 rows of chunks are gone'] };
    },
    judgeLostChunks: async ({ diff }) => ({ removed: diff.removed, changed: diff.changed }),
    rebuildRows: async () => ({ written: 0, newer: 0, unavailable: 0 }),
    checkTraceability: async () => [green('trace')],
    ...overrides,
  };
}
