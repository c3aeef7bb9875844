import { activityInfo, getClient } from '@temporalio/activity';
import type { Initiator } from '../../domain/settings.ts';

/**
 * Who started this run, from its first event. `principal` is computed by the server; `identity` is only what the client
 * claimed. A workflow cannot see either, which is why an activity reads its own history.
 */
export async function readInitiator(): Promise<Initiator> {
  const client = getClient();
  const { workflowId = '', runId = '' } = activityInfo().workflowExecution ?? {};
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace: client.options.namespace,
    execution: { workflowId, runId },
    maximumPageSize: 1,
  });
  const first = history?.events?.[0];
  const principal = first?.principal?.name;
  const claimed = first?.workflowExecutionStartedEventAttributes?.identity;
  return { ...(principal ? { principal } : {}), ...(claimed ? { claimed } : {}) };
}

/** The run that holds the lease now: the parent of the lease workflow. Null when nobody does. */
export async function readLeaseHolder(leaseId: string): Promise<{ workflowId: string } | null> {
  try {
    const { parentExecution, status } = await getClient().workflow.getHandle(leaseId).describe();
    return status.name === 'RUNNING' && parentExecution?.workflowId ? { workflowId: parentExecution.workflowId } : null;
  } catch (error) {
    // By its name: the class is the client's, and only that of the activity's own client would be the same.
    if (error instanceof Error && error.name === 'WorkflowNotFoundError') return null;
    throw error;
  }
}
