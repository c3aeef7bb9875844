import { uuid4, workflowInfo } from '@temporalio/workflow';
import type { Artifact } from '../domain/artifacts.ts';
import * as backup from '../domain/backup.ts';
import { describeCount } from '../domain/format.ts';
import { setFolderOf, setIdOf } from '../domain/names.ts';
import { bytesOf, draftSet, type RecoverySet } from '../domain/recovery-set.ts';
import { backUpInputSchema } from '../domain/run-input.ts';
import {
  type BackupRun,
  captureDatabase,
  captureVectors,
  describeConfiguration,
  describePlan,
  measureAgreement,
  plantCanary,
  steps,
} from './back-up-steps.ts';
import { refuseDuringRecovery } from './lease.ts';
import { runbook } from './runbook.ts';
import { checkQuickly } from './verification-record.ts';

/** Takes one recovery set that binds the backups of all parts. On the stack nothing is written but the canary. */
export const backUpStack = runbook(
  { scenario: 'backup', input: backUpInputSchema, steps, success: 'completed', lease: 'backup' },
  async (run) => {
    const takenAt = workflowInfo().startTime;
    const id = setIdOf(takenAt, uuid4().slice(0, 6));
    const folder = setFolderOf(id);
    const plan = await run.must('plan', (act) => act.planBackup(), describePlan);
    run.undo('Remove the unfinished set', (act) => act.discardSet({ setId: id }));
    const canary = await plantCanary(run, plan, { id, folder });
    // Before the dump, because the app keeps a session for each question: none of them shall look like somebody's own.
    const golden = await run.must('golden', (act) =>
      act.captureGolden({ collection: run.settings.collection, folder }),
    );
    const vectors = await captureVectors(run, plan, { id, folder });
    const postgres = await captureDatabase(run, plan, { id, folder });
    const configuration = plan.configuration
      ? await run.must('configuration', (act) => act.captureConfiguration({ folder }), describeConfiguration)
      : undefined;
    const parts = { id, takenAt: takenAt.toISOString(), qdrant: vectors.qdrant, golden, store: plan.store };
    const optional = {
      ...(postgres && { postgres }),
      ...(configuration && { configuration }),
      ...(canary && { canary }),
    };
    const draft = draftSet(run.settings, { ...parts, ...optional }, plan.tolerance);
    const { set, tally } = await measureAgreement(run, draft);
    const manifest = await seal(run, set);
    // A damaged stack is backed up all the same, and without waiting for anybody: what is whole may be needed tonight.
    run.judge(backup.backupGates(set, tally, vectors.read));
    await checkQuickly(run, set, manifest.sha256);
  },
);

/** The manifest makes a set of what was only files until now. A recovery that began meanwhile would have been backed up half. */
async function seal(run: BackupRun, set: RecoverySet): Promise<Artifact> {
  const { manifest } = await run.must(
    'seal',
    async (act) => {
      await refuseDuringRecovery(run.settings.environment);
      const sealed = await act.sealRecoverySet({ set });
      // From here on it is a set: what it names must not be undone, whatever becomes of the sweeping.
      run.settle();
      await act.sweepSet({ set });
      return sealed;
    },
    () => `${set.id}, ${describeCount(bytesOf(set))} bytes`,
  );
  run.learn({ set: set.id });
  return manifest;
}
