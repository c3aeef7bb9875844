import { freePort } from '../../support/ports.ts';
import { MANAGEMENT_KEY, startCloud } from '../../support/qdrant-cloud.ts';
import { COLLECTION } from '../../support/scenario.ts';
import type { Surgery } from '../../support/refusals.ts';
import type { Refusal, Wrong } from './refusal.ts';

/** The sandbox's Qdrant as a cluster on Qdrant Cloud. */
async function cloud({ scenario: { stack } }: Surgery, apiKey: string, fault?: string): Promise<Wrong> {
  const bound = { url: stack.env['QDRANT_URL'] ?? '', apiKey: stack.env['QDRANT_API_KEY'] ?? '' };
  const there = await startCloud(bound);
  if (fault !== undefined) await there.fault(fault);
  const { url, accountId, clusterId } = there;
  return {
    settings: { qdrantCloud: { url, accountId, clusterId, apiKey } },
    elsewhere: async () => (await there.backups('GET', `/backups?clusterId=${clusterId}`)).body,
    restore: () => there.stop(),
  };
}

export const vectors: Refusal[] = [
  {
    what: 'a further collection that does not exist',
    code: 'INVALID_CONFIGURATION',
    message: /backup\.collections: Qdrant at http:\/\/127\.0\.0\.1:[0-9]+ has no collection notes/,
    at: 'backup',
    step: 'others',
    wrong: () => ({ settings: { backup: { collections: ['notes'] } } }),
  },
  {
    what: 'a node that nobody answers on',
    code: 'QDRANT_UNREACHABLE',
    message: /http:\/\/127\.0\.0\.1:[0-9]+.*ECONNREFUSED/,
    at: 'backup',
    step: 'others',
    wrong: async () => ({ settings: { backup: { nodes: [`http://127.0.0.1:${await freePort()}`] } } }),
  },
  {
    what: 'a snapshot that arrives damaged',
    code: 'QDRANT_REFUSED',
    message: /Qdrant, snapshot .* arrived damaged and was not kept: its SHA-256 is/,
    at: 'backup',
    step: 'snapshot',
    wrong: async ({ scenario: { stack } }: Surgery): Promise<Wrong> => {
      await fetch(`${stack.urls.qdrantFaults}/faults/corrupt-download`, { method: 'PUT', body: '{}' });
      return { restore: () => fetch(`${stack.urls.qdrantFaults}/faults`, { method: 'DELETE' }) };
    },
  },
  {
    what: 'a key that the Qdrant for trying out does not take',
    code: 'QDRANT_DENIED',
    message: /Qdrant.* 40[13] /,
    at: 'activity',
    act: (all, set) => all.restoreSnapshot({ set, scratch: `dr-verify-${COLLECTION}-a` }),
    wrong: ({ scenario: { stack } }) => ({
      settings: { backup: { verifyQdrant: { url: stack.env['QDRANT_URL'] ?? '', apiKey: 'another' } } },
    }),
  },
  {
    what: 'a key that Qdrant Cloud does not know',
    code: 'QDRANT_CLOUD_DENIED',
    message: /Qdrant Cloud, list backups: 40[13] /,
    at: 'activity',
    act: (all) => all.takeManualBackup({ displayName: 'set-1' }),
    wrong: (surgery) => cloud(surgery, 'another'),
  },
  {
    what: 'a backup on Qdrant Cloud that fails',
    code: 'QDRANT_CLOUD_BACKUP_FAILED',
    message: /Qdrant Cloud: the backup set-.* ended as FAILED/,
    at: 'backup',
    step: 'cloud',
    wrong: (surgery) => cloud(surgery, MANAGEMENT_KEY, 'backup-fails'),
  },
];
