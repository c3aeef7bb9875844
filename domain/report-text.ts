import { describeCounts } from './damage.ts';
import { describeCount, describeSeconds, table } from './format.ts';
import { shortHash } from './plan.ts';
import type { Outcome, RunReport } from './report.ts';

const HEADLINES: Record<Outcome, string> = {
  recovered: 'Recovered, and every gate is green.',
  completed: 'Completed, and every gate is green.',
  'nothing-to-do': 'Nothing was damaged; nothing was changed.',
  rejected: 'The plan was rejected; nothing was changed.',
  expired: 'Nobody approved the plan in time; nothing was changed.',
  aborted: 'Aborted; what had been done was undone.',
  'rolled-back': 'Rolled back within the commit window; everything is as it was before the run.',
  refused: 'The run was refused or failed; what had been done was undone.',
};

/** The report as Markdown: what happened in plain words first, proof after. */
export function renderReport(report: RunReport): string {
  return `${[
    `# ${report.scenario} in ${report.environment}${report.drill ? ' (drill)' : ''}`,
    `**Verdict: ${report.verdict}.** ${headline(report)}`,
    report.failure ? `Failure ${report.failure.code}: ${report.failure.message} — ${report.failure.next}` : '',
    measures(report),
    report.plan ? planSection(report) : '',
    report.outcome === 'rolled-back' ? '## Gates, before the roll back' : '## Gates',
    report.gates.length > 0
      ? table(
          ['gate', 'verdict', 'expected', 'observed'],
          report.gates.map((g) => [g.name, g.verdict, g.expected, g.observed]),
        )
      : 'No gate was reached.',
    '## Steps',
    table(['step', 'phase', 'state', 'tries', 'seconds', 'result'], report.steps.map(stepRow)),
    '## Decisions',
    report.decisions.length > 0
      ? table(
          ['when', 'what', 'who says so', 'note'],
          report.decisions.map((d) => [
            d.at,
            d.refused ? `${d.what} (refused)` : d.what,
            d.by,
            d.refused ?? d.note ?? '',
          ]),
        )
      : 'Nobody had to decide anything.',
    report.undo.length > 0
      ? `## Undone and cleaned up\n\n${table(
          ['', 'what', 'outcome', ''],
          report.undo.map((u) => [u.kind, u.title, u.outcome, u.message ?? '']),
        )}`
      : '',
    report.notes.length > 0 ? `## Notes\n\n${report.notes.map((note) => `- ${note}`).join('\n')}` : '',
    identity(report),
  ]
    .filter((part) => part !== '')
    .join('\n\n')}\n`;
}

function headline(report: RunReport): string {
  if (report.undo.some(({ kind, outcome }) => kind === 'undo' && outcome !== 'done')) {
    return `Ended ${report.outcome}, and NOT everything could be undone: see “Undone and cleaned up”.`;
  }
  const kept = report.verdict === 'pass' || !['recovered', 'completed'].includes(report.outcome);
  return kept ? HEADLINES[report.outcome] : 'Came to its end, but not every gate is proven.';
}

function measures(report: RunReport): string {
  if (report.outcome === 'completed') return '';
  const rto = report.rtoSeconds === undefined ? 'not reached' : describeSeconds(report.rtoSeconds);
  const phases = Object.entries(report.phases).map(([phase, seconds]) => `${phase} ${describeSeconds(seconds)}`);
  const rows = [['RTO', rto, describeSeconds(report.objectives.rtoSeconds), phases.join(', ')]];
  if (report.rpo && report.rpo.chunksDamaged > 0) {
    const { setAgeSeconds, chunksDamaged, chunksLost, turnsLost } = report.rpo;
    const lost = `${describeCount(chunksLost)} of ${describeCount(chunksDamaged)} damaged chunks not back, ${describeCount(turnsLost)} chat turns lost`;
    const age = setAgeSeconds === undefined ? '' : `the set was ${describeSeconds(setAgeSeconds)} old; `;
    rows.push(['RPO', lost, describeSeconds(report.objectives.rpoSeconds), age.replace(/; $/, '')]);
  }
  return table(['', 'measured', 'objective', ''], rows);
}

function planSection(report: RunReport): string {
  const { plan, planHash = '', damage, set } = report;
  if (!plan) return '';
  return [
    `## Plan \`${shortHash(planHash)}\``,
    `${plan.reason}.\n\nWhat is lost: ${plan.loss}`,
    table(
      ['step', 'what', 'why'],
      plan.steps.map((step) => [step.step, step.what, step.why ?? '']),
    ),
    damage ? `Damage found: ${describeCounts(damage.counts)}. Recovery set: \`${set ?? ''}\`.` : '',
    damage && damage.sections.length > 0
      ? table(
          ['affected section', 'chunks'],
          damage.sections.slice(0, 20).map(({ section, findings }) => [section, String(findings)]),
        )
      : '',
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function stepRow(step: RunReport['steps'][number]): string[] {
  const seconds =
    step.startedAt && step.endedAt ? ((Date.parse(step.endedAt) - Date.parse(step.startedAt)) / 1000).toFixed(1) : '';
  const state = step.state === 'pending' ? 'not needed' : step.state;
  return [
    step.title,
    step.phase,
    state,
    String(step.attempts),
    seconds,
    step.failure?.message ?? step.skipped?.reason ?? step.result ?? '',
  ];
}

function identity(report: RunReport): string {
  const { initiator, workflowId, runId } = report;
  const who =
    initiator.principal ?? (initiator.claimed === undefined ? 'unknown' : `${initiator.claimed} (claimed, not proven)`);
  const artifacts = Object.entries(report.artifacts).map(([name, { key, sha256 }]) => [
    name,
    `\`${key}\``,
    `\`${sha256}\``,
  ]);
  return [
    '## Record',
    table(
      ['', ''],
      [
        ['workflow', `\`${workflowId}\``],
        ['run', `\`${runId}\``],
        ['started by', who],
        ['fault declared', report.faultDeclaredAt],
        ['started', report.startedAt],
        ...(report.outcome === 'completed' ? [] : [['gates green', report.recoveredAt ?? 'never']]),
        ['ended', report.endedAt],
        ['plan', report.planHash ? `\`${report.planHash}\`` : 'none'],
      ],
    ),
    artifacts.length > 0 ? table(['artifact', 'key in the store', 'SHA-256'], artifacts) : '',
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}
