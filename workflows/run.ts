import { workflowInfo } from '@temporalio/workflow';
import { clockIn, stableRunId } from './moments.ts';
import { runFolderOf, scratchNameOf } from '../domain/names.ts';
import type { Place } from '../domain/partial-loss-plan.ts';
import type { Plan } from '../domain/plan.ts';
import type { RunReport } from '../domain/report.ts';
import type { RunInput } from '../domain/run-input.ts';
import type { RunSettings } from '../domain/settings.ts';
import { describeGate, type Gate, overallVerdict } from '../domain/verdict.ts';
import type { Attendance, Resume } from './attendance.ts';
import { holdCommitWindow, type Watch } from './commit-window.ts';
import type { Desk } from './desk.ts';
import { failureWith } from './failure.ts';
import { type Hands, handsWith } from './hands.ts';
import type { RunRecord } from './record.ts';
import type { StepDefinition, StoryFacts } from './story.ts';
import { Stop } from './stop.ts';
import type { UndoStack } from './undo.ts';

/** What the protocol keeps for a run, and a story does not touch by itself. */
export interface Keeping {
  readonly record: RunRecord;
  readonly desk: Desk;
  readonly attendance: Attendance;
  readonly undo: UndoStack;
  readonly cleanup: UndoStack;
}

/** A run, as its story sees it. */
export class Run<K extends string> {
  readonly #steps: Record<K, StepDefinition>;
  readonly #input: RunInput;
  readonly #record: RunRecord;
  readonly #desk: Desk;
  readonly #attendance: Attendance;
  readonly #undo: UndoStack;
  readonly #cleanup: UndoStack;

  constructor(steps: Record<K, StepDefinition>, input: RunInput, { record, desk, attendance, undo, cleanup }: Keeping) {
    this.#steps = steps;
    this.#input = input;
    this.#record = record;
    this.#desk = desk;
    this.#attendance = attendance;
    this.#undo = undo;
    this.#cleanup = cleanup;
  }

  /** What the worker's configuration lets a run know. */
  get settings(): RunSettings {
    if (!this.#record.settings) throw new Error('the run is not open yet');
    return this.#record.settings;
  }

  /** Where this run keeps its artifacts in the store. */
  get folder(): string {
    return runFolderOf(workflowInfo().workflowId, stableRunId());
  }

  /** Name of a collection that this run makes beside the live one. */
  scratch(purpose: 'restore' | 'before' | 'verify'): string {
    return scratchNameOf(this.settings.collection, purpose, stableRunId());
  }

  /** Tells apart what this run makes from what others do, also after a reset. */
  readonly runId = stableRunId();

  readonly workflowId = workflowInfo().workflowId;

  /** Whether this is practice. */
  get drill(): boolean {
    return this.#input.drill ?? false;
  }

  /** Whether every gate so far is green, and nothing was skipped. */
  get proven(): boolean {
    return this.#record.verdict === 'pass';
  }

  /** When the fault was declared: where the RTO clock began. */
  get faultDeclaredAt(): Date {
    return this.#record.faultDeclaredAt;
  }

  get #commitWindowMinutes(): number {
    return this.#input.commitWindowMinutes ?? this.settings.commitWindowMinutes;
  }

  /** Where a plan of this run takes place. */
  get place(): Place {
    const { environment, collectionName, collection } = this.settings;
    return {
      environment,
      collectionName,
      collection,
      runId: stableRunId(),
      scratch: this.scratch('restore'),
      faultDeclaredAt: this.faultDeclaredAt.toISOString(),
      commitWindowMinutes: this.#commitWindowMinutes,
    };
  }

  /** Facts for the report. */
  learn(facts: StoryFacts): void {
    this.#record.learn(facts);
  }

  /** Something that whoever reads the report should know. */
  note(text: string): void {
    this.#record.note(text);
  }

