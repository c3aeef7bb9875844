import { PutObjectLockConfigurationCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { removeSets, retentionNow } from '../../../activities/set/prune.ts';
import { discardSet, sweepSet } from '../../../activities/set/verify.ts';
import { createArtifactStore } from '../../../activities/store/index.ts';
import { retentionPolicySchema } from '../../../domain/retention.ts';
import { readStoredSet } from '../../../domain/stored-set.ts';
import { makeSet, putManifest, putText, putVerification } from '../../support/recovery-set.ts';
import { newBucket, type S3Server, startMoto } from '../../support/s3.ts';
import { testWork } from '../../support/work.ts';

const DAY_MS = 86_400_000;
const ago = (days: number): string => new Date(Date.now() - days * DAY_MS).toISOString();
let server: S3Server;

beforeAll(async () => {
  server = await startMoto();
});

afterAll(async () => {
  await server?.stop();
});

describe('removing sets from a bucket', () => {
  test('that locks what is put: the set stays whole, and until when is told', async () => {
    const { dependencies, sets, old } = await bucketWith(true);
    const { removed, kept } = await removeSets(dependencies, sets, testWork());
    expect(removed).toEqual([]);
    expect(kept).toEqual([{ id: old, why: expect.stringMatching(/COMPLIANCE until \d{4}-\d\d-\d\dT/) }]);
    const { remove } = await retentionNow(dependencies);
    expect(remove.map(({ id }) => id)).toEqual([old]);
  });

  test('that locks nothing: no object of it is left, and the others are', async () => {
    const { dependencies, sets, old } = await bucketWith(false);
    expect(await removeSets(dependencies, sets, testWork())).toEqual({ removed: [old], kept: [] });
    expect(await dependencies.store.list(`sets/${old}`)).toEqual([]);
    expect((await retentionNow(dependencies)).verified).toHaveLength(2);
  });
});

test('what a lock keeps holds neither a backup nor its end up', async () => {
  const { dependencies, old } = await bucketWith(true);
  const { store } = dependencies;
  await putText(store, 'sets/set-20260101T000000Z-bbbbbb/half', 'of an attempt');
  expect(await discardSet(store, 'set-20260101T000000Z-bbbbbb')).toEqual({ removed: 0 });
  const stored = await readStoredSet(store, old);
  if (!stored || 'problem' in stored) throw new Error('the set is there');
  await putText(store, `sets/${old}/half`, 'of an attempt');
  expect(await sweepSet(store, stored.set)).toEqual({ removed: 0 });
});

/** A bucket with two verified sets and an old one that may go. */
async function bucketWith(lock: boolean): Promise<{
  dependencies: Parameters<typeof removeSets>[0];
  sets: { id: string; manifestSha256: string }[];
  old: string;
}> {
  const s3 = await newBucket(server, { lock });
  const retention = { DefaultRetention: { Mode: 'COMPLIANCE', Days: 3 } } as const;
  const ObjectLockConfiguration = { ObjectLockEnabled: 'Enabled', Rule: retention } as const;
  if (lock)
    await server.client.send(new PutObjectLockConfigurationCommand({ Bucket: s3.bucket, ObjectLockConfiguration }));
  const store = createArtifactStore({ directory: 'unused', s3 });
  for (const days of [50, 40, 1]) {
    const takenAt = ago(days);
    const id = `set-${takenAt.replace(/[-:]|\.\d+/g, '')}-aaaaaa`;
    const sha256 = await putManifest(store, { ...(await makeSet(store, { id })), takenAt });
    if (days < 50) await putVerification(store, id, sha256, { at: ago(0.1) });
  }
  const dependencies = { store, environment: 'test', policy: retentionPolicySchema.parse({}) };
  const { remove } = await retentionNow(dependencies);
  const sets = remove.map(({ id, manifestSha256 }) => ({ id, manifestSha256 }));
  return { dependencies, sets, old: sets[0]?.id ?? 'none' };
}
