/**
 * The run protocol, the same in every runbook. `runbook()` owns it: input checked, environment compared, lease held,
 * steps recorded and repeated, undo registered before the act, the plan approved by its hash, everything shown while it
 * happens, and one versioned report at the end. A runbook only tells its story, and cannot forget any of this.
 */
import { allHandlersFinished, CancellationScope, condition, isCancellation, workflowInfo } from '@temporalio/workflow';
import type { z } from 'zod';
import type { LeaseKind } from '../domain/names.ts';
import { isKept, type Outcome, type RunReport } from '../domain/report.ts';
import { describeIssues, type RunInput } from '../domain/run-input.ts';
import { Attendance } from './attendance.ts';
import { Desk } from './desk.ts';
import { failureWith, type Trouble, troubleOf } from './failure.ts';
import { type Hands, handsWith } from './hands.ts';
import { type Lease, releaseLease, takeLease } from './lease.ts';
import { RunRecord } from './record.ts';
import type { StepDefinition } from './story.ts';
import { type Keeping, Run } from './run.ts';
import { Stop } from './stop.ts';
import { UndoStack } from './undo.ts';

export interface RunbookDefinition<S, K extends string> {
  readonly scenario: string;
  /** Schema of the one input object; every field optional. */
  readonly input: S;
  /** The steps, in the order in which the checklist shows them. `open` is the protocol's own. */
  readonly steps: Record<K, StepDefinition> & { readonly open?: never };
  /** What a run whose story came to its end is called. */
  readonly success: Extract<Outcome, 'recovered' | 'completed'>;
  /** The system that may be too damaged to tell its environment when the run opens; the story compares it later. */
  readonly damaged?: 'postgres' | 'qdrant';
  /** Which runs it excludes. Default: every recovery. */
  readonly lease?: LeaseKind;
  /** Done when the lease is free again, after a recovery that is kept. */
  readonly afterwards?: () => Promise<void>;
}

const LARGEST_SKEW_MS = 5 * 60_000;

/** What every run does before its story begins. */
const OPENING = { open: { title: 'Compare the environment in every store, take the lease', phase: 'detect' } } as const;

/** Makes a workflow of a story. */
export function runbook<S extends z.ZodType<RunInput>, K extends string>(
  definition: RunbookDefinition<S, K>,
  story: (run: Run<K>, input: z.output<S>) => Promise<void>,
): (input?: z.input<S>) => Promise<RunReport> {
  return async (input) => {
    const parsed = definition.input.safeParse(input ?? {});
    // A plain error would make the engine retry the task for ever; this ends the run at once.
    if (!parsed.success) throw failureWith('INVALID_INPUT', describeIssues(parsed.error));
    refuseFuture(parsed.data);
    const steps: Record<K | 'open', StepDefinition> = { ...OPENING, ...definition.steps };
    const record = new RunRecord(definition.scenario, parsed.data, steps);
    const desk = new Desk(record);
    const keeping = {
      record,
      desk,
      attendance: new Attendance(record, desk),
      undo: new UndoStack('undo'),
      cleanup: new UndoStack('clean-up'),
    };
    const run = new Run<K | 'open'>(steps, parsed.data, keeping);
    return conduct(keeping, definition, async (hold) => {
      hold(
        await run.must(
          'open',
          (act) => open(act, record, definition),
          () => record.place,
        ),
      );
      await story(run, parsed.data);
    });
  };
}

/** The whole run: story, ending, and the lease given back whatever happened. */
async function conduct(
  keeping: Keeping,
  { success, afterwards }: { success: Outcome; afterwards?: () => Promise<void> },
  story: (hold: (lease: Lease) => void) => Promise<void>,
): Promise<RunReport> {
  let lease: Lease | undefined;
  let ended: RunReport | undefined;
  try {
    await story((taken) => (lease = taken));
    return (ended = await end(keeping, success));
  } catch (error) {
    return (ended = await end(keeping, ...whyStopped(error, keeping.desk)));
  } finally {
    await CancellationScope.nonCancellable(async () => {
      if (lease) await releaseLease(lease);
      if (ended?.outcome === 'recovered') await afterwards?.();
      await condition(allHandlersFinished);
    });
  }
}

/**
 * The environment comes from the worker's configuration, by an activity: a workflow that read it off its task queue
 * could not be replayed by an auditor, whose replaying worker has a queue of another name.
 */
async function open(
  act: Hands,
  record: RunRecord,
  { lease, damaged }: { lease?: LeaseKind; damaged?: 'postgres' | 'qdrant' },
): Promise<Lease> {
  const { settings, initiator } = await (damaged ? act.openRun({ damaged }) : act.openRun());
  record.open(settings, initiator);
  return takeLease(settings.environment, lease);
}

/** Clocks differ by minutes; a fault that is declared later than that would make any RTO look good. */
function refuseFuture({ faultDeclaredAt }: RunInput): void {
  if (faultDeclaredAt === undefined || Date.parse(faultDeclaredAt) <= Date.now() + LARGEST_SKEW_MS) return;
  throw failureWith('INVALID_INPUT', `faultDeclaredAt: ${faultDeclaredAt} is in the future`);
}

function describeAbort({ aborted }: Desk): string {
  const why = aborted?.reason === undefined ? '' : `: ${aborted.reason}`;
  return `aborted by ${aborted?.by ?? 'a cancel request'} before the run had read where it was${why}`;
}

function whyStopped(error: unknown, desk: Desk): [Outcome, Trouble?] {
  if (error instanceof Stop) return [error.outcome];
  if (isCancellation(error) || desk.aborted) return ['aborted'];
  return ['refused', troubleOf(error)];
}

/** Ends a run where no cancellation reaches: undo what is not kept, clean up, report, tell people. */
async function end(keeping: Keeping, outcome: Outcome, trouble?: Trouble): Promise<RunReport> {
  const { record, desk, undo, cleanup, attendance } = keeping;
  return CancellationScope.nonCancellable(async () => {
    if (!isKept(outcome)) {
      record.unrecovered();
      record.await('undo to finish');
      await undo.run((undone) => record.undone(undone));
    }
    await cleanup.run((cleaned) => record.undone(cleaned));
    desk.close();
    record.close(outcome);
    const report = await publish(record, outcome, trouble);
    const verdict = isKept(outcome) ? `, verdict ${record.verdict}` : '';
    const urgent = !isKept(outcome) || record.verdict !== 'pass';
    await attendance.tell('finished', `${workflowInfo().workflowId}: ${outcome}${verdict}`, urgent);
    if (trouble || !report) throw failureWith(trouble?.code ?? 'ABORTED', trouble?.view.message ?? describeAbort(desk));
    return report;
  });
}

/** The report, with a copy in the store; `undefined` when the run ended before it knew where it was. */
async function publish(
  record: RunRecord,
  outcome: Outcome,
  trouble: Trouble | undefined,
): Promise<RunReport | undefined> {
  const { settings } = record;
  if (!settings) return undefined;
  const report = record.report(settings, { outcome, ...(trouble ? { failure: trouble.view } : {}) });
  try {
    await handsWith('Write the report').publishReport({ report });
    return report;
  } catch (error) {
    // The result of the workflow is the report; a store that cannot take its copy must not lose the recovery.
    const note = `the report could not be written to the store: ${troubleOf(error).view.message}`;
    return { ...report, notes: [...report.notes, note] };
  }
}
