import type { FailureCode } from '../domain/failures.ts';
import type { Gate } from '../domain/verdict.ts';
import { troubleOf } from './failure.ts';
import type { Hands } from './hands.ts';
import type { Run } from './run.ts';
import { describeGates } from './verification-record.ts';

/** The steps of a verification, in the order in which the checklist shows them. */
export const steps = {
  pick: { title: 'Choose the set and read its manifest', phase: 'detect' },
  objects: { title: 'Read every object back', phase: 'verify' },
  others: { title: 'Try out the snapshots of other nodes and collections', phase: 'restore' },
  vectors: { title: 'Restore the snapshot beside and compare it', phase: 'restore' },
  rows: { title: 'Restore the dump beside and check it', phase: 'restore' },
  together: { title: 'Ask what was restored: questions, canary, both stores', phase: 'verify' },
  keys: { title: 'Open what is encrypted', phase: 'verify' },
  tearDown: { title: 'Take away what was restored, and look', phase: 'reopen' },
  record: { title: 'Write the record beside the manifest', phase: 'reopen' },
} as const;

/** A run of a verification. */
export type VerifyRun = Run<keyof typeof steps>;

/** What a set itself is to blame for: the answer of a verification, and nothing that a person could retry away. */
const FAULTS_OF_A_SET: ReadonlySet<FailureCode> = new Set([
  'SET_TAMPERED',
  'SET_MISMATCH',
  'RESTORE_INCOMPLETE',
  'QDRANT_REFUSED',
  'POSTGRES_REFUSED',
]);

/** A step that answers with gates. It never waits for a person on account of the set: that a set is bad is what it is there to say. */
export async function look(
  run: VerifyRun,
  name: keyof typeof steps,
  body: (act: Hands) => Promise<Gate[]>,
): Promise<Gate[]> {
  const gates = await run.must(
    name,
    async (act) => {
      try {
        return await body(act);
      } catch (error) {
        const { code, view } = troubleOf(error);
        if (!FAULTS_OF_A_SET.has(code)) throw error;
        return [setToBlame(steps[name].title, view.message)];
      }
    },
    describeGates,
  );
  run.judge(gates);
  return gates;
}

export function setToBlame(name: string, observed: string): Gate {
  return { name, verdict: 'fail', expected: 'can be read and restored', observed };
}

/** What was made for the verification is gone, as a listing of what there is says. */
export function nothingLeft(made: readonly string[], there: readonly string[]): Gate {
  const left = made.filter((name) => there.includes(name));
  return {
    name: 'nothing left behind',
    verdict: left.length === 0 ? 'pass' : 'fail',
    expected: `neither ${made.join(' nor ')} in the listing`,
    observed: left.length === 0 ? 'gone' : `still there: ${left.join(', ')}`,
  };
}
