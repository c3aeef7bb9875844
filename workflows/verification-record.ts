import { workflowInfo } from '@temporalio/workflow';
import type { RecoverySet } from '../domain/recovery-set.ts';
import { type Gate, overallVerdict } from '../domain/verdict.ts';
import type { Verification, VerificationLevel } from '../domain/verification.ts';
import type { Run } from './run.ts';

/** Steps that every verification of a set has. */
type RecordingRun = Run<'objects' | 'record'>;

/** Reads everything back, and keeps what came of it beside the manifest. */
export async function checkQuickly(run: RecordingRun, set: RecoverySet, manifestSha256: string): Promise<void> {
  const gates = await run.must('objects', (act) => act.checkObjects({ set }), describeGates);
  run.judge(gates);
  await recordVerification(run, { set, manifestSha256, level: 'quick' }, gates);
}

interface Verified {
  readonly set: RecoverySet;
  readonly manifestSha256: string;
  readonly level: VerificationLevel;
}

/** The record decides from now on how far the set is trusted. */
export async function recordVerification(
  run: RecordingRun,
  { set, manifestSha256, level }: Verified,
  gates: readonly Gate[],
): Promise<void> {
  const { workflowId } = workflowInfo();
  const verdict = overallVerdict(gates);
  const at = new Date().toISOString();
  const record: Verification = {
    version: 1,
    setId: set.id,
    manifestSha256,
    level,
    at,
    verdict,
    gates: [...gates],
    workflowId,
  };
  const { instead } = await run.must(
    'record',
    (act) => act.recordVerification({ record }),
    () => `${set.id}: ${level} verification, ${verdict}`,
  );
  if (verdict !== 'pass') run.note(whatNext(set.id, instead));
}

/** What a set that did not pass leaves to be done. */
function whatNext(id: string, instead: string | undefined): string {
  const taken =
    instead === undefined || instead === id
      ? 'No other set could be used: take one now with `dr backup --wait`'
      : `A recovery would take ${instead}. Take another with \`dr backup --wait\``;
  return `${taken}, and find out what happened to ${id} (\`dr sets show ${id}\`).`;
}

/** `3 gates green`, or the names of those that are not. */
export function describeGates(gates: readonly Gate[]): string {
  const red = gates.filter(({ verdict }) => verdict !== 'pass').map(({ name, verdict }) => `${name} ${verdict}`);
  return red.length > 0 ? red.join(', ') : `${gates.length} ${gates.length === 1 ? 'gate' : 'gates'} green`;
}
