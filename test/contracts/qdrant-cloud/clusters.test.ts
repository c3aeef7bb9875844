import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ADMIN_KEY } from '../../support/front.ts';
import { type CloudReply, type CloudUnderTest, eventually, startCloud } from '../../support/qdrant-cloud.ts';
import { type QdrantUnderTest, startQdrant } from '../../support/qdrant.ts';

interface Cluster {
  readonly id: string;
  readonly name: string;
  readonly configuration: { readonly numberOfNodes: number; readonly version: string };
  readonly state: {
    readonly phase: string;
    readonly reason: string;
    readonly nodesUp: number;
    readonly restartedAt: string | null;
    readonly endpoint: { readonly url: string; readonly restPort: number };
  };
}

const provisioned = join(process.cwd(), '.sandbox/python/bin/python');
const python = process.env['SANDBOX_PYTHON'] ?? (existsSync(provisioned) ? provisioned : '/usr/bin/python3');

let source: QdrantUnderTest;
let pool: QdrantUnderTest;
let cloud: CloudUnderTest;
beforeAll(async () => {
  [source, pool] = await Promise.all([startQdrant(), startQdrant()]);
  cloud = await startCloud(
    { url: source.url, apiKey: ADMIN_KEY },
    {
      pool: [{ url: pool.url, apiKey: ADMIN_KEY }],
      fronts: { python, env: { PATH: process.env['PATH'] ?? '' }, apiKey: ADMIN_KEY },
    },
  );
  await source.call('PUT', '/collections/book', { vectors: { size: 2, distance: 'Dot' } });
  await source.call('PUT', '/collections/notes', { vectors: { size: 2, distance: 'Dot' } });
  await put('/collections/book', [1, 2, 3]);
  await put('/collections/notes', [7]);
  await source.call('POST', '/collections/aliases', {
    actions: [{ create_alias: { collection_name: 'book', alias_name: 'textbook-content' } }],
  });
});
afterAll(async () => {
  await cloud?.stop();
  await source?.stop();
  await pool?.stop();
});

const put = (path: string, ids: readonly number[]): Promise<unknown> =>
  source.call('PUT', `${path}/points?wait=true`, { points: ids.map((id) => ({ id, vector: [id, 1] })) });
const clusterOf = (reply: CloudReply): Cluster => {
  expect([reply.status, reply.body]).toEqual([200, { cluster: expect.any(Object) }]);
  return reply.body['cluster'] as Cluster;
};
const get = async (id = cloud.clusterId): Promise<Cluster> => clusterOf(await cloud.clusters('GET', `/clusters/${id}`));
const inPhase = (phase: string, id = cloud.clusterId): Promise<Cluster> =>
  eventually(
    () => get(id),
    ({ state }) => state.phase === `CLUSTER_PHASE_${phase}`,
  );
const act = async (action: string, id = cloud.clusterId): Promise<number> =>
  (await cloud.clusters('POST', `/clusters/${id}/${action}`)).status;
const endpointOf = ({ state }: Cluster): string => `${state.endpoint.url}:${state.endpoint.restPort}`;

/** Number of points of a collection through an endpoint; null when nobody listens. */
async function pointsAt(endpoint: string, collection: string): Promise<number | null> {
  const headers = { 'api-key': ADMIN_KEY, 'content-type': 'application/json' };
  const request = { method: 'POST', headers, body: '{}' };
  const answer = await fetch(`${endpoint}/collections/${collection}/points/count`, request).catch(() => null);
  if (!answer) return null;
  return ((await answer.json()) as { result: { count: number } }).result.count;
}

async function backUp(displayName: string): Promise<string> {
  const { accountId, clusterId } = cloud;
  const { body } = await cloud.backups('POST', '/backups', { backup: { accountId, clusterId, displayName } });
  const { id } = body['backup'] as { id: string };
  const read = async (): Promise<string> =>
    ((await cloud.backups('GET', `/backups/${id}`)).body['backup'] as { status: string }).status;
  expect(await eventually(read, (status) => status !== 'BACKUP_STATUS_RUNNING')).toBe('BACKUP_STATUS_SUCCEEDED');
  return id;
}

