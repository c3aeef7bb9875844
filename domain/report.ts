import { z } from 'zod';
import { artifactSchema } from './artifacts.ts';
import { damageSchema } from './damage.ts';
import { planSchema } from './plan.ts';
import { initiatorSchema, objectivesSchema } from './settings.ts';
import { gateSchema, verdictSchema } from './verdict.ts';

/** The parts of the RTO, in the order in which they pass. */
export const PHASES = ['detect', 'decide', 'restore', 'verify', 'reopen'] as const;
export const phaseSchema = z.enum(PHASES);
export type Phase = z.infer<typeof phaseSchema>;

export const stepStateSchema = z.enum(['pending', 'running', 'waiting', 'done', 'skipped', 'failed']);
export type StepState = z.infer<typeof stepStateSchema>;

/** A failure as people see it: never a stack trace, never a secret. */
export const failureViewSchema = z.strictObject({ code: z.string(), message: z.string(), next: z.string() });
export type FailureView = z.infer<typeof failureViewSchema>;

export const stepRecordSchema = z.strictObject({
  name: z.string(),
  title: z.string(),
  phase: phaseSchema,
  state: stepStateSchema,
  startedAt: z.iso.datetime().optional(),
  endedAt: z.iso.datetime().optional(),
  attempts: z.int().nonnegative(),
  /** What came of it, in a short sentence. */
  result: z.string().optional(),
  failure: failureViewSchema.optional(),
  /** Why it was skipped, and by whom. */
  skipped: z.strictObject({ by: z.string(), reason: z.string() }).optional(),
});
export type StepRecord = z.infer<typeof stepRecordSchema>;

/** Something a person did, or tried to do and was refused. */
export const decisionSchema = z.strictObject({
  at: z.iso.datetime(),
  what: z.enum(['approve', 'reject', 'retryStep', 'skipStep', 'commit', 'rollBack', 'addNote', 'abort']),
  by: z.string(),
  note: z.string().optional(),
  /** Hash that the person sent, for approvals. */
  plan: z.string().optional(),
  /** Why it was refused; absent when it was accepted. */
  refused: z.string().optional(),
});
export type Decision = z.infer<typeof decisionSchema>;

export const undoRecordSchema = z.strictObject({
  /** `undo` puts back what the run changed; `clean-up` takes away what it made for itself. */
  kind: z.enum(['undo', 'clean-up']),
  title: z.string(),
  /** `partial`: what others changed since was left alone. */
  outcome: z.enum(['done', 'partial', 'failed']),
  message: z.string().optional(),
});
export type UndoRecord = z.infer<typeof undoRecordSchema>;

export const outcomeSchema = z.enum([
  'recovered',
  'completed',
  'nothing-to-do',
  'rejected',
  'expired',
  'aborted',
  'rolled-back',
  'refused',
]);
export type Outcome = z.infer<typeof outcomeSchema>;

/** What the run did is kept; every other outcome has been undone. */
export function isKept(outcome: Outcome): boolean {
  return outcome === 'recovered' || outcome === 'completed' || outcome === 'nothing-to-do';
}

/** What was lost, in time and in what people lose. */
export const rpoSchema = z.strictObject({
  /** Age of the recovery set when the fault was declared; what a restore alone would have lost. */
  setAgeSeconds: z.number().nonnegative().optional(),
  chunksDamaged: z.int().nonnegative(),
  /** Chunks whose content could not be brought back. */
  chunksLost: z.int().nonnegative(),
  /** Chat turns lost; partial vector loss loses none. */
  turnsLost: z.int().nonnegative(),
});

/** The record of a run, and the result of every runbook. Versioned. */
export const runReportSchema = z.strictObject({
  version: z.literal(1),
  scenario: z.string(),
  environment: z.string(),
  workflowId: z.string(),
  runId: z.string(),
  drill: z.boolean(),
  reason: z.string().optional(),
  initiator: initiatorSchema,
  outcome: outcomeSchema,
  verdict: verdictSchema,
  faultDeclaredAt: z.iso.datetime(),
  startedAt: z.iso.datetime(),
  /** When every gate was green; absent when they never were. */
  recoveredAt: z.iso.datetime().optional(),
  endedAt: z.iso.datetime(),
  /** From the declaration of the fault to green gates. */
  rtoSeconds: z.number().nonnegative().optional(),
  phases: z.record(z.string(), z.number().nonnegative()),
  objectives: objectivesSchema,
  rpo: rpoSchema.optional(),
  plan: planSchema.optional(),
  planHash: z.string().optional(),
  damage: damageSchema.optional(),
  gates: z.array(gateSchema),
  steps: z.array(stepRecordSchema),
  decisions: z.array(decisionSchema),
  undo: z.array(undoRecordSchema),
  notes: z.array(z.string()),
  /** Recovery set that was healed from. */
  set: z.string().optional(),
  /** Artifacts of the run: name to where it lies in the store. */
  artifacts: z.record(z.string(), artifactSchema),
  failure: failureViewSchema.optional(),
});
export type RunReport = z.infer<typeof runReportSchema>;

/** A person's approval, a person's choice after a failure, the end of an outage, or the commit of a recovery. */
export const awaitsSchema = z.enum(['approval', 'operator', 'outage', 'commit']);
export type Awaits = z.infer<typeof awaitsSchema>;

/** What the `status` query answers: the report as far as it has come, and what is awaited. */
export const runStatusSchema = z.strictObject({
  scenario: z.string(),
  environment: z.string(),
  phase: z.string(),
  /** What the run waits for, in words; absent while it works. */
  awaiting: z.string().optional(),
  /** The same for programs: which message would let it go on. */
  awaits: awaitsSchema.optional(),
  plan: planSchema.optional(),
  planHash: z.string().optional(),
  steps: z.array(stepRecordSchema),
  gates: z.array(gateSchema),
  decisions: z.array(decisionSchema),
  startedAt: z.iso.datetime(),
  faultDeclaredAt: z.iso.datetime(),
  /** When every gate was green; absent until then. */
  recoveredAt: z.iso.datetime().optional(),
  outcome: outcomeSchema.optional(),
});
export type RunStatus = z.infer<typeof runStatusSchema>;
