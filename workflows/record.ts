import { setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { renderChecklist } from '../domain/checklist.ts';
import { type Plan, planHash } from '../domain/plan.ts';
import { PhaseClock } from '../domain/phase-clock.ts';
import {
  type Awaits,
  type Decision,
  isKept,
  type Outcome,
  type Phase,
  type RunReport,
  type RunStatus,
  type StepRecord,
  type UndoRecord,
} from '../domain/report.ts';
import type { RunInput } from '../domain/run-input.ts';
import type { Initiator, RunSettings } from '../domain/settings.ts';
import { type Gate, overallVerdict, type Verdict } from '../domain/verdict.ts';
import * as attributes from './search-attributes.ts';
import type { Ending, StepDefinition, StoryFacts } from './story.ts';

const MOST_REFUSALS = 50;

/** Everything that is known of a run: kept by the protocol, shown live, and turned into the report at the end. */
export class RunRecord {
  readonly #scenario: string;
  readonly #input: RunInput;
  readonly #startedAt = workflowInfo().startTime;
  readonly #steps: Map<string, StepRecord>;
  readonly #decisions: Decision[] = [];
  readonly #undo: UndoRecord[] = [];
  readonly #notes: string[] = [];
  readonly #gates = new Map<string, Gate>();
  readonly #artifacts: RunReport['artifacts'] = {};
  readonly #clock: PhaseClock;
  readonly faultDeclaredAt: Date;
  #awaiting: string | undefined;
  #plan: { plan: Plan; hash: string } | undefined;
  #outcome: Outcome | undefined;
  #facts: StoryFacts = {};
  /** Which message would let the run go on; the desk keeps it. */
  awaits: Awaits | undefined;
  settings: RunSettings | undefined;
  initiator: Initiator = {};

  constructor(scenario: string, input: RunInput, steps: Record<string, StepDefinition>) {
    this.#scenario = scenario;
    this.#input = input;
    this.#steps = new Map(
      Object.entries(steps).map(([name, { title, phase }]) => [
        name,
        { name, title, phase, state: 'pending', attempts: 0 },
      ]),
    );
    this.faultDeclaredAt = input.faultDeclaredAt === undefined ? this.#startedAt : new Date(input.faultDeclaredAt);
    this.#clock = new PhaseClock(this.faultDeclaredAt);
    upsertSearchAttributes([
      { key: attributes.scenario, value: scenario },
      { key: attributes.drill, value: input.drill ?? false },
      { key: attributes.phase, value: this.#clock.phase },
    ]);
    this.show();
  }

  /** The run knows where it is. */
  open(settings: RunSettings, initiator: Initiator): void {
    this.settings = settings;
    this.initiator = initiator;
    upsertSearchAttributes([{ key: attributes.environment, value: settings.environment }]);
    this.show();
  }

  /** Where the run takes place, for people. */
  get place(): string {
    const { environment = 'unknown', collectionName = '', collection = '' } = this.settings ?? {};
    return `${environment}: ${collectionName} is ${collection}`;
  }

  get plan(): { plan: Plan; hash: string } | undefined {
    return this.#plan;
  }

  get gates(): Gate[] {
    return [...this.#gates.values()];
  }

  get verdict(): Verdict {
    const skipped = [...this.#steps.values()].some((step) => step.state === 'skipped');
    const verdict = overallVerdict(this.gates);
    return skipped && verdict === 'pass' ? 'unproven' : verdict;
  }

  step(name: string): StepRecord {
    const step = this.#steps.get(name);
    if (!step) throw new Error(`the runbook has no step named ${name}`);
    return step;
  }

  update(name: string, change: Partial<StepRecord>): void {
    this.#steps.set(name, { ...this.step(name), ...change });
    this.show();
  }

  /** The step is done; what went wrong on the way is mended, and its tries say that there was something. */
  finish(name: string, result: string | undefined): void {
    const { failure: _mended, ...step } = this.step(name);
    const ended = { state: 'done', endedAt: new Date().toISOString() } as const;
    this.#steps.set(name, { ...step, ...ended, ...(result === undefined ? {} : { result }) });
    this.show();
  }

  enter(phase: Phase): void {
    if (phase !== this.#clock.phase) upsertSearchAttributes([{ key: attributes.phase, value: phase }]);
    this.#clock.enter(phase, new Date());
  }

  await(what: string | undefined): void {
    this.#awaiting = what;
    this.show();
  }

  propose(plan: Plan): string {
    const hash = planHash(plan);
    this.#plan = { plan, hash };
    this.show();
    return hash;
  }

  judge(gates: readonly Gate[]): void {
    for (const gate of gates) this.#gates.set(gate.name, gate);
    this.show();
  }

  decide(decision: Omit<Decision, 'at'>): void {
    // Refusals are kept for the record, but whoever can send them must not be able to fill it.
    if (
      decision.refused !== undefined &&
      this.#decisions.filter(({ refused }) => refused !== undefined).length >= MOST_REFUSALS
    )
      return;
    this.#decisions.push({ at: new Date().toISOString(), ...decision });
    this.show();
  }

  approvals(): Decision[] {
    return this.#decisions.filter(
      ({ what, refused, plan }) => what === 'approve' && !refused && plan === this.#plan?.hash,
    );
  }

  undone(record: UndoRecord): void {
    this.#undo.push(record);
    this.show();
  }

  note(text: string): void {
    this.#notes.push(text);
  }

  learn(facts: StoryFacts): void {
    this.#facts = { ...this.#facts, ...facts };
  }

  keep(name: string, artifact: RunReport['artifacts'][string]): void {
    this.#artifacts[name] = artifact;
  }

  /** Every gate is green: the RTO ends here. One that was skipped was not seen to be. */
  recovered(): void {
    if (this.verdict !== 'pass') return;
    this.#clock.stop(new Date());
    upsertSearchAttributes([{ key: attributes.rtoSeconds, value: Math.round(this.#rtoSeconds() ?? 0) }]);
  }

  /** What was recovered has been undone. */
  unrecovered(): void {
    const { rpo } = this.#facts;
    if (rpo) this.learn({ rpo: { ...rpo, chunksLost: rpo.chunksDamaged } });
    if (!this.#clock.recoveredAt) return;
    this.#clock.void();
    upsertSearchAttributes([{ key: attributes.rtoSeconds, value: null }]);
  }

  close(outcome: Outcome): void {
    this.#outcome = outcome;
    this.#awaiting = undefined;
    upsertSearchAttributes([
      { key: attributes.outcome, value: outcome },
      { key: attributes.verdict, value: isKept(outcome) ? this.verdict : 'fail' },
      { key: attributes.phase, value: 'closed' },
    ]);
    this.show();
  }

  show(): void {
    setCurrentDetails(renderChecklist(this.status(), new Date()));
  }

  status(): RunStatus {
    return {
      scenario: this.#scenario,
      environment: this.settings?.environment ?? 'unknown',
      phase: this.#outcome === undefined ? this.#clock.phase : 'closed',
      ...(this.#awaiting === undefined ? {} : { awaiting: this.#awaiting }),
      ...(this.awaits === undefined ? {} : { awaits: this.awaits }),
      ...(this.#plan ? { plan: this.#plan.plan, planHash: this.#plan.hash } : {}),
      steps: [...this.#steps.values()],
      gates: this.gates,
      decisions: [...this.#decisions],
      startedAt: this.#startedAt.toISOString(),
      faultDeclaredAt: this.faultDeclaredAt.toISOString(),
      ...(this.#clock.recoveredAt ? { recoveredAt: this.#clock.recoveredAt.toISOString() } : {}),
      ...(this.#outcome === undefined ? {} : { outcome: this.#outcome }),
    };
  }

  report(settings: RunSettings, { outcome, failure }: Ending): RunReport {
    const { workflowId, runId } = workflowInfo();
    const { awaiting: _awaiting, awaits: _awaits, phase: _phase, ...seen } = this.status();
    const rto = this.#rtoSeconds();
    return {
      ...seen,
      ...this.#facts,
      version: 1,
      workflowId,
      runId,
      drill: this.#input.drill ?? false,
      ...(this.#input.reason === undefined ? {} : { reason: this.#input.reason }),
      initiator: this.initiator,
      outcome,
      verdict: isKept(outcome) ? this.verdict : 'fail',
      endedAt: new Date().toISOString(),
      ...(rto === undefined ? {} : { rtoSeconds: rto }),
      phases: this.#clock.seconds(),
      objectives: settings.objectives,
      undo: [...this.#undo],
      notes: [...this.#notes],
      artifacts: { ...this.#artifacts },
      ...(failure ? { failure } : {}),
    };
  }

  #rtoSeconds(): number | undefined {
    const { recoveredAt } = this.#clock;
    return recoveredAt && Math.max(0, (recoveredAt.getTime() - this.faultDeclaredAt.getTime()) / 1000);
  }
}
