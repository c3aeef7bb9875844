/**
 * What people may say to a run. Every message takes one object, since the Web UI sends exactly one payload; all are
 * checked in the workflow, because the Web UI checks nothing. Definitions are constants, so that the command line uses
 * the same ones.
 */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import { z } from 'zod';
import type { RunStatus } from '../domain/report.ts';

const name = z.string().trim().min(1).max(200);
const text = z.string().trim().max(2_000);

export const approveSchema = z.strictObject({ plan: name, approver: name.optional(), note: text.optional() });
export const rejectSchema = z.strictObject({ by: name.optional(), reason: text.optional() });
export const retryStepSchema = z.strictObject({ by: name.optional(), note: text.optional() });
export const skipStepSchema = z.strictObject({ by: name.optional(), reason: text.min(1) });
export const commitSchema = z.strictObject({ by: name.optional(), note: text.optional() });
export const rollBackSchema = z.strictObject({ by: name.optional(), reason: text.optional() });
export const addNoteSchema = z.strictObject({ by: name.optional(), note: text.min(1) });
export const abortSchema = z.strictObject({ by: name.optional(), reason: text.optional() });

export const statusQuery = defineQuery<RunStatus>('status');
export const approveUpdate = defineUpdate<string, [z.input<typeof approveSchema>]>('approve');
export const rejectUpdate = defineUpdate<string, [z.input<typeof rejectSchema>]>('reject');
export const retryStepUpdate = defineUpdate<string, [z.input<typeof retryStepSchema>]>('retryStep');
export const skipStepUpdate = defineUpdate<string, [z.input<typeof skipStepSchema>]>('skipStep');
export const commitUpdate = defineUpdate<string, [z.input<typeof commitSchema>]>('commit');
export const rollBackUpdate = defineUpdate<string, [z.input<typeof rollBackSchema>]>('rollBack');
export const addNoteUpdate = defineUpdate<string, [z.input<typeof addNoteSchema>]>('addNote');
/** A signal, not an update: it is kept until a worker comes back, so it works with no worker up. */
export const abortSignal = defineSignal<[z.input<typeof abortSchema>]>('abort');

/** What the Web UI's pickers show under each message. */
export const DESCRIPTIONS = {
  status: 'Where the run is, what it waits for, the plan and every decision so far.',
  approve:
    'Approve the plan that is shown. Send {"plan":"<hash>","approver":"<your name>"}; the checklist has it ready to copy.',
  reject: 'Reject the plan; the run ends having changed nothing. Send {"by":"<your name>","reason":"..."} or {}.',
  retryStep: 'Try the step that failed or waits once more, now. Send {} or {"by":"<your name>"}.',
  skipStep:
    'Go on without the failed step, where it says that skipping is safe. Send {"reason":"...","by":"<your name>"}.',
  commit: 'Keep the recovery and release what was kept for undoing it. Send {} or {"by":"<your name>"}.',
  rollBack: 'Within the commit window: put everything back to what it was before the run. Send {} or {"reason":"..."}.',
  addNote: 'Write a note into the run’s record. Send {"note":"...","by":"<your name>"}.',
  abort: 'Stop the run and undo what it did. Send {} or {"by":"<your name>","reason":"..."}.',
} as const;
