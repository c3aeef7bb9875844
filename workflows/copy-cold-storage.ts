import { uuid4, workflowInfo } from '@temporalio/workflow';
import type { ColdCopy } from '../domain/cold-copy.ts';
import { setIdOf } from '../domain/names.ts';
import { coldCopyInputSchema, describeIssues } from '../domain/run-input.ts';
import { failureWith, troubleOf } from './failure.ts';
import { handsWith } from './hands.ts';
import { releaseLease, takeLease } from './lease.ts';

/**
 * The second way to back up Qdrant: a copy of the storage folder of a server that is stopped. Outside the run protocol, which
 * begins by asking Qdrant which environment it belongs to; Postgres is asked instead, where there is one.
 */
export async function copyColdStorage(input?: { reason?: string }): Promise<ColdCopy> {
  const parsed = coldCopyInputSchema.safeParse(input ?? {});
  if (!parsed.success) throw failureWith('INVALID_INPUT', describeIssues(parsed.error));
  const act = handsWith('Copy the storage folder of the stopped Qdrant');
  try {
    const { environment } = await act.openColdCopy();
    const lease = await takeLease(environment, 'backup');
    try {
      const takenAt = workflowInfo().startTime;
      const id = setIdOf(takenAt, uuid4().slice(0, 6)).replace(/^set/, 'cold');
      return await act.copyColdStorage({ id, takenAt: takenAt.toISOString() });
    } finally {
      await releaseLease(lease);
    }
  } catch (error) {
    const { code, view } = troubleOf(error);
    throw failureWith(code, view.message);
  }
}
