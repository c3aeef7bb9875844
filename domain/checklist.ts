import { cell, describeSeconds, table } from './format.ts';
import { shortHash } from './plan.ts';
import type { RunStatus, StepRecord, StepState } from './report.ts';
import type { Gate } from './verdict.ts';

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
  return [
    `**${status.scenario}** in **${status.environment}** — ${status.outcome ?? `phase *${status.phase}*`}`,
    status.awaiting === undefined ? '' : `### Waiting for: ${cell(status.awaiting)}`,
    clock(status, now),
    approvalHelp(status),
    answerHelp(status),
    airyTable(
      ['step', 'state', 'time', 'result'],
      status.steps.map((step) => stepRow(step, status.outcome !== undefined)),
    ),
    status.gates.length === 0 ? '' : gateTable(status.gates),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** The page is written anew only when something happens, so a running clock is told by when it began. */
function clock(status: RunStatus, now: Date): string {
  const { recoveredAt, faultDeclaredAt, outcome } = status;
  if (recoveredAt !== undefined)
    return `RTO: ${between(faultDeclaredAt, recoveredAt)}; every gate was green at ${recoveredAt}.`;
  if (outcome !== undefined) return '';
  const written = now.toISOString();
  return `RTO clock: running since ${faultDeclaredAt} (${between(faultDeclaredAt, written)} when this was written, ${written}).`;
}

function approvalHelp(status: RunStatus): string {
  if (!status.plan || !status.planHash || status.phase !== 'decide' || status.outcome) return '';
  const payload = JSON.stringify({ plan: shortHash(status.planHash), approver: 'your name' });
  return [
    `**Plan \`${shortHash(status.planHash)}\`** — ${cell(status.plan.reason)}`,
    airyTable(
      ['what will be done', 'why'],
      status.plan.steps.map((step, i) => [`${i + 1}. ${step.what}`, step.why ?? '']),
    ),
    `What will be lost: ${cell(status.plan.loss)} It will take about ${describeSeconds(status.plan.expectedSeconds)}.`,
    `To approve: *Send an Update* → \`approve\` → paste and put your name in: \`${payload}\``,
    'To refuse: *Send an Update* → `reject` → `{}`.',
  ].join('\n\n');
}

/** What to send, where it is needed. */
function answerHelp({ awaits }: RunStatus): string {
  if (awaits === 'commit')
    return 'To keep the recovery: *Send an Update* → `commit` → `{}`. To undo it: `rollBack` → `{}`.';
  if (awaits === 'operator')
    return 'To try again: *Send an Update* → `retryStep` → `{}`. To stop and undo: *Send a Signal* → `abort` → `{}`.';
  if (awaits === 'outage') return 'It goes on by itself. To try now: *Send an Update* → `retryStep` → `{}`.';
  return '';
}

function stepRow(step: StepRecord, over: boolean): string[] {
  const note = step.failure
    ? `${step.failure.message} — ${step.failure.next}`
    : (step.skipped?.reason ?? step.result ?? '');
  const tries = step.attempts > 1 ? ` (try ${step.attempts})` : '';
  const mark = over && step.state === 'pending' ? 'not needed' : MARKS[step.state];
  return [`${step.title}${tries}`, mark, duration(step), note];
}

function duration({ startedAt, endedAt }: StepRecord): string {
  if (startedAt === undefined) return '';
  return endedAt === undefined ? `since ${startedAt.slice(11, 19)}Z` : between(startedAt, endedAt);
}

function between(from: string, to: string): string {
  return describeSeconds(Math.max(0, Date.parse(to) - Date.parse(from)) / 1000);
}

function gateTable(gates: readonly Gate[]): string {
  return airyTable(
    ['gate', 'verdict', 'expected', 'seen'],
    gates.map((gate) => [gate.name, gate.verdict, gate.expected, gate.observed]),
  );
}

/** The Web UI draws tables without any space between columns: two no-break spaces, which nothing collapses. */
const GAP = '\u00a0\u00a0';

function airyTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return table(
    head,
    rows.map((row) => row.map((text, column) => (column < row.length - 1 ? `${text}${GAP}` : text))),
  );
}