async function fromBackup(id: string, name: string): Promise<Cluster> {
  return clusterOf(await cloud.clusters('POST', `/backups/${id}/clusters?clusterName=${name}`));
}

async function remove(id: string): Promise<void> {
  expect((await cloud.clusters('DELETE', `/clusters/${id}`)).status).toBe(200);
  const read = async (): Promise<number> => (await cloud.clusters('GET', `/clusters/${id}`)).status;
  await eventually(read, (status) => status === 404);
}

describe('a cluster of the stand-in', () => {
  test('passes its endpoint on to the real server', async () => {
    const cluster = await inPhase('HEALTHY');
    expect(cluster.state.nodesUp).toBe(1);
    expect(await pointsAt(endpointOf(cluster), 'textbook-content')).toBe(3);
  });

  test('is away while it is suspended, and back at the same endpoint when it is woken', async () => {
    const endpoint = endpointOf(await get());
    expect(await act('suspend')).toBe(200);
    expect((await inPhase('SUSPENDED')).state.nodesUp).toBe(0);
    expect(await pointsAt(endpoint, 'book')).toBeNull();
    expect(await act('suspend')).toBe(400);
    expect(await act('unsuspend')).toBe(200);
    expect(endpointOf(await inPhase('HEALTHY'))).toBe(endpoint);
    expect(await pointsAt(endpoint, 'book')).toBe(3);
  });

  test('stays suspended over a restart of the stand-in', async () => {
    await act('suspend');
    await inPhase('SUSPENDED');
    await cloud.restart();
    expect((await get()).state.phase).toBe('CLUSTER_PHASE_SUSPENDED');
    expect(await pointsAt(endpointOf(await get()), 'book')).toBeNull();
    await act('unsuspend');
    expect(await pointsAt(endpointOf(await inPhase('HEALTHY')), 'book')).toBe(3);
  });

  test('a backup of a suspended cluster is skipped', async () => {
    await act('suspend');
    await inPhase('SUSPENDED');
    const { accountId, clusterId } = cloud;
    const order = { backup: { accountId, clusterId, displayName: 'asleep' } };
    const { id } = (await cloud.backups('POST', '/backups', order)).body['backup'] as { id: string };
    const read = async (): Promise<unknown> => (await cloud.backups('GET', `/backups/${id}`)).body['backup'];
    await eventually(read, (backup) => (backup as { status: string }).status === 'BACKUP_STATUS_SKIPPED');
    await act('unsuspend');
    await inPhase('HEALTHY');
  });

  test('a restart shows in its time', async () => {
    expect((await get()).state.restartedAt).toBeNull();
    await act('restart');
    const { state } = await inPhase('HEALTHY');
    expect(Date.parse(String(state.restartedAt))).toBeGreaterThan(0);
  });

  test('is scaled, upgraded and renamed, and never moved to another region', async () => {
    const { id: _, ...cluster } = await get();
    const change = (fields: object): Promise<CloudReply> =>
      cloud.clusters('PUT', `/clusters/${cloud.clusterId}`, { cluster: { ...cluster, ...fields } });
    expect((await change({ cloudProviderRegionId: 'elsewhere' })).status).toBe(400);
    const configuration = { ...cluster.configuration, numberOfNodes: 3 };
    expect(clusterOf(await change({ configuration })).state.phase).toBe('CLUSTER_PHASE_SCALING');
    expect((await inPhase('HEALTHY')).configuration.numberOfNodes).toBe(3);
    expect(clusterOf(await change({})).state.phase).toBe('CLUSTER_PHASE_SCALING');
    await inPhase('HEALTHY');
  });
});

