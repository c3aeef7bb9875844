import type { Colors } from 'picocolors/types.js';
import { describeSeconds } from '../domain/format.ts';
import type { RunReport } from '../domain/report.ts';
import type { Verdict } from '../domain/verdict.ts';

/** What `--json` prints: the same for every scenario. */
export interface DrillResult {
  readonly scenario: string;
  readonly verdict: Verdict;
  readonly rtoSeconds: number | null;
  readonly phases: RunReport['phases'];
  readonly rpo: RunReport['rpo'] | null;
  readonly gates: RunReport['gates'];
  readonly workflowId: string | null;
  /** Path of the report, and where the Web UI shows the run while the sandbox is kept up. */
  readonly report: string | null;
  readonly webUi: string | null;
  /** What was broken, in a sentence each. */
  readonly broken: readonly string[];
  /** Why the verdict is not `pass`; absent when it is. */
  readonly why?: string;
}

/** The result of a drill that did not come to a report. */
export function failedDrill(scenario: string, error: unknown): DrillResult {
  const why = error instanceof Error ? error.message : String(error);
  return {
    scenario,
    verdict: 'fail',
    rtoSeconds: null,
    phases: {},
    rpo: null,
    gates: [],
    workflowId: null,
    report: null,
    webUi: null,
    broken: [],
    why,
  };
}

/**
 * The verdict of a drill. A drill that proves nothing must not pass: the run has to have found damage, mended it, and
 * proven every gate.
 */
export function judge(report: RunReport): { verdict: Verdict; why?: string } {
  if (report.verdict !== 'pass')
    return { verdict: report.verdict, why: report.failure?.message ?? `the run ended ${report.outcome}` };
  if (report.outcome !== 'recovered')
    return { verdict: 'unproven', why: `nothing was recovered: the run ended ${report.outcome}` };
  if (!report.plan || report.steps.every(({ phase, state }) => phase !== 'restore' || state === 'pending')) {
    return { verdict: 'unproven', why: 'nothing was restored' };
  }
  return { verdict: 'pass' };
}

/** The last lines of a drill, for people. */
export function renderDrill(result: DrillResult, color: Pick<Colors, 'bold' | 'green' | 'red' | 'yellow'>): string {
  const paint = { pass: color.green, fail: color.red, unproven: color.yellow }[result.verdict];
  const lines = [
    '',
    color.bold(`Verdict: ${paint(result.verdict)}${result.why === undefined ? '' : ` — ${result.why}`}`),
    ...result.gates.map(
      (gate) => `  ${gate.verdict === 'pass' ? color.green('✔') : color.red('✘')} ${gate.name}: ${gate.observed}`,
    ),
  ];
  if (result.rtoSeconds !== null) {
    const phases = Object.entries(result.phases).map(([phase, seconds]) => `${phase} ${describeSeconds(seconds)}`);
    lines.push(`RTO: ${describeSeconds(result.rtoSeconds)} (${phases.join(', ')})`);
  }
  if (result.rpo)
    lines.push(
      `RPO: ${result.rpo.chunksLost} of ${result.rpo.chunksDamaged} damaged chunks not back, ${result.rpo.turnsLost} chat turns lost`,
    );
  if (result.report !== null) lines.push(`Report: ${result.report}`);
  if (result.webUi !== null) lines.push(`Web UI: ${result.webUi}`);
  return lines.join('\n');
}
