import { activityInfo, log } from '@temporalio/activity';

const DEADLINE_MS = 10_000;

/** One message for people. */
export interface Message {
  readonly event: string;
  readonly message: string;
  readonly urgent: boolean;
}

/** Delivers a message. Its id is the same in every attempt, so that a receiver can drop repeats. */
export type Channel = (message: Message & { id: string; workflowId: string; environment: string }) => Promise<void>;

/** Posts JSON to a webhook. */
export function webhookChannel(url: string): Channel {
  return async (message) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': message.id },
      body: JSON.stringify(message),
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    if (!response.ok) throw new Error(`the webhook answered ${response.status}`);
  };
}

/** Tells people, in the log always and by the channel when there is one. Never fails a recovery: problems are logged. */
export async function tell(environment: string, channel: Channel | undefined, message: Message): Promise<void> {
  const { workflowExecution, activityId } = activityInfo();
  const workflowId = workflowExecution?.workflowId ?? '';
  log[message.urgent ? 'warn' : 'info'](message.message, { event: message.event, environment });
  try {
    await channel?.({ ...message, id: `${workflowId}/${activityId}`, workflowId, environment });
  } catch (error) {
    log.error('a notification could not be delivered', {
      event: message.event,
      cause: error instanceof Error ? error.message : String(error),
    });
  }
}
