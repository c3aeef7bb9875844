import { describeCount, describeSeconds } from '../domain/format.ts';
import type { RunReport } from '../domain/report.ts';
import { clean, type Output } from './output.ts';
import { renderTable } from './table.ts';

/** The report as a page for people at a terminal; `renderReport` of domain makes the document. */
export function reportPage(report: RunReport, out: Output): string {
  const { paint, context } = out;
  const verdict = report.verdict === 'pass' ? paint.green('pass') : paint.red(report.verdict);
  const paintVerdict = (text: string, column: number): string =>
    column !== 1 ? text : text === 'pass' ? paint.green(text) : paint.red(text);
  return [
    `${paint.bold(report.scenario)} in ${paint.bold(report.environment)}${report.drill ? ' (drill)' : ''}: ${report.outcome}, verdict ${verdict}`,
    measures(report),
    report.failure ? out.failure(report.failure) : '',
    report.gates.length > 0
      ? renderTable(
          context.stdout,
          ['gate', 'verdict', 'expected', 'observed'],
          report.gates.map((gate) => [gate.name, gate.verdict, gate.expected, gate.observed]),
          paintVerdict,
        )
      : 'No gate was reached.',
    ...report.undo.map(
      (undo) => `${undo.kind} ${undo.outcome}: ${clean(undo.title)}${undo.message ? ` (${clean(undo.message)})` : ''}`,
    ),
    ...report.notes.map((note) => `note: ${clean(note)}`),
    paint.dim(`run ${report.workflowId} ${report.runId}${report.set ? `, set ${report.set}` : ''}`),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function measures({ outcome, rtoSeconds, objectives, phases, rpo }: RunReport): string {
  if (outcome === 'completed') return '';
  const split = Object.entries(phases).map(([phase, seconds]) => `${phase} ${describeSeconds(seconds)}`);
  const rto = rtoSeconds === undefined ? 'not reached' : describeSeconds(rtoSeconds);
  const lines = [
    `RTO ${rto} of ${describeSeconds(objectives.rtoSeconds)}${split.length > 0 ? ` (${split.join(', ')})` : ''}`,
  ];
  if (rpo && rpo.chunksDamaged > 0) {
    const age = rpo.setAgeSeconds === undefined ? '' : `, the set was ${describeSeconds(rpo.setAgeSeconds)} old`;
    lines.push(
      `RPO ${describeCount(rpo.chunksLost)} of ${describeCount(rpo.chunksDamaged)} damaged chunks not back, ${describeCount(rpo.turnsLost)} chat turns lost${age}`,
    );
  }
  return lines.join('\n');
}
