import type { z } from 'zod';
import { backUpInputSchema, partialLossInputSchema, pruneInputSchema, verifyInputSchema } from '../domain/run-input.ts';

/** A runbook that can be started: what it is called here, on the server, and what it takes. */
export interface Scenario {
  readonly name: string;
  readonly workflowType: string;
  readonly summary: string;
  readonly input: z.ZodObject;
}

export const SCENARIOS = [
  {
    name: 'partial-loss',
    workflowType: 'recoverPartialQdrantLoss',
    summary: 'Recover vectors that Qdrant lost or that are not what they were',
    input: partialLossInputSchema,
  },
  {
    name: 'backup',
    workflowType: 'backUpStack',
    summary: 'Take a recovery set: one manifest over the backups of all parts',
    input: backUpInputSchema,
  },
  {
    name: 'verify-set',
    workflowType: 'verifyRecoverySet',
    summary: 'Prove a recovery set by restoring it beside',
    input: verifyInputSchema,
  },
  {
    name: 'prune',
    workflowType: 'pruneRecoverySets',
    summary: 'Remove recovery sets that are not needed any more',
    input: pruneInputSchema,
  },
] as const satisfies readonly Scenario[];

/** Name of a scenario for a workflow type; other types keep their own. */
export function scenarioOf(workflowType: string): string {
  return SCENARIOS.find((scenario) => scenario.workflowType === workflowType)?.name ?? workflowType;
}
