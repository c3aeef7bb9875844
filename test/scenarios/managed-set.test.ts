import { readFile, writeFile } from 'node:fs/promises';
import { createApiClient } from '@neondatabase/api-client';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { createDiskStore } from '../../activities/store/disk.ts';
import type { RunReport } from '../../domain/report.ts';
import { artifactsOf, type RecoverySet } from '../../domain/recovery-set.ts';
import { readStoredSet } from '../../domain/stored-set.ts';
import type { backUpStack } from '../../workflows/back-up-stack.ts';
import { abortSignal } from '../../workflows/messages.ts';
import type { verifyRecoverySet } from '../../workflows/verify-recovery-set.ts';
import { type QdrantUnderTest, startQdrant } from '../support/qdrant.ts';
import { type CloudUnderTest, MANAGEMENT_KEY, startCloud } from '../support/qdrant-cloud.ts';
import { approve, COLLECTION, QUEUE, Scenario, until } from '../support/scenario.ts';

let scenario: Scenario;
let cloud: CloudUnderTest;
let node: QdrantUnderTest;
let elsewhere: QdrantUnderTest;
let runs = 0;

/**
 * A stack whose Postgres is on Neon and whose Qdrant is on Qdrant Cloud, with a second node, a second collection, an encrypting
 * store, and a server of its own to try snapshots out on.
 */
beforeAll(async () => {
  scenario = await Scenario.start({ neon: true });
  const { env } = scenario.stack;
  cloud = await startCloud({ url: env['QDRANT_URL'] ?? '', apiKey: env['QDRANT_API_KEY'] ?? '' });
  await scenario.qdrant('PUT', '/collections/notes', { vectors: { size: 4, distance: 'Dot' } });
  await scenario.qdrant('PUT', '/collections/notes/points?wait=true', { points: [{ id: 1, vector: [1, 2, 3, 4] }] });
  node = await startQdrant({ open: true });
  await node.call('PUT', `/collections/${COLLECTION}`, { vectors: { size: 768, distance: 'Cosine' } });
  const vector = Array<number>(768).fill(0.5);
  await node.call('PUT', `/collections/${COLLECTION}/points?wait=true`, { points: [{ id: 5, vector }] });
  await node.call('PUT', '/collections/notes', { vectors: { size: 4, distance: 'Dot' } });
  elsewhere = await startQdrant({ open: true });
  const identity = await generateX25519Identity();
  const file = env['RECOVERY_CONFIG'] ?? '';
  const config = JSON.parse(await readFile(file, 'utf8')) as { backup: object };
  const { accountId, clusterId, url } = cloud;
  await writeFile(
    file,
    JSON.stringify({
      ...config,
      backup: { ...config.backup, collections: ['notes'], nodes: [node.url], verifyQdrant: { url: elsewhere.url } },
      qdrantCloud: { url, accountId, clusterId, apiKey: MANAGEMENT_KEY },
      store: { encryption: { recipients: [await identityToRecipient(identity)], identity } },
    }),
  );
  await scenario.stack.restart('worker');
}, 240_000);

afterAll(async () => {
  await cloud?.stop();
  await node?.stop();
  await elsewhere?.stop();
  await scenario?.stop();
}, 60_000);

function start() {
  return scenario.client.workflow.start<typeof backUpStack>('backUpStack', {
    taskQueue: QUEUE,
    workflowId: `managed/${(runs += 1)}`,
    args: [{}],
  });
}

function redGates({ gates }: RunReport): string[] {
  return gates.filter(({ verdict }) => verdict !== 'pass').map(({ name, observed }) => `${name}: ${observed}`);
}

async function branches(): Promise<string[]> {
  const { NEON_API_KEY: apiKey = '', NEON_API_URL: baseURL = '', NEON_PROJECT_ID: projectId = '' } = scenario.stack.env;
  const { data } = await createApiClient({ apiKey, baseURL }).listProjectBranches({ projectId });
  return data.branches.map(({ name }) => name).sort();
}

async function managed(): Promise<string[]> {
  const { body } = await cloud.backups('GET', '/backups');
  return ((body['items'] ?? []) as { displayName?: string }[]).map(({ displayName = '' }) => displayName);
}

describe('a set of managed services', () => {
  let set: RecoverySet;

  test('binds a branch, a managed backup and every collection, encrypted, and is verified', async () => {
    const taken = await (await start()).result();
    expect(redGates(taken)).toEqual([]);
    const stored = await readStoredSet(createDiskStore(scenario.stack.env['STORE_DIRECTORY'] ?? ''), taken.set ?? '');
    if (!stored || 'problem' in stored) throw new Error(stored?.problem);
    ({ set } = stored);
    expect(set.postgres?.neon?.branchName).toContain(set.id);
    expect(Date.parse(set.postgres?.neon?.expiresAt ?? '')).toBeGreaterThan(Date.now() + 25 * 24 * 3600_000);
    expect(await branches()).toContain(set.postgres?.neon?.branchName);
    expect(set.qdrant.cloud).toMatchObject({ clusterId: cloud.clusterId });
    expect(await managed()).toContain(set.id);
    expect(set.qdrant.others).toMatchObject([{ collection: 'notes', points: 1, snapshots: [{}, {}] }]);
    expect(set.qdrant.nodes).toMatchObject([{ node: node.url }]);
    const clear = artifactsOf(set).filter(({ plain, key }) => !plain && !key.includes('/configuration/'));
    expect(clear).toEqual([]);

    const verified = await scenario.client.workflow.execute<typeof verifyRecoverySet>('verifyRecoverySet', {
      taskQueue: QUEUE,
      workflowId: `managed/${(runs += 1)}`,
      args: [{ setId: set.id }],
    });
    expect(redGates(verified)).toEqual([]);
    expect(verified).toMatchObject({ outcome: 'completed', verdict: 'pass' });
    expect(verified.gates.map(({ name }) => name)).toEqual(
      expect.arrayContaining([`snapshot of ${COLLECTION} of ${node.url}`, 'snapshot of notes']),
    );
    expect(await scenario.collections()).toEqual(['notes', COLLECTION]);
    expect(await elsewhere.call('GET', '/collections')).toEqual({ collections: [] });
  }, 240_000);

  test('that is given up in the middle leaves neither branch nor managed backup', async () => {
    const before = { branches: await branches(), managed: await managed() };
    const run = await start();
    await until(run, ({ steps }) => steps.some(({ name, state }) => name === 'configuration' && state !== 'pending'));
    await run.signal(abortSignal, { by: 'ann', reason: 'enough' });
    expect(await run.result()).toMatchObject({ outcome: 'aborted' });
    expect({ branches: await branches(), managed: await managed() }).toEqual(before);
  }, 120_000);

  test('heals a collection that lost points, from snapshots that lie encrypted', async () => {
    const whole = await scenario.everything();
    await scenario.break('delete-sections');
    const run = await scenario.run({ setId: set.id, commitWindowMinutes: 0 });
    await approve(run);
    expect(await run.result()).toMatchObject({ outcome: 'recovered', verdict: 'pass' });
    expect(await scenario.everything()).toEqual(whole);
  }, 120_000);
});
