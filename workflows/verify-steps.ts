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
  beside: { title: 'Restore beside, compare with the set, ask; read every object back meanwhile', phase: 'restore' },
  others: { title: 'Try out the snapshots of other nodes and collections', phase: 'restore' },
  keys: { title: 'Open what is encrypted', phase: 'verify' },
  tearDown: { title: 'Take away what was restored, and look', phase: 'reopen' },
  record: { title: 'Write the record beside the manifest', phase: 'reopen' },
} as const;

/** A run of a verification. */
export type VerifyRun = Run<keyof typeof steps>;

/** What a set itself is to blame for: the answer of a verification, and nothing that a person could retry away. */
const FAULTS_OF_A_SET: ReadonlySet<FailureCode> = new Set(['SET_TAMPERED', 'SET_MISMATCH', 'RESTORE_INCOMPLETE']);

/** What may be the set's fault or that of the server it was tried out on. Nothing is proven then, neither good nor bad. */
const DOUBTFUL: ReadonlySet<FailureCode> = new Set(['QDRANT_REFUSED', 'POSTGRES_REFUSED']);

/** What a question is called where it has no answer. */
const GATES: Readonly<Record<string, string>> = {
  checkObjects: 'objects',
  restoreSnapshot: 'restored snapshot',
  checkRestored: 'restored points',
  checkTogether: 'parts together',
  restoreDumpBeside: 'restored dump',
  checkRestoredDump: 'restored rows',
  checkOthers: 'other snapshots',
  checkKeyCanary: 'keys',
};

type Question = (act: Hands) => Promise<Gate[]>;

/**
 * A step that answers with gates; several questions are asked at once, since one may be slow and none needs another. It never
 * waits for a person on account of the set: that a set is bad is what it is there to say.
 */
export async function look(run: VerifyRun, name: keyof typeof steps, ...questions: Question[]): Promise<Gate[]> {
  const answers = async (act: Hands): Promise<Gate[]> =>
    (await allOf(questions.map(async (question) => answer(act, steps[name].title, question)))).flat();
  const gates = await run.must(name, answers, describeGates);
  run.judge(gates);
  return gates;
}

async function answer(act: Hands, title: string, question: Question): Promise<Gate[]> {
  try {
    return await question(act);
  } catch (error) {
    const { code, view, activity = '' } = troubleOf(error);
    const name = GATES[activity] ?? title.toLowerCase();
    if (FAULTS_OF_A_SET.has(code)) return [setToBlame(name, view.message)];
    if (DOUBTFUL.has(code)) return [{ ...setToBlame(name, view.message), verdict: 'unproven' }];
    throw error;
  }
}

/** All answers, or the first failure once none of them works any more: another try must not run into this one. */
async function allOf<T>(answers: Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(answers);
  return Promise.all(answers);
}

export function setToBlame(name: string, observed: string): Gate {
  return { name, verdict: 'fail', expected: 'can be read and restored', observed };
}

/** What was made for the verification is gone, as a listing of what there is says. */
export function nothingLeft(made: readonly string[], there: readonly string[]): Gate {
  const left = made.filter((name) => there.includes(name));
  return {
    name: 'nothing left behind',
    // No fault of the set's: it is not verified by this, and not called failed either.
    verdict: left.length === 0 ? 'pass' : 'unproven',
    expected: `neither ${made.join(' nor ')} in the listing`,
    observed: left.length === 0 ? 'gone' : `still there: ${left.join(', ')}`,
  };
}
