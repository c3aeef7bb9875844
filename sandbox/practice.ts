import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { runFolderOf } from '../domain/names.ts';
import { type RunReport, runReportSchema, runStatusSchema } from '../domain/report.ts';
import { breakStack } from './faults/break.ts';
import { APP_FAILURE, type BreakablePart, CLUSTER_LOSS, PARTIAL_LOSS } from './faults/index.ts';
import { overallVerdict } from '../domain/verdict.ts';
import { Operator } from './operator.ts';
import { type DrillResult, failedDrill, judge } from './practice-result.ts';
import { practiseSet } from './practice-set.ts';
import { progressLines } from './seed-progress.ts';
import { seed } from './seed.ts';
import { openControl } from './stack/control.ts';
import { renderStack } from './stack/page.ts';
import { startStack } from './stack/stack.ts';
import type { Stack } from './stack/types.ts';

const APPROVER = 'drill';
/** How long a drill waits for the run to come to its next decision. */
const PATIENCE_MS = 10 * 60_000;

/** The command adds what a script wants to know of the run itself. */
const statusSchema = z.object(runStatusSchema.shape);
const startedSchema = z.object({ workflowId: z.string(), runId: z.string() });

export const PRACTICES = ['partial-loss', 'qdrant-cluster', 'postgres', 'app-server', 'recovery-set'] as const;
export type PracticeName = (typeof PRACTICES)[number];

/** What is broken and recovered in each scenario that has a runbook. */
export const RECOVERIES = {
  'partial-loss': { system: 'qdrant', faults: PARTIAL_LOSS },
  'qdrant-cluster': { system: 'qdrant', faults: CLUSTER_LOSS },
  postgres: { system: 'postgres', faults: ['delete-rows'] },
  'app-server': { system: 'app', faults: APP_FAILURE },
} as const satisfies Partial<Record<PracticeName, { system: BreakablePart; faults: readonly string[] }>>;

export interface Practice {
  readonly scenario: PracticeName;
  readonly faults?: readonly string[] | undefined;
  readonly points?: number | undefined;
  readonly name: string;
  /** Leave the sandbox up until Ctrl-C. */
  readonly keep: boolean;
  say(line: string): void;
  /** Called once, with what came of it. */
  show(result: DrillResult): void;
}

/**
 * One drill on a fresh sandbox: back up, break, recover, prove. The result is shown before the
 * sandbox is stopped, or kept up until Ctrl-C.
 */
export async function practise(practice: Practice): Promise<void> {
  const { scenario, say, show, name, points, keep } = practice;
  const drill = scenario === 'recovery-set' ? proveSet : recover(scenario);
  // Postgres is recovered as on Neon, in its history.
  const stack = await startStack({ name, fresh: true, neon: scenario === 'postgres', onMessage: say });
  // Deployments ask it to start what they have brought.
  const control = await openControl(stack);
  try {
    await seed({ dir: stack.dir, env: stack.env }, { points, onProgress: progressLines(say) });
    show(await drill(practice, stack).catch((error: unknown) => failedDrill(scenario, error)));
    if (keep) await keepUp(stack, control.url, say);
  } finally {
    await control.close();
    await stack.stop();
  }
}

/** Scenario: a set is taken, damaged in ways that must be noticed, and proven by restoring it beside. */
async function proveSet(practice: Practice, stack: Stack): Promise<DrillResult> {
  const { report, controls, broken } = await practiseSet(practice, stack, new Operator(stack.env));
  const gates = [...controls, ...report.gates];
  const verdict = overallVerdict(gates);
  return {
    scenario: 'recovery-set',
    verdict,
    ...(verdict === 'pass'
      ? {}
      : { why: gates.find((gate) => gate.verdict !== 'pass')?.observed ?? 'nothing was proven' }),
    rtoSeconds: null,
    phases: report.phases,
    rpo: null,
    gates,
    ...(await whereToLook(practice, stack, report)),
    broken,
  };
}

