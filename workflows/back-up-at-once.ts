import { ParentClosePolicy, startChild } from '@temporalio/workflow';
import type { backUpStack } from './back-up-stack.ts';
import { stableRunId } from './moments.ts';

/** What a run has made is backed up before anything else can happen to it; the run does not wait for it. */
export async function backUpAtOnce(reason: string): Promise<void> {
  await startChild<typeof backUpStack>('backUpStack', {
    workflowId: `backup-after/${stableRunId()}`,
    args: [{ reason }],
    parentClosePolicy: ParentClosePolicy.ABANDON,
  });
}
