import type { z } from 'zod';
import {
  appServerInputSchema,
  backUpInputSchema,
  clusterInputSchema,
  partialLossInputSchema,
  postgresInputSchema,
  pruneInputSchema,
  reindexInputSchema,
  verifyInputSchema,
} from '../domain/run-input.ts';

/** A runbook that can be started: what it is called here, on the server, and what it takes. */
export interface Scenario {
  readonly name: string;
  readonly workflowType: string;
  readonly summary: string;
  readonly input: z.ZodObject;
}

export const PARTIAL_LOSS = {
  name: 'partial-loss',
  workflowType: 'recoverPartialQdrantLoss',
  summary: 'Recover vectors that Qdrant lost or that are not what they were',
  input: partialLossInputSchema,
} as const satisfies Scenario;

export const POSTGRES = {
  name: 'postgres',
  workflowType: 'recoverPostgresMetadata',
  summary: 'Recover rows that Postgres lost or that are not what they were',
  input: postgresInputSchema,
} as const satisfies Scenario;

export const QDRANT_CLUSTER = {
  name: 'qdrant-cluster',
  workflowType: 'recoverQdrantCluster',
  summary: 'Replace a Qdrant that has failed as a whole',
  input: clusterInputSchema,
} as const satisfies Scenario;

export const APP_SERVER = {
  name: 'app-server',
  workflowType: 'recoverAppServer',
  summary: 'Let another server take over from an app server that has failed',
  input: appServerInputSchema,
} as const satisfies Scenario;

export const REINDEX = {
  name: 'reindex',
  workflowType: 'reindexContent',
  summary: 'Index content again from its source, into a fresh collection',
  input: reindexInputSchema,
} as const satisfies Scenario;

export const BACKUP = {
  name: 'backup',
  workflowType: 'backUpStack',
  summary: 'Take a recovery set: one manifest over the backups of all parts',
  input: backUpInputSchema,
} as const satisfies Scenario;

export const VERIFY_SET = {
  name: 'verify-set',
  workflowType: 'verifyRecoverySet',
  summary: 'Prove a recovery set by restoring it beside',
  input: verifyInputSchema,
} as const satisfies Scenario;

export const PRUNE = {
  name: 'prune',
  workflowType: 'pruneRecoverySets',
  summary: 'Remove recovery sets that are not needed any more',
  input: pruneInputSchema,
} as const satisfies Scenario;

export const SCENARIOS: readonly Scenario[] = [
  PARTIAL_LOSS,
  QDRANT_CLUSTER,
  POSTGRES,
  APP_SERVER,
  REINDEX,
  BACKUP,
  VERIFY_SET,
  PRUNE,
];

/** Name of a scenario for a workflow type; other types keep their own. */
export function scenarioOf(workflowType: string): string {
  return SCENARIOS.find((scenario) => scenario.workflowType === workflowType)?.name ?? workflowType;
}
