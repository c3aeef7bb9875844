import { type CloudUnderTest, eventually, startCloud } from '../../support/qdrant-cloud.ts';
import { startQdrant } from '../../support/qdrant.ts';
import { lookingContract } from './contract.ts';

async function standIn(): Promise<CloudUnderTest & { close: () => Promise<void> }> {
  const qdrant = await startQdrant({ open: true });
  const cloud = await startCloud({ url: qdrant.url });
  const { accountId, clusterId } = cloud;
  for (const displayName of ['first', 'second', 'third']) {
    await cloud.backups('POST', '/backups', {
      backup: { accountId, clusterId, displayName, retentionPeriod: '86400s' },
    });
  }
  await cloud.backups('POST', '/backup_schedules', {
    backupSchedule: { accountId, clusterId, schedule: '0 3 * * *', retentionPeriod: '2592000s' },
  });
  await eventually(
    async () => (await cloud.backups('GET', '/backups')).body['items'] as { status: string }[],
    (backups) => backups.every(({ status }) => status === 'BACKUP_STATUS_SUCCEEDED'),
  );
  const close = async (): Promise<void> => {
    await cloud.stop();
    await qdrant.stop();
  };
  return { ...cloud, url: cloud.url, close };
}

lookingContract('the stand-in', standIn);

/**
 * The real service, with a management key of an account that has the cluster. Only what reads or is refused is played:
 * nothing is made, changed, suspended or paid for.
 */
const { QDRANT_CLOUD_CONTRACT_KEY: key, QDRANT_CLOUD_CONTRACT_ACCOUNT: account } = process.env;
const { QDRANT_CLOUD_CONTRACT_CLUSTER: cluster, QDRANT_CLOUD_CONTRACT_URL: url } = process.env;
if (key && account && cluster) {
  lookingContract('Qdrant Cloud', async () => ({
    url: url ?? 'https://api.cloud.qdrant.io',
    accountId: account,
    clusterId: cluster,
    key,
  }));
}
