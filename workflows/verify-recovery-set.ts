import { scratchDatabaseOf } from '../domain/names.ts';
import type { RecoverySet } from '../domain/recovery-set.ts';
import { verifyInputSchema } from '../domain/run-input.ts';
import type { Gate } from '../domain/verdict.ts';
import type { Hands } from './hands.ts';
import { runbook } from './runbook.ts';
import { type VerifyRun, look, nothingLeft, setToBlame, steps } from './verify-steps.ts';
import { recordVerification } from './verification-record.ts';

/** Proves a recovery set by restoring it beside: only then is it verified. Nothing of the live stack is written. */
export const verifyRecoverySet = runbook(
  { scenario: 'verify-set', input: verifyInputSchema, steps, success: 'completed', lease: 'verification' },
  async (run, { setId, level = 'full' }) => {
    const picked = await run.must(
      'pick',
      (act) => act.pickSet({ setId }),
      (found) => found.id,
    );
    if ('problem' in picked) {
      run.note(`Take another set with \`dr backup --wait\`, and find out what happened to ${picked.id}.`);
      return run.judge([setToBlame('manifest', picked.problem)]);
    }
    const { set, manifestSha256 } = picked;
    run.learn({ set: set.id });
    const gates =
      level === 'quick'
        ? await look(run, 'objects', (act) => act.checkObjects({ set }))
        : await restoreAndCompare(run, set);
    await recordVerification(run, { set, manifestSha256, level }, gates);
  },
);

/** Everything comes up beside, is compared with what the set says of it and with each other, and is taken away again. */
async function restoreAndCompare(run: VerifyRun, set: RecoverySet): Promise<Gate[]> {
  const scratch = run.scratch('verify');
  const database = set.postgres && scratchDatabaseOf(set.id, run.runId);
  run.cleanUp(`remove ${scratch}`, (act) => act.dropRestored({ scratch }));
  if (database !== undefined)
    run.cleanUp(`remove database ${database}`, (act) => act.dropScratchDatabase({ scratch: database }));
  const gates = await look(
    run,
    'beside',
    (act) => act.checkObjects({ set }),
    (act) => restoreVectors(act, set, scratch),
    (act) => (database === undefined ? nothingToAsk() : restoreRows(act, set, database)),
  );
  if (set.qdrant.nodes ?? set.qdrant.others)
    gates.push(...(await look(run, 'others', (act) => act.checkOthers({ set, scratch }))));
  if (set.configuration) gates.push(...(await look(run, 'keys', (act) => act.checkKeyCanary({ set }))));
  return [...gates, ...(await tearDown(run, scratch, database))];
}

async function restoreVectors(act: Hands, set: RecoverySet, scratch: string): Promise<Gate[]> {
  await act.restoreSnapshot({ set, scratch });
  const questions = [act.checkRestored({ set, scratch }), act.checkTogether({ set, scratch })];
  await Promise.allSettled(questions);
  return (await Promise.all(questions)).flat();
}

async function restoreRows(act: Hands, set: RecoverySet, scratch: string): Promise<Gate[]> {
  await act.restoreDumpBeside({ set, scratch });
  return act.checkRestoredDump({ set, scratch });
}

function nothingToAsk(): Promise<Gate[]> {
  return Promise.resolve([]);
}

/** What was restored goes before the record is written: a verification that leaves things behind has not passed. */
function tearDown(run: VerifyRun, scratch: string, database: string | undefined): Promise<Gate[]> {
  return look(run, 'tearDown', async (act) => {
    await act.dropRestored({ scratch });
    if (database === undefined) return [nothingLeft([scratch], await act.listRestored())];
    await act.dropScratchDatabase({ scratch: database });
    return [nothingLeft([scratch, database], [...(await act.listRestored()), ...(await act.listScratchDatabases())])];
  });
}