async function whereToLook(
  { keep }: Practice,
  stack: Stack,
  { workflowId, runId }: Pick<RunReport, 'workflowId' | 'runId'>,
): Promise<Pick<DrillResult, 'workflowId' | 'report' | 'webUi'>> {
  const history = `namespaces/default/workflows/${encodeURIComponent(workflowId)}/${runId}/history`;
  return {
    workflowId,
    report: await reportPath(stack, workflowId, runId),
    webUi: keep ? `${stack.urls.temporalUi}/${history}` : null,
  };
}

/** Scenario: something is broken, and comes back. */
function recover(scenario: keyof typeof RECOVERIES): (practice: Practice, stack: Stack) => Promise<DrillResult> {
  return async (practice, stack) => {
    const { faults = RECOVERIES[scenario].faults, say } = practice;
    const operator = new Operator(stack.env);
    say('Taking a recovery set …');
    await operator.ask(z.unknown(), 'start', 'backup', '--drill', '--wait');
    const declaredAt = new Date().toISOString();
    const broken = [];
    for (const fault of faults) {
      broken.push(await breakStack(stack, RECOVERIES[scenario].system, fault));
      say(`Broken on purpose: ${broken.at(-1)}`);
    }
    const report = await runAsOnCall(operator, { scenario, declaredAt, faults, say });
    return {
      scenario,
      ...judge(report),
      rtoSeconds: report.rtoSeconds ?? null,
      phases: report.phases,
      rpo: report.rpo ?? null,
      gates: report.gates,
      ...(await whereToLook(practice, stack, report)),
      broken,
    };
  };
}

/** Starts the runbook, decides as a person would, and gives back the report. */
async function runAsOnCall(
  operator: Operator,
  {
    scenario,
    declaredAt,
    faults,
    say,
  }: { scenario: string; declaredAt: string; faults: readonly string[]; say(line: string): void },
): Promise<RunReport> {
  say('Starting the runbook, as somebody on call would …');
  const started = await operator.ask(
    startedSchema,
    'start',
    scenario,
    '--drill',
    '--fault-declared-at',
    declaredAt,
    '--reason',
    `practice: ${faults.join(', ')}`,
  );
  const watching = new AbortController();
  const shown = operator.show(watching.signal, 'status', started.workflowId, '--watch');
  try {
    await decide(operator, started.workflowId);
  } finally {
    watching.abort();
    await shown;
  }
  return operator.read(runReportSchema, 'report', started.workflowId);
}

/** What the person on call decides: approves the plan that is shown, and keeps the recovery when every gate is green. */
async function decide(operator: Operator, workflowId: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  const said = new Set<string>();
  while (Date.now() < deadline) {
    const status = await operator.read(statusSchema, 'status', workflowId);
    if (status.outcome !== undefined) return;
    const waiting = status.steps.find(({ state }) => state === 'waiting')?.name;
    if (waiting === 'approve' && status.planHash !== undefined && !said.has('approve')) {
      said.add('approve');
      await operator.ask(z.unknown(), 'approve', workflowId, '--plan', status.planHash, '--as', APPROVER);
    } else if (waiting === 'commit' && !said.has('commit')) {
      said.add('commit');
      await operator.ask(z.unknown(), 'commit', workflowId, '--as', APPROVER);
    } else if (status.awaits === 'operator' && !said.has('abort')) {
      said.add('abort');
      // Nobody will come to mend what went wrong in a drill: undo, and report what was seen.
      await operator.ask(z.unknown(), 'abort', workflowId, '--as', APPROVER, '--reason', status.awaiting ?? '');
    }
    await sleep(500);
  }
  throw new Error(`the run came to no end within ${PATIENCE_MS / 60_000} minutes; its checklist says why it waits`);
}

async function reportPath(stack: Stack, workflowId: string, runId: string): Promise<string | null> {
  const folder = join(stack.env['STORE_DIRECTORY'] ?? '', runFolderOf(workflowId, runId));
  const names = await readdir(folder).catch(() => []);
  const report = names
    .filter((name) => /^report-.*\.md$/.test(name))
    .sort()
    .at(-1);
  return report === undefined ? null : join(folder, report);
}

async function keepUp(stack: Stack, control: string, say: (line: string) => void): Promise<void> {
  say(`${renderStack(stack, control)}\n`);
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}