  /** Gates that are told in the report and hold nothing up. */
  judge(gates: readonly Gate[]): void {
    this.#record.judge(gates);
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
  async step<T>(name: K, body: (act: Hands) => Promise<T>, say?: (result: T) => string): Promise<T | undefined> {
    const done = await this.#perform(name, body, say);
    return done?.result;
  }

  /** A step that must not be skipped, so its result is always there. */
  async must<T>(name: K, body: (act: Hands) => Promise<T>, say?: (result: T) => string): Promise<T> {
    const done = await this.#perform(name, body, say);
    if (!done) throw failureWith('UNEXPECTED', `${name}: skipped, though the steps after it need its result`);
    return done.result;
  }

  /** @returns the result, boxed because it may be `undefined`; nothing when a person skipped the step */
  async #perform<T>(
    name: K,
    body: (act: Hands) => Promise<T>,
    say?: (result: T) => string,
  ): Promise<{ result: T } | undefined> {
    const { title, phase, skippable } = this.#steps[name];
    this.#record.enter(phase);
    this.#record.update(name, { startedAt: new Date().toISOString() });
    this.#desk.skippable = skippable !== undefined;
    const resume: Resume = new Map();
    for (let attempts = 1; ; attempts += 1) {
      this.#record.update(name, { state: 'running', attempts });
      try {
        const result = await this.#attendance.interruptible(() => body(handsWith(title, resume)));
        this.#record.finish(name, say?.(result));
        return { result };
      } catch (error) {
        const skipped = await this.#attendance.afterFailure(name, error, attempts, resume);
        if (skipped) return undefined;
      }
    }
  }

  /** A step made of gates: it is done when every gate is green, and asks a person when one is not. */
  async verify(name: K, body: (act: Hands) => Promise<Gate[]>): Promise<void> {
    await this.step(
      name,
      async (act) => {
        const gates = await body(act);
        this.#record.judge(gates);
        const red = gates.filter((gate) => gate.verdict !== 'pass');
        if (overallVerdict(gates) !== 'pass')
          throw failureWith('GATE_NOT_GREEN', red.map(describeGate).join('; ') || 'no gate was checked');
        return gates;
      },
      (gates) => `${gates.length} ${gates.length === 1 ? 'gate' : 'gates'} green`,
    );
  }

  /** Shows the plan and waits until enough people have approved its hash. Ends the run when they do not. */
  async approval(name: K, plan: Plan): Promise<void> {
    const { title, phase } = this.#steps[name];
    const { timeoutMinutes } = this.settings.approval;
    this.#record.enter(phase);
    this.#record.update(name, { state: 'waiting', startedAt: new Date().toISOString(), attempts: 1 });
    this.#desk.expect('approval');
    const hash = this.#record.propose(plan);
    this.#record.await(`approval of plan ${hash.slice(0, 12)} until ${clockIn(timeoutMinutes)}`);
    await this.#attendance.tell('approval-needed', `${title}: plan ${hash.slice(0, 12)}: ${plan.reason}`, true);
    const settled = await this.#attendance.untilSomebody(
      () => this.#desk.answer !== undefined || this.#desk.missingApprovals <= 0,
      { seconds: timeoutMinutes * 60, escalateMinutes: this.settings.escalateMinutes, summary: title },
    );
    const rejected = this.#desk.answer === 'reject';
    this.#desk.expect(undefined);
    this.#record.await(undefined);
    const approved = settled && !rejected;
    const by = this.#record
      .approvals()
      .map((decision) => decision.by)
      .join(', ');
    const result = approved
      ? `approved by ${by}`
      : rejected
        ? 'rejected'
        : `nobody approved within ${timeoutMinutes} min`;
    this.#record.update(name, { state: approved ? 'done' : 'failed', endedAt: new Date().toISOString(), result });
    if (!approved) throw new Stop(rejected ? 'rejected' : 'expired');
  }

  /** What was done stays from here on, however the run ends. */
  settle(): void {
    this.#undo.clear();
  }

  /** Every gate is green: the RTO clock stops here. */
  recovered(): void {
    this.#record.recovered();
  }

  /** Nothing needs doing: the run ends here, having changed nothing. */
  nothingToDo(): never {
    throw new Stop('nothing-to-do');
  }

  /**
   * The time in which one update puts everything back. Afterwards what was kept for undoing is released. With a `watch` the
   * run looks at what it has made all the while, and puts everything back by itself when the watch says so.
   */
  async commitWindow(name: K, watch?: Watch): Promise<void> {
    const { phase, title } = this.#steps[name];
    const [record, desk, attendance] = [this.#record, this.#desk, this.#attendance];
    const window = { name, phase, title, minutes: this.#commitWindowMinutes };
    await holdCommitWindow({ record, desk, attendance }, window, watch);
    this.#desk.close();
    this.#undo.clear();
  }
}
