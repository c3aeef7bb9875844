/**
 * The run protocol, the same in every runbook. `runbook()` owns it: input checked, environment compared, lease held,
 * steps recorded and repeated, undo registered before the act, the plan approved by its hash, everything shown while it
 * happens, and one versioned report at the end. A runbook only tells its story, and cannot forget any of this.
 */
import {
  CancellationScope,
  condition,
  isCancellation,
  allHandlersFinished,
  ParentClosePolicy,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { z } from 'zod';
import { environmentOf, leaseIdOf, runFolderOf, scratchNameOf } from '../domain/names.ts';
import type { Plan } from '../domain/plan.ts';
import type { Outcome, RunReport } from '../domain/report.ts';
import { describeIssues, type RunInput } from '../domain/run-input.ts';
import type { RunSettings } from '../domain/settings.ts';
import { describeGate, type Gate, overallVerdict } from '../domain/verdict.ts';
import { Desk } from './desk.ts';
import { failureWith, type Trouble, troubleOf } from './failure.ts';
import { type Hands, handsWith } from './hands.ts';
import { holdRecoveryLease, releaseLeaseSignal } from './lease.ts';
import { RunRecord, type StepDefinition, type StoryFacts } from './record.ts';
import { UndoStack } from './undo.ts';

const PAUSES_S = [2, 4, 8, 15, 30] as const;
const LONG_PAUSE_S = 60;
/** After this many waits in a row, people are told, and asked less often. */
const PATIENCE = 10;
const IMPATIENT_PAUSE_S = 300;

/** Ends a story early, on purpose. Anything else that a story throws is a failure. */
class Stop {
  readonly outcome: Outcome;

  constructor(outcome: Outcome) {
    this.outcome = outcome;
  }
}

export interface RunbookDefinition<S, K extends string> {
  readonly scenario: string;
  /** Schema of the one input object; every field optional. */
  readonly input: S;
  /** The steps, in the order in which the checklist shows them. */
  readonly steps: Record<K, StepDefinition>;
  /** What a story that came to its end is called. */
  readonly success: Extract<Outcome, 'recovered' | 'completed'>;
}

/** What every run does before its story begins. */
const OPENING = { open: { title: 'Take the lease and compare the environment', phase: 'detect' } } as const;

/** Makes a workflow of a story. */
export function runbook<S extends z.ZodType<RunInput>, K extends string>(
  definition: RunbookDefinition<S, K>,
  story: (run: Run<K>, input: z.output<S>) => Promise<void>,
): (input?: z.input<S>) => Promise<RunReport> {
  return async (input) => {
    const parsed = definition.input.safeParse(input ?? {});
    // A plain error would make the engine retry the task for ever; this ends the run at once.
    if (!parsed.success) throw failureWith('INVALID_INPUT', describeIssues(parsed.error));
    const environment = environmentOf(workflowInfo().taskQueue);
    if (environment === undefined) {
      throw failureWith('WRONG_ENVIRONMENT', `task queue: ${workflowInfo().taskQueue} is not recovery-<environment>`);
    }
    const record = new RunRecord(definition.scenario, environment, parsed.data, { ...OPENING, ...definition.steps });
    return new Run<K>(definition, parsed.data, environment, record).conduct((run) => story(run, parsed.data));
  };
}

/** A run, as its story sees it. */
export class Run<K extends string> {
  readonly #definition: RunbookDefinition<unknown, K>;
  readonly #input: RunInput;
  readonly #environment: string;
  readonly #record: RunRecord;
  readonly #desk: Desk;
  readonly #undo = new UndoStack();
  readonly #cleanup = new UndoStack();

  constructor(definition: RunbookDefinition<unknown, K>, input: RunInput, environment: string, record: RunRecord) {
    this.#definition = definition;
    this.#input = input;
    this.#environment = environment;
    this.#record = record;
    this.#desk = new Desk(record);
  }

  /** What the worker's configuration lets a run know. */
  get settings(): RunSettings {
    if (!this.#record.settings) throw new Error('the run is not open yet');
    return this.#record.settings;
  }

  /** Where this run keeps its artifacts in the store. */
  get folder(): string {
    return runFolderOf(workflowInfo().workflowId, workflowInfo().runId);
  }

  /** Name of a collection that this run makes beside the live one. */
  scratch(purpose: 'restore' | 'before'): string {
    return scratchNameOf(this.settings.collection, purpose, workflowInfo().runId);
  }

  /** When the fault was declared: where the RTO clock began. */
  get faultDeclaredAt(): Date {
    return this.#record.faultDeclaredAt;
  }

  /** Facts for the report. */
  learn(facts: StoryFacts): void {
    this.#record.learn(facts);
  }

  keep(name: string, artifact: RunReport['artifacts'][string]): void {
    this.#record.keep(name, artifact);
  }

  /** Runs on every ending, after the undo: takes away what the run made for itself. Register it before making it. */
  cleanUp(title: string, act: (act: Hands) => Promise<unknown>): void {
    this.#cleanup.push(title, act);
  }

  /** Runs when the recovery is not kept. Register it before the act that it undoes. */
  undo(title: string, act: (act: Hands) => Promise<unknown>): void {
    this.#undo.push(title, act);
  }

  /**
   * One step: recorded, shown, repeated through outages, and put before a person when it cannot go on by itself.
   * @returns what the step returned, or `undefined` when a person skipped it (only where the definition allows it)
   */
  async step<T>(name: K | 'open', body: (act: Hands) => Promise<T>, say?: (result: T) => string): Promise<T | undefined> {
    const { title, phase, skippable } = { ...OPENING, ...this.#definition.steps }[name] as StepDefinition;
    this.#record.enter(phase);
    this.#record.update(name, { startedAt: new Date().toISOString() });
    this.#desk.skippable = skippable !== undefined;
    const resume = new Map<string, NonNullable<Trouble['progress']>>();
    for (let attempts = 1; ; attempts += 1) {
      this.#record.update(name, { state: 'running', attempts });
      try {
        const result = await this.#interruptible(() => body(handsWith(title, resume)));
        const { failure: _mended, ...step } = this.#record.step(name);
        this.#record.update(name, { ...step, state: 'done', endedAt: new Date().toISOString(), ...(say ? { result: say(result) } : {}) });
        return result;
      } catch (error) {
        const skipped = await this.#afterFailure(name, error, attempts, resume);
        if (skipped) return undefined;
      }
    }
  }

  /** A step that must not be skipped, so its result is always there. */
  async must<T>(name: K | 'open', body: (act: Hands) => Promise<T>, say?: (result: T) => string): Promise<T> {
    const result = await this.step(name, body, say);
    if (result === undefined) throw failureWith('UNEXPECTED', `${name}: skipped, though the steps after it need its result`);
    return result;
  }

  /** A step made of gates: it is done when every gate is green, and asks a person when one is not. */
  async verify(name: K, body: (act: Hands) => Promise<Gate[]>): Promise<void> {
    await this.step(
      name,
      async (act) => {
        const gates = await body(act);
        this.#record.judge(gates);
        const red = gates.filter((gate) => gate.verdict !== 'pass');
        if (overallVerdict(gates) !== 'pass') throw failureWith('GATE_NOT_GREEN', red.map(describeGate).join('; ') || 'no gate was checked');
        return gates;
      },
      (gates) => `${gates.length} ${gates.length === 1 ? 'gate' : 'gates'} green`,
    );
  }

  /** Shows the plan and waits until enough people have approved its hash. Ends the run when they do not. */
  async approval(name: K, plan: Plan): Promise<void> {
    const { title, phase } = this.#definition.steps[name];
    const { timeoutMinutes } = this.settings.approval;
    this.#record.enter(phase);
    this.#record.update(name, { state: 'waiting', startedAt: new Date().toISOString(), attempts: 1 });
    this.#desk.expect('approval');
    const hash = this.#record.propose(plan);
    this.#record.await(`approval of plan ${hash.slice(0, 12)} within ${timeoutMinutes} min`);
    await this.#tell('approval-needed', `${title}: plan ${hash.slice(0, 12)}: ${plan.reason}`, true);
    const settled = await this.#wait(() => this.#desk.answer !== undefined || this.#desk.missingApprovals <= 0, timeoutMinutes * 60, title);
    const rejected = this.#desk.answer === 'reject';
    this.#desk.expect(undefined);
    this.#record.await(undefined);
    const approved = settled && !rejected;
    const by = this.#record.approvals().map((decision) => decision.by).join(', ');
    const result = approved ? `approved by ${by}` : rejected ? 'rejected' : `nobody approved within ${timeoutMinutes} min`;
    this.#record.update(name, { state: approved ? 'done' : 'failed', endedAt: new Date().toISOString(), result });
    if (!approved) throw new Stop(rejected ? 'rejected' : 'expired');
  }

  /** Every gate is green: the RTO clock stops here. */
  recovered(): void {
    this.#record.recovered();
  }

  /** Nothing needs doing: the run ends here, having changed nothing. */
  nothingToDo(): never {
    throw new Stop('nothing-to-do');
  }

  /** The time in which one update puts everything back. Afterwards what was kept for undoing is released. */
  async commitWindow(name: K): Promise<void> {
    const { phase, title } = this.#definition.steps[name];
    const minutes = this.#input.commitWindowMinutes ?? this.settings.commitWindowMinutes;
    this.#record.enter(phase);
    this.#record.update(name, { state: 'waiting', startedAt: new Date().toISOString(), attempts: 1 });
    if (minutes > 0) {
      this.#desk.expect('commit');
      this.#record.await(`commit or rollBack; commits by itself in ${minutes} min`);
      await this.#tell('recovered', `every gate is green; commit, or roll back within ${minutes} min`, false);
      await this.#wait(() => this.#desk.answer !== undefined, minutes * 60, title);
    }
    const rolledBack = this.#desk.answer === 'rollBack';
    const byHand = this.#desk.answer === 'commit';
    this.#desk.expect(undefined);
    this.#record.await(undefined);
    const result = rolledBack ? 'rolled back' : byHand ? 'committed' : minutes > 0 ? 'committed by the clock' : 'committed at once';
    this.#record.update(name, { state: 'done', endedAt: new Date().toISOString(), result });
    if (rolledBack) throw new Stop('rolled-back');
    this.#desk.close();
    this.#undo.clear();
  }

  /** The whole run: opening, story, ending. */
  async conduct(story: (run: Run<K>) => Promise<void>): Promise<RunReport> {
    const lease = await this.#takeLease();
    try {
      await this.must('open', (act) => this.#open(act), (line) => line);
      await story(this);
      return await this.#end(this.#definition.success);
    } catch (error) {
      return await this.#end(...this.#whyStopped(error));
    } finally {
      await CancellationScope.nonCancellable(async () => {
        // A lease that somebody terminated by hand is released already.
        await lease.signal(releaseLeaseSignal).catch(() => undefined);
        await lease.result().catch(() => undefined);
        await condition(allHandlersFinished);
      });
    }
  }

  async #takeLease(): Promise<Awaited<ReturnType<typeof startChild<typeof holdRecoveryLease>>>> {
    const leaseId = leaseIdOf(this.#environment);
    try {
      // Out of reach of a cancellation: the lease must outlast the undo that follows it.
      return await CancellationScope.nonCancellable(() =>
        startChild(holdRecoveryLease, {
          workflowId: leaseId,
          parentClosePolicy: ParentClosePolicy.TERMINATE,
          staticSummary: `held by ${workflowInfo().workflowId}`.slice(0, 200),
        }),
      );
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      const holder = await handsWith('Who holds the lease?').findLeaseHolder({ leaseId });
      const message = `${this.#environment}: ${holder?.workflowId ?? 'another run'} is in progress, and only one run may be`;
      this.#record.close('refused');
      throw failureWith('RUN_IN_PROGRESS', message);
    }
  }

  async #open(act: Hands): Promise<string> {
    const { settings, initiator } = await act.openRun();
    this.#record.settings = settings;
    this.#record.initiator = initiator;
    if (settings.environment !== this.#environment) {
      throw failureWith('WRONG_ENVIRONMENT', `environment: the worker of this task queue is configured for ${settings.environment}`);
    }
    return `${settings.environment}: ${settings.collectionName} is ${settings.collection}`;
  }

  /** Decides what follows a failed attempt: repeat (after a wait or on request), or skip. Throws when the run must end. */
  async #afterFailure(
    name: string,
    error: unknown,
    attempts: number,
    resume: Map<string, NonNullable<Trouble['progress']>>,
  ): Promise<boolean> {
    if (isCancellation(error) || error instanceof Stop) throw error;
    const trouble = troubleOf(error);
    if (trouble.activity !== undefined && trouble.progress) resume.set(trouble.activity, trouble.progress);
    this.#record.update(name, { failure: trouble.view });
    if (trouble.retry === 'refuse') {
      this.#record.update(name, { state: 'failed', endedAt: new Date().toISOString() });
      throw error;
    }
    await (trouble.retry === 'wait' ? this.#waitOut(name, trouble, attempts) : this.#ask(name, trouble));
    const { answer } = this.#desk;
    this.#desk.expect(undefined);
    this.#record.await(undefined);
    if (typeof answer !== 'object') return false;
    this.#record.update(name, { state: 'skipped', skipped: answer.skip, endedAt: new Date().toISOString() });
    return true;
  }

  async #waitOut(name: string, { view }: Trouble, attempts: number): Promise<void> {
    const seconds = attempts > PATIENCE ? IMPATIENT_PAUSE_S : (PAUSES_S[attempts - 1] ?? LONG_PAUSE_S);
    this.#desk.expect('outage');
    this.#record.update(name, { state: 'waiting' });
    this.#record.await(`${view.message}. Next try in ${seconds} s, or retryStep now`);
    if (attempts === PATIENCE) await this.#tell('still-waiting', `${name}: ${view.message} — ${view.next}`, true);
    await this.#wait(() => this.#desk.answer !== undefined, seconds, `waiting: ${view.code}`);
  }

  async #ask(name: string, { view }: Trouble): Promise<void> {
    const choices = this.#desk.skippable ? 'retryStep, skipStep or abort' : 'retryStep or abort';
    this.#desk.expect('operator');
    this.#record.update(name, { state: 'waiting' });
    this.#record.await(`${choices}: ${view.message} — ${view.next}`);
    await this.#tell('step-failed', `${name}: ${view.message} — ${view.next} Waiting for ${choices}.`, true);
    await this.#wait(() => this.#desk.answer !== undefined);
  }

  /** Waits for a condition, for at most `seconds` when given; an abort ends every wait. */
  async #wait(met: () => boolean, seconds?: number, summary?: string): Promise<boolean> {
    const done = (): boolean => met() || this.#desk.aborted !== undefined;
    const settled = seconds === undefined ? (await condition(done), true) : await condition(done, seconds * 1000, { summary: (summary ?? 'wait').slice(0, 200) });
    if (this.#desk.aborted) throw new Stop('aborted');
    return settled;
  }

  /** Runs a body that an abort interrupts: its activities are cancelled and waited for. */
  async #interruptible<T>(body: () => Promise<T>): Promise<T> {
    if (this.#desk.aborted) throw new Stop('aborted');
    const scope = new CancellationScope();
    let running = true;
    const watch = condition(() => !running || this.#desk.aborted !== undefined).then(() => {
      if (running) scope.cancel();
    });
    try {
      return await scope.run(body);
    } finally {
      running = false;
      await watch.catch(() => undefined);
    }
  }

  #whyStopped(error: unknown): [Outcome, Trouble?] {
    if (error instanceof Stop) return [error.outcome];
    if (isCancellation(error) || this.#desk.aborted) return ['aborted'];
    return ['refused', troubleOf(error)];
  }

  async #end(outcome: Outcome, trouble?: Trouble): Promise<RunReport> {
    return CancellationScope.nonCancellable(async () => {
      const kept = outcome === 'recovered' || outcome === 'completed' || outcome === 'nothing-to-do';
      if (!kept) {
        this.#record.unrecovered();
        this.#record.await('undo to finish');
        await this.#undo.run((undone) => this.#record.undone(undone));
      }
      await this.#cleanup.run((cleaned) => this.#record.undone(cleaned));
      this.#desk.close();
      this.#record.close(outcome);
      const report = this.#record.settings && (await this.#publish(outcome, trouble));
      await this.#tell('finished', `${this.#definition.scenario}: ${outcome}`, outcome !== 'recovered' && outcome !== 'completed');
      if (trouble || !report) throw failureWith(trouble?.code ?? 'UNEXPECTED', trouble?.view.message ?? 'the run ended before it began');
      return report;
    });
  }

  async #publish(outcome: Outcome, trouble: Trouble | undefined): Promise<RunReport> {
    const report = this.#record.report(this.settings, { outcome, ...(trouble ? { failure: trouble.view } : {}) });
    try {
      await handsWith('Write the report').publishReport({ report });
    } catch (error) {
      // The result of the workflow is the report; a store that cannot take its copy must not lose the recovery.
      this.#record.note(`the report could not be written to the store: ${troubleOf(error).view.message}`);
    }
    return this.#record.report(this.settings, { outcome, ...(trouble ? { failure: trouble.view } : {}) });
  }

  async #tell(event: string, message: string, urgent: boolean): Promise<void> {
    try {
      await handsWith(`Notify: ${event}`).notify({ event, message, urgent });
    } catch (error) {
      if (isCancellation(error)) throw error;
      this.#record.note(`nobody could be notified of ${event}: ${troubleOf(error).view.message}`);
    }
  }
}
