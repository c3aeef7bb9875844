import { describeSeconds } from '../domain/format.ts';
import { shortHash } from '../domain/plan.ts';
import type { RunStatus, StepRecord, StepState } from '../domain/report.ts';
import { describeGate } from '../domain/verdict.ts';
import { clean, type Output } from './output.ts';
import { type Page, renderTable } from './table.ts';

const MARKS: Record<StepState, string> = {
  pending: '·',
  running: '▶ running',
  waiting: '⏸ waiting',
  done: '✔ done',
  skipped: '↷ skipped',
  failed: '✘ failed',
};

/** The run as a page: what it waits for first, then every step. */
export function statusPage(status: RunStatus, out: Output, page: Page, now: Date): string {
  const { paint } = out;
  const elapsed = (now.getTime() - Date.parse(status.faultDeclaredAt)) / 1000;
  const clock =
    status.outcome === undefined ? `, ${describeSeconds(Math.max(0, elapsed))} since the fault was declared` : '';
  const colored = (text: string, column: number): string => (column === 0 ? paintMark(text, paint) : text);
  return [
    `${paint.bold(status.scenario)} in ${paint.bold(status.environment)}: ${status.outcome ?? `phase ${status.phase}`}${clock}`,
    status.awaiting === undefined ? '' : paint.yellow(`Waiting for: ${clean(status.awaiting)}`),
    awaitsApproval(status) ? planText(status, page) : '',
    renderTable(
      page,
      ['', 'step', 'time', 'result'],
      status.steps.map((step) => stepRow(step, now)),
      colored,
    ),
    ...status.gates.map(
      (gate) =>
        `${gate.verdict === 'pass' ? paint.green('pass') : paint.red(gate.verdict)}  ${clean(describeGate(gate))}`,
    ),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

/** True while the plan waits for somebody to approve it. */
export function awaitsApproval({ awaits }: RunStatus): boolean {
  return awaits === 'approval';
}

/** The plan, as the person who approves it must read it. */
export function planText({ plan, planHash = '' }: RunStatus, page: Page): string {
  if (!plan) return '';
  return [
    `Plan ${shortHash(planHash)} for ${clean(plan.target)}: ${clean(plan.reason)}`,
    renderTable(
      page,
      ['#', 'what will be done', 'why'],
      plan.steps.map((step, at) => [String(at + 1), step.what, step.why ?? '']),
    ),
    `What will be lost: ${clean(plan.loss)} It will take about ${describeSeconds(plan.expectedSeconds)}.`,
  ].join('\n');
}

/** What has changed between two looks, one line each, for logs and pipes. */
export function changes(before: RunStatus | undefined, after: RunStatus): string[] {
  const old = new Map(before?.steps.map((step) => [step.name, stepLine(step)]));
  const steps = after.steps
    .filter((step) => step.state !== 'pending' && old.get(step.name) !== stepLine(step))
    .map(stepLine);
  const { awaiting } = after;
  return awaiting === undefined || awaiting === before?.awaiting
    ? steps
    : [...steps, `Waiting for: ${clean(awaiting)}`];
}

function stepLine(step: StepRecord): string {
  const note = noteOf(step);
  return clean(`${MARKS[step.state]}: ${step.title}${note === '' ? '' : ` (${note})`}`);
}

function stepRow(step: StepRecord, now: Date): string[] {
  const end = step.endedAt === undefined ? now.getTime() : Date.parse(step.endedAt);
  const seconds = step.startedAt === undefined ? undefined : Math.max(0, (end - Date.parse(step.startedAt)) / 1000);
  return [MARKS[step.state], step.title, seconds === undefined ? '' : describeSeconds(seconds), noteOf(step)];
}

function noteOf(step: StepRecord): string {
  const tries = step.attempts > 1 ? [`try ${step.attempts}`] : [];
  const failure = step.failure && step.state !== 'done' ? [`${step.failure.message} — ${step.failure.next}`] : [];
  const rest = step.skipped?.reason ?? step.result;
  return [...tries, ...failure, ...(rest === undefined || failure.length > 0 ? [] : [rest])].join(', ');
}

function paintMark(mark: string, paint: Output['paint']): string {
  if (mark === MARKS.done) return paint.green(mark);
  if (mark === MARKS.failed) return paint.red(mark);
  return mark === MARKS.pending ? paint.dim(mark) : paint.yellow(mark);
}
