import type { RecoveryActivities } from '../../activities/contract.ts';
import type { Damage } from '../../domain/damage.ts';
import type { RecoverySet } from '../../domain/recovery-set.ts';
import type { RunSettings } from '../../domain/settings.ts';
import { artifact, green } from './fake-values.ts';
import { fakeReindex } from './fake-reindex.ts';
import { appServerSettings, fakeApp } from './fake-app.ts';
import { fakeCluster } from './fake-cluster.ts';
import { fakePostgres } from './fake-postgres.ts';

export const settings: RunSettings = {
  environment: 'test',
  collectionName: 'textbook-content',
  collection: 'textbook-content-v1',
  embedding: { model: 'model', dimensions: 768, distance: 'Cosine' },
  approval: { approvers: [], required: 1, initiatorMayApprove: true, timeoutMinutes: 60 },
  objectives: { rtoSeconds: 3600, rpoSeconds: 86_400 },
  commitWindowMinutes: 60,
  hasPostgres: true,
  hasRows: true,
  hasApp: true,
  appServers: appServerSettings,
};

export const recoverySet: RecoverySet = {
  version: 1,
  id: 'set-20260101T000000Z-abcdef',
  environment: 'test',
  takenAt: '2026-01-01T00:00:00Z',
  embedding: settings.embedding,
  qdrant: {
    name: 'textbook-content',
    collection: 'textbook-content-v1',
    aliases: [],
    serverVersion: '1.18.3',
    points: 100,
    shape: { config: {}, payloadSchema: {} },
    snapshot: artifact('sets/x/snapshot'),
    index: artifact('sets/x/index'),
  },
  disagreements: { missing: 0, unbacked: 0, stale: 0, malformed: 0, orphan: 0 },
  tolerance: 0,
  golden: artifact('sets/x/golden'),
};

const retention = { keepDays: 30, keepVerified: 2, verifyWithinDays: 8 };

const none = { missing: 0, unbacked: 0, stale: 0, malformed: 0, orphan: 0 };

export function damage(counts: Partial<typeof none>, copy = 0, reembed = 0, drop = 0): Damage {
  return {
    tally: { live: 90, rows: 100, set: 100, retired: 0 },
    counts: { ...none, ...counts },
    sections: copy + reembed > 0 ? [{ section: 'a.md#b', findings: copy + reembed }] : [],
    sectionCount: copy + reembed > 0 ? 1 : 0,
    samples: {},
    copy: { artifact: artifact('copy'), count: copy },
    reembed: { artifact: artifact('reembed'), count: reembed },
    drop: { artifact: artifact('drop'), count: drop },
  };
}

/**
 * A stack with ten missing points, all in the set; healed once `copyPoints` has run. Typed by the contract, so it cannot
 * drift from it. `calls` lists what was called, in order.
 */
