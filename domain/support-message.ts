import type { Diagnosis } from './cluster-failure.ts';

/** What Qdrant's support asks for first, and what we have at hand. */
export interface SupportFacts {
  readonly environment: string;
  readonly workflowId: string;
  readonly faultDeclaredAt: string;
  readonly collection: string;
  readonly drill: boolean;
  /** Cluster of Qdrant Cloud, where it is one. */
  readonly cloud?: { readonly accountId: string; readonly clusterId: string } | undefined;
  readonly diagnosis: Diagnosis;
  /** The newest set that would be used, and when it was taken. */
  readonly set?:
    | { readonly id: string; readonly takenAt: string; readonly serverVersion: string; readonly points: number }
    | undefined;
}

/**
 * A message to Qdrant's support, ready to be sent: who, what, since when, what was seen, what is at hand, what is asked.
 * Plain text, without secrets or addresses.
 */
export function supportMessage(facts: SupportFacts): { subject: string; text: string } {
  const { environment, diagnosis, cloud, set, faultDeclaredAt, workflowId, drill, collection } = facts;
  const mark = drill ? 'DRILL, please do nothing: ' : '';
  const { version = set?.serverVersion ?? 'unknown', probe } = diagnosis;
  const lines = [
    ...(drill ? ['This is a DRILL. Please do nothing.', ''] : []),
    `Our Qdrant in ${environment} has failed: ${diagnosis.sentence}.`,
    '',
    cloud ? `Cluster: ${cloud.clusterId} (account ${cloud.accountId})` : 'Cluster: self-hosted',
    `Qdrant version: ${version}`,
    `Collection: ${collection}`,
    `Noticed at: ${faultDeclaredAt}`,
    `Looked at last: ${probe.at}`,
    '',
    'What was seen:',
    ...probe.looks.map(({ depth, finding, said }) => `- ${depth}: ${finding}${said === '' ? '' : ` (${said})`}`),
    ...(probe.cloud
      ? [`- Qdrant Cloud: ${probe.cloud.phase}${probe.cloud.reason ? ` (${probe.cloud.reason})` : ''}`]
      : []),
    '',
    set
      ? `We hold a recovery set of our own: ${set.id}, taken at ${set.takenAt} (${set.points} points).`
      : 'We hold no recovery set of our own.',
    'Please tell us: is the data of the cluster lost, can it be brought back, and by when? Please do not restore it in place',
    'without asking us: we may be running on a replacement by then.',
    '',
    `Our reference: ${workflowId}`,
  ];
  return { subject: `${mark}Qdrant cluster down in ${environment}`, text: `${lines.join('\n')}\n` };
}