describe('a backup of the stand-in brought back', () => {
  let backup: string;
  beforeAll(async () => {
    backup = await backUp('everything');
  });

  test('as a new cluster has every point and alias, at an endpoint of its own', async () => {
    await put('/collections/book', [4]);
    const made = await fromBackup(backup, 'rescue');
    expect([made.name, made.state.phase, made.configuration.numberOfNodes]).toEqual([
      'rescue',
      'CLUSTER_PHASE_CREATING',
      1,
    ]);
    const endpoint = endpointOf(await inPhase('HEALTHY', made.id));
    expect(endpoint).not.toBe(endpointOf(await get()));
    expect(await pointsAt(endpoint, 'textbook-content')).toBe(3);
    expect(await pointsAt(endpoint, 'notes')).toBe(1);
    expect(await pool.call('GET', '/collections/book/snapshots')).toEqual([]);
    await remove(made.id);
    expect(await pool.call('GET', '/collections')).toEqual({ collections: [] });
  });

  test('when the pool has no server left, on one that is started, which outlives a restart of the stand-in', async () => {
    const first = await fromBackup(backup, 'from-the-pool');
    const second = await fromBackup(backup, 'started');
    await inPhase('HEALTHY', first.id);
    const endpoint = endpointOf(await inPhase('HEALTHY', second.id));
    expect(await pointsAt(endpoint, 'textbook-content')).toBe(3);
    await cloud.restart();
    expect(await pointsAt(endpointOf(await inPhase('HEALTHY', second.id)), 'textbook-content')).toBe(3);
    expect(endpointOf(await get(second.id))).toBe(endpoint);
    await remove(second.id);
    await remove(first.id);
  });

  test('in place is what it was, and tells of it in the list of restores alone', async () => {
    await put('/collections/book', [5]);
    await source.call('PUT', '/collections/later', { vectors: { size: 2, distance: 'Dot' } });
    const endpoint = endpointOf(await get());
    const { id: _, ...before } = await get();
    const scaled = { ...before, configuration: { ...before.configuration, numberOfNodes: 3 } };
    await cloud.clusters('PUT', `/clusters/${cloud.clusterId}`, { cluster: scaled });
    await inPhase('HEALTHY');
    const { status, body } = await cloud.backups('POST', `/backups/${backup}/restore`);
    expect([status, body]).toEqual([200, {}]);
    expect((await get()).state.phase).toBe('CLUSTER_PHASE_NOT_READY');
    expect(await act('restart')).toBe(400);
    expect(await pointsAt(endpoint, 'book')).toBeNull();
    const restores = async (): Promise<unknown> =>
      (await cloud.backups('GET', `/backup_restores?clusterId=${cloud.clusterId}`)).body['items'];
    await eventually(restores, (items) => JSON.stringify(items).includes('BACKUP_RESTORE_STATUS_SUCCEEDED'));
    await inPhase('HEALTHY');
    expect(await pointsAt(endpoint, 'book')).toBe(3);
    expect((await source.call<{ collections: unknown[] }>('GET', '/collections')).collections).toHaveLength(2);
    expect((await get()).configuration.numberOfNodes).toBe(1);
  });

  test('is refused without a name in the query, and for a backup that has not succeeded', async () => {
    expect((await cloud.clusters('POST', `/backups/${backup}/clusters`, { clusterName: 'in-the-body' })).status).toBe(
      400,
    );
    await cloud.fault('backup-stalls', { count: 1 });
    const { accountId, clusterId } = cloud;
    const order = { backup: { accountId, clusterId, displayName: 'unfinished' } };
    const { id } = (await cloud.backups('POST', '/backups', order)).body['backup'] as { id: string };
    const { status, body } = await cloud.clusters('POST', `/backups/${id}/clusters?clusterName=too-early`);
    expect([status, body['code']]).toEqual([400, 9]);
  });

  test('is found by its name when the answer was lost', async () => {
    await cloud.fault('lost-response', { path: `/backups/${backup}/clusters`, count: 1 });
    await expect(cloud.clusters('POST', `/backups/${backup}/clusters?clusterName=unheard-of`)).rejects.toThrow();
    const { body } = await cloud.clusters('GET', '/clusters');
    const [made] = (body['items'] as Cluster[]).filter(({ name }) => name === 'unheard-of');
    expect(await pointsAt(endpointOf(await inPhase('HEALTHY', String(made?.id))), 'textbook-content')).toBe(3);
    await remove(String(made?.id));
  });

  test('that fails says so: the new cluster by its phase, a restore in place in the list', async () => {
    await cloud.fault('restore-fails', { count: 2 });
    const made = await fromBackup(backup, 'in-vain');
    expect((await inPhase('FAILED_TO_CREATE', made.id)).state.reason).not.toBe('');
    await cloud.backups('POST', `/backups/${backup}/restore`);
    const restores = async (): Promise<unknown> =>
      (await cloud.backups('GET', `/backup_restores?clusterId=${cloud.clusterId}`)).body['items'];
    await eventually(restores, (items) => JSON.stringify(items).includes('BACKUP_RESTORE_STATUS_FAILED'));
    expect((await get()).state).toMatchObject({ phase: 'CLUSTER_PHASE_NOT_READY', reason: 'told to fail' });
    expect(await act('restart')).toBe(200);
    await inPhase('HEALTHY');
    await remove(made.id);
  });

  test('with no server to bring it up on fails, and the backup is still there', async () => {
    const poor = await startCloud({ url: source.url, apiKey: ADMIN_KEY });
    const { accountId, clusterId } = poor;
    const order = { backup: { accountId, clusterId, displayName: 'nowhere-to-go' } };
    const { id } = (await poor.backups('POST', '/backups', order)).body['backup'] as { id: string };
    const statusOf = async (): Promise<unknown> => (await poor.backups('GET', `/backups/${id}`)).body['backup'];
    await eventually(statusOf, (one) => (one as { status: string }).status === 'BACKUP_STATUS_SUCCEEDED');
    const made = clusterOf(await poor.clusters('POST', `/backups/${id}/clusters?clusterName=nowhere`));
    const read = async (): Promise<Cluster> => clusterOf(await poor.clusters('GET', `/clusters/${made.id}`));
    const failed = await eventually(read, ({ state }) => state.phase !== 'CLUSTER_PHASE_CREATING');
    expect(failed.state).toMatchObject({
      phase: 'CLUSTER_PHASE_FAILED_TO_CREATE',
      reason: expect.stringContaining('no capacity'),
    });
    expect(await statusOf()).toMatchObject({ deletedAt: null });
    await poor.stop();
  });

  test('a cluster that dies says that it is not ready', async () => {
    const made = await fromBackup(backup, 'on-the-pool');
    const endpoint = endpointOf(await inPhase('HEALTHY', made.id));
    await pool.stop();
    expect((await inPhase('NOT_READY', made.id)).state.nodesUp).toBe(0);
    expect(await pointsAt(endpoint, 'book')).toBeNull();
  });
});

describe('a new cluster of the stand-in', () => {
  test('that is deleted while it is made goes when it has been made', async () => {
    const { configuration } = await get();
    const asked = {
      name: 'hardly-there',
      cloudProviderId: 'aws',
      cloudProviderRegionId: 'eu-central-1',
      configuration,
    };
    await remove(clusterOf(await cloud.clusters('POST', '/clusters', { cluster: asked })).id);
  });

  test('comes up empty, and is gone when it is deleted', async () => {
    const { configuration } = await get();
    const asked = { name: 'fresh', cloudProviderId: 'aws', cloudProviderRegionId: 'eu-central-1', configuration };
    const made = clusterOf(await cloud.clusters('POST', '/clusters', { cluster: asked }));
    const endpoint = endpointOf(await inPhase('HEALTHY', made.id));
    const answer = await fetch(`${endpoint}/collections`, { headers: { 'api-key': ADMIN_KEY } });
    expect(await answer.json()).toMatchObject({ result: { collections: [] } });
    await remove(made.id);
    expect(await pointsAt(endpoint, 'book')).toBeNull();
  });
});