export function fakeStack(
  { approval, ...overrides }: Partial<RecoveryActivities> & { approval?: RunSettings['approval'] } = {},
  environment = 'test',
): { activities: RecoveryActivities; calls: string[] } {
  const calls: string[] = [];
  let healed = false;
  const activities: RecoveryActivities = {
    openRun: async () => ({
      settings: { ...settings, environment, ...(approval ? { approval } : {}) },
      initiator: { claimed: 'test@host' },
    }),
    resolveCollection: async () => ({ collection: settings.collection }),
    findLeaseHolder: async () => ({ workflowId: 'the-other-run' }),
    notify: async () => undefined,
    publishMessage: async () => artifact('message'),
    ...fakeCluster(),
    ...fakeReindex(),
    ...fakeApp(),
    publishReport: async () => ({ json: artifact('json'), markdown: artifact('md') }),
    markEnvironment: async () => ({ marked: [] }),
    discoverStack: async () => ({
      seen: ['Qdrant', 'the app'],
      leftOut: [],
      hazards: [],
      guesses: { fields: {}, tables: {}, app: {} },
      proposal: 'export default {};\n',
    }),
    chooseRecoverySet: async () => ({ set: recoverySet, why: 'the newest' }),
    listMarks: async () => [],
    sealRecoverySet: async () => ({ manifest: artifact('manifest') }),
    openColdCopy: async () => ({ environment: 'test' }),
    copyColdStorage: async () => {
      throw new Error('no cold copy here');
    },
    planBackup: async () => ({
      canary: true,
      tolerance: 0,
      others: false,
      configuration: true,
      neon: false,
      cloud: null,
      store: { kind: 'disk', capabilities: [] },
    }),
    plantCanary: async () => ({ pointId: '1', text: 'canary', artifact: artifact('canary') }),
    captureSample: async () => artifact('sample'),
    captureOthers: async () => ({ nodes: [], others: [] }),
    compareParts: async () => ({
      disagreements: recoverySet.disagreements,
      tally: { live: 100, rows: 100, set: 100, retired: 0 },
      drift: { points: { added: 0, changed: 0, removed: 0 } },
    }),
    discardSet: async () => ({ removed: 0 }),
    sweepSet: async () => ({ removed: 0 }),
    pickSet: async () => ({
      id: recoverySet.id,
      set: recoverySet,
      manifestSha256: 'f'.repeat(64),
      why: 'the newest set',
    }),
    checkObjects: async () => [green('objects')],
    restoreSnapshot: async () => ({ points: 100 }),
    checkOthers: async () => [],
    checkRestored: async () => [green('restored')],
    checkTogether: async () => [green('together')],
    dropRestored: async () => undefined,
    listRestored: async () => [],
    recordVerification: async () => ({ record: artifact('record') }),
    createBackupBranch: async () => ({ projectId: 'p', sourceBranchId: 'main', branchId: 'b', branchName: 'backup' }),
    removeBackupBranch: async () => undefined,
    checkSnapshotSchedule: async () => [],
    countRows: async () => ({}),
    plantCanaryRow: async () => undefined,
    restoreDumpBeside: async () => undefined,
    checkRestoredDump: async () => [green('rows')],
    dropScratchDatabase: async () => undefined,
    listScratchDatabases: async () => [],
    captureConfiguration: async () => ({ files: [], variables: [], references: [], recipients: [] }),
    checkKeyCanary: async () => [green('keys')],
    ensureBackupSchedule: async () => ({ id: 's', outcome: 'present', differences: [] }),
    takeManualBackup: async () => ({
      id: 'b',
      displayName: 'b',
      createdAt: '2026-01-01T00:00:00Z',
      retentionDays: 30,
      seconds: 1,
      scheduled: false,
    }),
    newestBackupAge: async () => ({ newest: null, ageHours: null, gates: [] }),
    deleteBackup: async () => ({ deleted: [] }),
    planPrune: async () => ({ at: '2026-01-01T00:00:00Z', policy: retention, verified: [], keep: [], remove: [] }),
    removeSets: async () => ({ removed: [], kept: [] }),
    captureCollection: async () => artifact('snapshot'),
    describeCollection: async () => ({
      serverVersion: '1.18.3',
      points: 100,
      shape: { config: {}, payloadSchema: {} },
      aliases: [],
    }),
    captureIndex: async () => ({ index: artifact('index'), points: 100 }),
    restoreBeside: async () => ({ points: 100 }),
    dropScratch: async () => undefined,
    copyPoints: async () => {
      healed = true;
      return { written: 10, newer: 0 };
    },
    dropPoints: async () => ({ written: 0, newer: 0 }),
    createIndexes: async () => undefined,
    revertIndexes: async () => undefined,
    compareShape: async () => [],
    revertPoints: async () => ({ written: 10, newer: 0 }),
    checkAccess: async () => [green('access')],
    dumpDatabase: async () => ({
      serverVersion: '18',
      lsn: '0/1',
      dump: { folder: 'dump', files: [artifact('dump')] },
      rows: {},
      fingerprints: {},
    }),
    reconcileStack: async () => (healed ? damage({}) : damage({ missing: 10 }, 10)),
    reembedPoints: async () => ({ written: 0, newer: 0, unavailable: 0 }),
    captureGolden: async () => artifact('golden'),
    checkRetrieval: async () => [green('retrieval')],
    ...fakePostgres(),
    ...overrides,
  };
  const recorded = Object.entries(activities).map(([name, call]) => [
    name,
    async (input: never): Promise<unknown> => {
      calls.push(name);
      return (call as (input: never) => Promise<unknown>)(input);
    },
  ]);
  return { activities: Object.fromEntries(recorded) as RecoveryActivities, calls };
}
