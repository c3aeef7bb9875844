import { ActivityCancellationType, type ActivityOptions, proxyActivities } from '@temporalio/workflow';
import type { Progress, RecoveryActivities } from '../activities/contract.ts';

/**
 * Only a lost worker is retried by the engine: an activity that fails says so with one of our codes, and the run
 * protocol decides what follows, because it can show people that it waits and why.
 */
const LOST_WORKER = {
  initialInterval: '1s',
  backoffCoefficient: 2,
  maximumInterval: '30s',
  maximumAttempts: 20,
} as const;

/** Every activity beats every two seconds: after this long without, its worker is lost. */
const HEARTBEAT = '15s';

/** A question that is answered within seconds, or not at all. */
const SHORT: ActivityOptions = { startToCloseTimeout: '2m', heartbeatTimeout: HEARTBEAT, retry: LOST_WORKER };

/** Work that grows with the data. Heartbeats tell a dead worker from a long copy; the next attempt goes on from the last. */
const LONG: ActivityOptions = {
  startToCloseTimeout: '24h',
  heartbeatTimeout: HEARTBEAT,
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: LOST_WORKER,
};

const LONG_ACTIVITIES: ReadonlySet<string> = new Set<keyof RecoveryActivities>([
  'chooseRecoverySet',
  'captureCollection',
  'captureIndex',
  'restoreBeside',
  'copyPoints',
  'dropPoints',
  'createIndexes',
  'revertIndexes',
  'revertPoints',
  'dumpDatabase',
  'reconcileStack',
  'reembedPoints',
  'listContent',
  'compareContent',
  'embedContent',
  'checkContent',
  'alignRows',
  'revertRows',
  'removeGoneRows',
  'captureGolden',
  'checkRetrieval',
  'copyColdStorage',
  'planBackup',
  'captureConfiguration',
  'sealRecoverySet',
  'sweepSet',
  'discardSet',
  'dropRestored',
  'dropScratchDatabase',
  'removeBackupBranch',
  'deleteBackup',
  'compareParts',
  'captureOthers',
  'plantCanary',
  'captureSample',
  'checkObjects',
  'restoreSnapshot',
  'checkOthers',
  'checkRestored',
  'checkTogether',
  'restoreDumpBeside',
  'checkRestoredDump',
  'takeManualBackup',
  'createBackupBranch',
  'planPrune',
  'removeSets',
  'makeRecoveryBranch',
  'removeRecoveryBranches',
  'restoreBranch',
  'putBranchBack',
  'releaseBranch',
  'restoreLogin',
  'restartCompute',
  'surveyDatabase',
  'compareDatabases',
  'checkState',
  'checkStructure',
  'carryRows',
  'restoreDatabase',
  'restorePlainDump',
  'swapDatabase',
  'dropDatabase',
  'probeMoment',
  'judgeLostChunks',
  'rebuildRows',
  'checkTraceability',
  'probeCluster',
  'surveyReplacement',
  'bringUpReplacement',
  'releaseReplacement',
  'wakeCluster',
  'createCollection',
  'finishCollection',
  'restoreInto',
  'dropMade',
  'awaitOptimized',
  'checkQueries',
  'checkEmbeddingSpace',
  'repointApp',
  'probeApp',
  'listReleases',
  'checkVariables',
  'findApp',
  'deployApp',
  'stopApp',
  'fenceApp',
  'checkAppReach',
  'checkEndpoints',
  'checkAnswers',
  'checkSession',
  'checkAppSecurity',
  'checkTelemetry',
  'pointTraffic',
  'checkRouted',
  'watchApp',
]);

/** Every activity, as a step sees it. */
export type Hands = RecoveryActivities;

/**
 * Activities with `summary` shown beside each call in the Web UI. `resume` holds, by activity, the progress of a call
 * that failed, so that the same call made again goes on from there; a story need not know.
 */
export function handsWith(summary: string, resume: ReadonlyMap<string, Progress> = new Map()): Hands {
  const short = proxyActivities<RecoveryActivities>({ ...SHORT, summary });
  const long = proxyActivities<RecoveryActivities>({ ...LONG, summary });
  return new Proxy(short, {
    get(target, name, receiver) {
      if (typeof name !== 'string' || !LONG_ACTIVITIES.has(name)) return Reflect.get(target, name, receiver) as unknown;
      const call = Reflect.get(long, name) as (input: object) => Promise<unknown>;
      const progress = resume.get(name);
      return (input: object) => call(progress ? { ...input, resume: progress } : input);
    },
  });
}
