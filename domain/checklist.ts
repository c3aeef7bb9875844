import { cell, describeSeconds, table } from './format.ts';
import { shortHash } from './plan.ts';
import type { RunStatus, StepRecord, StepState } from './report.ts';
import { describeGate, type Gate } from './verdict.ts';

const MARKS: Record<StepState, string> = {
  pending: '·',
  running: '▶ running',
  waiting: '⏸ waiting',
  done: '✔ done',
  skipped: '↷ skipped',
  failed: '✘ failed',
};

/**
 * The Markdown that the Web UI shows as Current Details: what is awaited from whom first, then the plan while it waits
 * for approval, then every step. The Web UI renders CommonMark with GFM tables, and no raw HTML.
 */
export function renderChecklist(status: RunStatus, now: Date): string {
  const elapsed = (now.getTime() - Date.parse(status.faultDeclaredAt)) / 1000;
  return [
    `**${status.scenario}** in **${status.environment}** — ${status.outcome ?? `phase *${status.phase}*`}`,
    status.awaiting === undefined ? '' : `### Waiting for: ${cell(status.awaiting)}`,
    status.outcome === undefined
      ? `RTO clock: ${describeSeconds(elapsed)} since the fault was declared (${status.faultDeclaredAt}).`
      : '',
    approvalHelp(status),
    table(
      ['', 'step', 'time', 'result'],
      status.steps.map((step) => stepRow(step, now)),
    ),
    status.gates.length === 0 ? '' : gateTable(status.gates),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function approvalHelp(status: RunStatus): string {
  if (!status.plan || !status.planHash || status.phase !== 'decide' || status.outcome) return '';
  const payload = JSON.stringify({ plan: shortHash(status.planHash), approver: 'your name' });
  return [
    `**Plan \`${shortHash(status.planHash)}\`** — ${cell(status.plan.reason)}`,
    table(
      ['#', 'what will be done', 'why'],
      status.plan.steps.map((step, i) => [String(i + 1), step.what, step.why ?? '']),
    ),
    `What will be lost: ${cell(status.plan.loss)} It will take about ${describeSeconds(status.plan.expectedSeconds)}.`,
    `To approve: *Send an Update* → \`approve\` → paste and put your name in: \`${payload}\``,
    'To refuse: *Send an Update* → `reject` → `{}`.',
  ].join('\n\n');
}

function stepRow(step: StepRecord, now: Date): string[] {
  const note = step.failure
    ? `${step.failure.message} — ${step.failure.next}`
    : (step.skipped?.reason ?? step.result ?? '');
  const tries = step.attempts > 1 ? ` (try ${step.attempts})` : '';
  return [MARKS[step.state], `${step.title}${tries}`, duration(step, now), note];
}

function duration(step: StepRecord, now: Date): string {
  if (step.startedAt === undefined) return '';
  const end = step.endedAt === undefined ? now.getTime() : Date.parse(step.endedAt);
  return describeSeconds((end - Date.parse(step.startedAt)) / 1000);
}

function gateTable(gates: readonly Gate[]): string {
  return table(
    ['gate', 'verdict', ''],
    gates.map((gate) => [gate.name, gate.verdict, describeGate(gate)]),
  );
}
