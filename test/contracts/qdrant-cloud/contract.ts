import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { QdrantCloudClient } from '../../../activities/qdrant-cloud/client.ts';
import { qdrantCloudConfigSchema } from '../../../config/qdrant-cloud.ts';
import { askCloud, type CloudPlace, type CloudReply } from '../../support/qdrant-cloud.ts';

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/**
 * What a management API answers whoever only looks, or asks for what is refused. It costs nothing and changes nothing, so it
 * is played against a real account too.
 */
export function lookingContract(
  name: string,
  start: () => Promise<CloudPlace & { close?: () => Promise<void> }>,
): void {
  describe(`${name}, looked at`, () => {
    let place: CloudPlace & { close?: () => Promise<void> };
    let client: QdrantCloudClient;
    beforeAll(async () => {
      place = await start();
      const { url, accountId, clusterId, key } = place;
      client = new QdrantCloudClient(qdrantCloudConfigSchema.parse({ url, accountId, clusterId, apiKey: key }));
    });
    afterAll(() => place?.close?.());

    const backups = (
      method: string,
      path: string,
      body?: unknown,
      key: string | null = place.key,
    ): Promise<CloudReply> => askCloud(place, 'backup/v1', { method, path, body, key });
    const clusters = (path: string): Promise<CloudReply> =>
      askCloud(place, 'v1', { method: 'GET', path, key: place.key });
    // Of a cluster that is not there: were it not refused, it still would not be made.
    const order = (fields: object): object => ({
      backup: { accountId: place.accountId, clusterId: randomUUID(), displayName: 'refused', ...fields },
    });

    test.each([
      ['no key', null],
      ['a key that nobody gave out', 'dr-wrong-key'],
    ])('%s is refused with gRPC’s error as JSON', async (_who, key) => {
      const { status, body } = await backups('GET', '/backups', undefined, key);
      expect([401, 403]).toContain(status);
      expect(body).toMatchObject({ code: expect.any(Number), message: expect.any(String) });
    });

    test('another account is refused', async () => {
      const { status } = await askCloud({ url: place.url, accountId: randomUUID() }, 'backup/v1', {
        method: 'GET',
        path: '/backups',
        key: place.key,
      });
      expect([403, 404]).toContain(status);
    });

    test('the client reads every backup of the cluster, and one by its id', async () => {
      const all = await client.listBackups();
      expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
      for (const backup of all.slice(0, 2)) {
        expect(backup.clusterId).toBe(place.clusterId);
        expect(await client.getBackup(backup.id)).toMatchObject({ id: backup.id, createdAt: backup.createdAt });
      }
    });

    test('backups have RFC 3339 times, durations in seconds and statuses by their full name', async () => {
      const { status, body } = await backups('GET', `/backups?clusterId=${place.clusterId}`);
      expect(status).toBe(200);
      for (const backup of (body['items'] ?? []) as Record<string, unknown>[]) {
        expect(backup['createdAt']).toMatch(TIME);
        expect(backup['status']).toMatch(/^BACKUP_STATUS_[A-Z_]+$/);
        if (backup['retentionPeriod'] !== undefined) expect(backup['retentionPeriod']).toMatch(/^\d+(\.\d+)?s$/);
      }
    });

    test('a page is no longer than asked, and the pages together are the whole list', async () => {
      const whole = (await client.listBackups()).map(({ id }) => id).sort();
      const paged: string[] = [];
      for (let token = '', pages = 0; pages < 20; pages++) {
        const next = token === '' ? '' : `&pageToken=${encodeURIComponent(token)}`;
        const { body } = await backups('GET', `/backups?clusterId=${place.clusterId}&pageSize=2${next}`);
        const items = (body['items'] ?? []) as { id: string }[];
        expect(items.length).toBeLessThanOrEqual(2);
        paged.push(...items.map(({ id }) => id));
        token = typeof body['nextPageToken'] === 'string' ? body['nextPageToken'] : '';
        if (token === '') break;
      }
      expect(paged.sort().slice(0, 40)).toEqual(whole.slice(0, 40));
    });

    test.each(['/backups?pageSize=251', '/backups?pageSize=0', '/backups/not-an-id'])('%s is refused', async (path) => {
      expect((await backups('GET', path)).status).toBe(400);
    });

    test('what is not there is 404, with its code', async () => {
      const { status, body } = await backups('GET', `/backups/${randomUUID()}`);
      expect([status, body['code']]).toEqual([404, 5]);
    });

    test.each([
      ['a name of three letters', { displayName: 'abc' }],
      ['a name of 65 letters', { displayName: 'a'.repeat(65) }],
      ['a name with a space', { displayName: 'two words' }],
      ['a retention of less than a day', { retentionPeriod: '86399s' }],
      ['a retention of more than a year', { retentionPeriod: '31536001s' }],
      ['a retention that is no duration', { retentionPeriod: '30 days' }],
      ['a field that only the service sets', { status: 'BACKUP_STATUS_SUCCEEDED' }],
    ])('a backup with %s is refused', async (_what, fields) => {
      const { status, body } = await backups('POST', '/backups', order(fields));
      expect([status, body['code']]).toEqual([400, 3]);
    });

    test('a backup of a cluster that is not there is refused', async () => {
      const { status, body } = await backups('POST', '/backups', order({}));
      expect([400, 403, 404]).toContain(status);
      expect(body).toMatchObject({ code: expect.any(Number), message: expect.any(String) });
    });

    test('schedules and restores of the cluster can be listed', async () => {
      for (const schedule of await client.listSchedules()) expect(schedule.clusterId).toBe(place.clusterId);
      const { status } = await backups('GET', `/backup_restores?clusterId=${place.clusterId}`);
      expect(status).toBe(200);
    });

    test('a schedule is read with the id of its cluster, and not without', async () => {
      const path = `/backup_schedules/${randomUUID()}`;
      expect((await backups('GET', path)).status).toBe(400);
      expect((await backups('GET', `${path}?clusterId=${place.clusterId}`)).status).toBe(404);
    });

    test('the cluster says its phase, version and endpoint, alone and in the list', async () => {
      const { status, body } = await clusters(`/clusters/${place.clusterId}`);
      expect(status).toBe(200);
      expect(body['cluster']).toMatchObject({
        id: place.clusterId,
        accountId: place.accountId,
        configuration: { numberOfNodes: expect.any(Number), packageId: expect.any(String) },
        state: {
          phase: expect.stringMatching(/^CLUSTER_PHASE_[A-Z_]+$/),
          version: expect.stringMatching(/^v\d+\.\d+\.\d+$/),
          endpoint: { url: expect.stringMatching(/^https?:\/\//), restPort: expect.any(Number) },
        },
      });
      const list = await clusters('/clusters');
      expect((list.body['items'] as { id: string }[]).map(({ id }) => id)).toContain(place.clusterId);
    });

    test('releases name one default', async () => {
      const { body } = await clusters('/releases');
      const items = body['items'] as { version: string; default?: boolean }[];
      expect(items.filter((release) => release.default === true)).toHaveLength(1);
    });
  });
}
