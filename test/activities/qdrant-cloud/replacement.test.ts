import { readFile, stat, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { ClusterClient } from '../../../activities/qdrant-cloud/cluster-client.ts';
import { readClusterKeys } from '../../../activities/qdrant-cloud/key-file.ts';
import { createCloudReplacement } from '../../../activities/qdrant-cloud/replacement.ts';
import { qdrantReplacementSchema } from '../../../config/qdrant-replacement.ts';
import { RecoveryError } from '../../../domain/failures.ts';
import type { ServerRef } from '../../../domain/servers.ts';
import { recoverySet } from '../../support/fake-activities.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { ADMIN_KEY } from '../../support/front.ts';
import { type CloudUnderTest, eventually, startCloud } from '../../support/qdrant-cloud.ts';
import { type QdrantUnderTest, startQdrant } from '../../support/qdrant.ts';

const provisioned = join(process.cwd(), '.sandbox/python/bin/python');
const python = process.env['SANDBOX_PYTHON'] ?? (existsSync(provisioned) ? provisioned : '/usr/bin/python3');
const READ_ONLY_KEY = 'cloud-reading-key';
const NAME = 'recovery-abcd1234';
const QUICK = { answerMs: 2_000, lookMs: 2_000, wakeMs: 20_000, pollMs: 50 };

let source: QdrantUnderTest;
let cloud: CloudUnderTest;
let keyFile: string;
beforeAll(async () => {
  source = await startQdrant();
  cloud = await startCloud(
    { url: source.url, apiKey: ADMIN_KEY },
    { fronts: { python, env: { PATH: process.env['PATH'] ?? '' }, apiKey: ADMIN_KEY, readOnlyApiKey: READ_ONLY_KEY } },
  );
  await source.call('PUT', '/collections/book', { vectors: { size: 2, distance: 'Dot' } });
  await source.call('PUT', '/collections/book/points?wait=true', { points: [{ id: 1, vector: [1, 1] }] });
});
afterAll(async () => {
  await cloud?.stop();
  await source?.stop();
});
beforeEach(async () => {
  await cloud.noFaults();
  keyFile = join(temporaryFolder('cloud-keys'), 'keys.json');
});

async function ask(server: ServerRef, path: string, key?: string, method = 'GET', body?: unknown): Promise<number> {
  if (server.kind !== 'cloud') throw new Error('no cloud server');
  const headers = { 'content-type': 'application/json', ...(key === undefined ? {} : { 'api-key': key }) };
  const reply = await fetch(server.url + path, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
  await reply.text();
  return reply.status;
}

function replacement(from: 'empty' | 'backup' = 'empty') {
  const { cloud: config } = qdrantReplacementSchema.parse({ cloud: { from, keyFile } });
  if (!config) throw new Error('no settings');
  const activities = createCloudReplacement({
    config,
    client: new ClusterClient(cloud.config(), QUICK.answerMs),
    patience: QUICK,
    versionOf: async (server) => {
      const keys = server.kind === 'cloud' ? readClusterKeys(keyFile, server.clusterId) : undefined;
      if ((await ask(server, '/collections', keys?.manage.key)) !== 200)
        throw new RecoveryError('QDRANT_DENIED', 'it does not take the key');
      return '1.18.3';
    },
  });
  const run = <T>(work: () => Promise<T>): Promise<T> => new MockActivityEnvironment().run(work);
  return {
    survey: (input: Parameters<typeof activities.surveyReplacement>[0]) =>
      run(() => activities.surveyReplacement(input)),
    bringUp: (name = NAME) => run(() => activities.bringUpReplacement({ name })),
    release: (name = NAME) => run(() => activities.releaseReplacement({ name })),
  };
}

const named = async (name = NAME): Promise<string[]> => {
  const { body } = await cloud.clusters('GET', '/clusters');
  const items = body['items'] as { id: string; name: string; deletedAt: string | null }[];
  return items.filter((one) => one.name === name && one.deletedAt === null).map(({ id }) => id);
};
const gone = (): Promise<string[]> => eventually(named, (ids) => ids.length === 0);

describe('a new cluster of Qdrant Cloud', () => {
  test('is surveyed without making anything', async () => {
    const seen = await replacement().survey({
      set: { ...recoverySet, qdrant: { ...recoverySet.qdrant, serverVersion: '1.18.2' } },
      collection: 'book',
    });
    expect(seen.what).toContain('like textbook');
    expect(seen.server).toBeUndefined();
    expect(seen.unknown.join()).toContain('price');
    expect(seen.gates.map(({ name }) => name)).toEqual(['replacement: version', 'replacement: nodes']);
    expect(await named()).toEqual([]);
  });

  test('comes up empty, takes its own keys alone, and another attempt adopts it and its keys', async () => {
    const { bringUp, release } = replacement();
    const first = await bringUp();
    const again = await bringUp();
    expect(again).toEqual(first);
    expect(await named()).toHaveLength(1);
    const { server } = first;
    if (server.kind !== 'cloud') throw new Error('no cloud server');
    const keys = readClusterKeys(keyFile, server.clusterId);
    expect(await ask(server, '/collections')).toBe(401);
    expect(await ask(server, '/collections', 'a wrong key')).toBe(401);
    expect(await ask(server, '/collections', keys?.manage.key)).toBe(200);
    expect(await ask(server, '/collections', keys?.read.key)).toBe(200);
    const collection = { vectors: { size: 2, distance: 'Dot' } };
    expect(await ask(server, '/collections/mine', keys?.read.key, 'PUT', collection)).toBe(403);
    expect(await ask(server, '/collections/mine', keys?.manage.key, 'PUT', collection)).toBe(200);
    expect((await stat(keyFile)).mode & 0o777).toBe(0o600);
    // Neither result nor survey holds one.
    expect(JSON.stringify(first)).not.toContain(keys?.manage.key);
    await release();
    await gone();
    expect(readClusterKeys(keyFile, server.clusterId)).toBeUndefined();
    await release();
  });

  test('whose key was lost on the way gets another one, and the lost one opens nothing', async () => {
    const { bringUp, release } = replacement();
    const { server } = await bringUp();
    if (server.kind !== 'cloud') throw new Error('no cloud server');
    const lost = readClusterKeys(keyFile, server.clusterId)?.manage.key;
    await writeFile(keyFile, JSON.stringify({ version: 1, clusters: {} }));
    await bringUp();
    const now = readClusterKeys(keyFile, server.clusterId)?.manage.key;
    expect(now).not.toBe(lost);
    expect(await ask(server, '/collections', lost)).toBe(401);
    expect(await ask(server, '/collections', now)).toBe(200);
    await release();
    await gone();
  });

  test('is made once though the answer is lost', async () => {
    const { bringUp, release } = replacement();
    await cloud.fault('lost-response', { count: 1, method: 'POST', path: '/clusters$' });
    await bringUp();
    expect(await named()).toHaveLength(1);
    await release();
    await gone();
  });

  test('made from a backup has what the old one had', async () => {
    await cloud.backups('POST', '/backups', {
      backup: { accountId: cloud.accountId, clusterId: cloud.clusterId, displayName: 'nightly' },
    });
    await eventually(
      async () =>
        (await cloud.backups('GET', `/backups?clusterId=${cloud.clusterId}`)).body['items'] as { status: string }[],
      (items) => items.some(({ status }) => status === 'BACKUP_STATUS_SUCCEEDED'),
    );
    const { bringUp, release, survey } = replacement('backup');
    expect((await survey({ collection: 'book' })).what).toContain('from its backup of');
    const { server } = await bringUp();
    if (server.kind !== 'cloud') throw new Error('no cloud server');
    expect(await ask(server, '/collections/book', readClusterKeys(keyFile, server.clusterId)?.manage.key)).toBe(200);
    await release();
    await gone();
  });

  test('that does not come up says why', async () => {
    await cloud.fault('create-fails', { count: 1 });
    const { bringUp, release } = replacement();
    await expect(bringUp()).rejects.toMatchObject({
      code: 'REPLACEMENT_FAILED',
      message: expect.stringContaining('FAILED_TO_CREATE'),
    });
    await release();
    await gone();
  });

  test('is never one that the settings name, and a key file that is none is refused without its content', async () => {
    await expect(replacement().release('textbook')).rejects.toMatchObject({ code: 'REPLACEMENT_FAILED' });
    await writeFile(keyFile, 'super-secret-value');
    const failure: unknown = await replacement()
      .bringUp()
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'INVALID_CONFIGURATION', message: expect.stringContaining('keyFile') });
    expect(String(failure)).not.toContain('super-secret');
    expect(await readFile(keyFile, 'utf8')).toBe('super-secret-value');
    await writeFile(keyFile, JSON.stringify({ version: 1, clusters: {} }));
    await replacement().release();
    await gone();
  });
});

describe('the settings', () => {
  test.each([
    ['neither', {}],
    ['both', { standby: { url: 'http://127.0.0.1:1' }, cloud: { keyFile: 'keys.json' } }],
  ])('%s of standby and cloud is refused', (_what, settings) => {
    expect(qdrantReplacementSchema.safeParse(settings).error?.issues).toMatchObject([
      { message: expect.stringContaining('exactly one') },
    ]);
  });
});
