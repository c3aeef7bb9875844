import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { removeSets, retentionNow } from '../../../activities/set/prune.ts';
import { createDiskStore } from '../../../activities/store/disk.ts';
import type { ArtifactStore } from '../../../domain/artifacts.ts';
import { RecoveryError } from '../../../domain/failures.ts';
import { manifestKeyOf } from '../../../domain/names.ts';
import { retentionPolicySchema } from '../../../domain/retention.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { makeSet, putManifest, putText, putVerification } from '../../support/recovery-set.ts';
import { testWork } from '../../support/work.ts';

const DAY_MS = 86_400_000;
const policy = retentionPolicySchema.parse({});
const ago = (days: number): string => new Date(Date.now() - days * DAY_MS).toISOString();

let store: ArtifactStore;
const dependencies = (over: ArtifactStore = store): Parameters<typeof retentionNow>[0] => ({
  store: over,
  environment: 'test',
  policy,
});

beforeEach(() => {
  store = createDiskStore(temporaryFolder('prune'));
});

async function put(days: number, state: 'candidate' | 'verified' | 'failed', at = ago(1)): Promise<string> {
  const takenAt = ago(days);
  const id = `set-${takenAt.replace(/[-:]|\.\d+/g, '')}-aaaaaa`;
  const sha256 = await putManifest(store, { ...(await makeSet(store, { id })), takenAt });
  const verdict = state === 'verified' ? 'pass' : 'fail';
  if (state !== 'candidate') await putVerification(store, id, sha256, { at, verdict });
  return id;
}

/** The store, with a lock on whatever `locked` says. */
const locking = (locked: (key: string) => boolean): ArtifactStore => ({
  put: (key, data) => store.put(key, data),
  open: (artifact) => store.open(artifact),
  readSmall: (key) => store.readSmall(key),
  list: (prefix) => store.list(prefix),
  freeBytes: () => store.freeBytes(),
  tidy: (folder) => store.tidy(folder),
  remove: (key) =>
    locked(key)
      ? Promise.reject(new RecoveryError('STORE_LOCKED', `removing ${key}: kept (COMPLIANCE until 2027-01-01)`))
      : store.remove(key),
});

const planned = async (): Promise<{ id: string; manifestSha256: string }[]> =>
  (await retentionNow(dependencies())).remove.map(({ id, manifestSha256 }) => ({ id, manifestSha256 }));

describe('removing sets', () => {
  test('takes away all that belongs to them, and nothing else', async () => {
    const [old, one, two] = [await put(50, 'candidate'), await put(40, 'verified'), await put(1, 'verified')];
    await putText(store, 'runs/x/report-1.json', '{}');
    const work = testWork();
    const sets = await planned();
    expect(await removeSets(dependencies(), sets, work)).toEqual({ removed: [old], kept: [] });
    expect(await store.list(`sets/${old}`)).toEqual([]);
    const left = await retentionNow(dependencies());
    expect(left.verified).toEqual([two, one]);
    expect(await store.list('runs/')).toHaveLength(1);
    expect(work.reported.at(-1)).toMatchObject({ done: 1, total: 1 });
  });

  test('twice is as good as once: what a lost attempt began is finished', async () => {
    const old = await put(50, 'candidate');
    await put(40, 'verified');
    await put(1, 'verified');
    const sets = await planned();
    await store.remove(manifestKeyOf(old));
    expect(await removeSets(dependencies(), sets, testWork())).toEqual({ removed: [old], kept: [] });
    expect(await store.list(`sets/${old}`)).toEqual([]);
    expect(await removeSets(dependencies(), sets, testWork())).toEqual({ removed: [old], kept: [] });
  });

  test('keeps a set that became one of the last two verified ones while the plan waited', async () => {
    const [third, newest] = [await put(50, 'verified'), await put(1, 'verified')];
    await put(40, 'verified');
    const sets = await planned();
    expect(sets.map(({ id }) => id)).toEqual([third]);
    const manifest = (await retentionNow(dependencies())).keep.find(({ id }) => id === newest);
    expect(manifest).toBeDefined();
    const bytes = (await store.readSmall(manifestKeyOf(newest))) ?? new Uint8Array();
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await putVerification(store, newest, sha256, { at: ago(0), verdict: 'fail' });
    expect(await removeSets(dependencies(), sets, testWork())).toEqual({
      removed: [],
      kept: [{ id: third, why: expect.stringContaining('one of the last 2 verified sets: this was not so') }],
    });
    expect(await store.readSmall(manifestKeyOf(third))).toBeDefined();
  });

  test('removes nothing any more when verification became overdue', async () => {
    await put(50, 'candidate');
    await put(1, 'verified');
    const sets = await planned();
    const late = { ...dependencies(), policy: { ...policy, verifyWithinDays: 0.5 } };
    const { removed, kept } = await removeSets(late, sets, testWork());
    expect(removed).toEqual([]);
    expect(kept[0]?.why).toContain('must not be older than 0.5 days');
  });

  test('keeps a set whose manifest is another than the approved one', async () => {
    const old = await put(50, 'candidate');
    await put(1, 'verified');
    const { removed, kept } = await removeSets(
      dependencies(),
      [{ id: old, manifestSha256: 'b'.repeat(64) }],
      testWork(),
    );
    expect({ removed, why: kept[0]?.why }).toEqual({ removed: [], why: 'its manifest is not the one of the plan' });
  });

  test('tells until when the store keeps a set whose manifest is locked, and leaves it whole', async () => {
    const old = await put(50, 'candidate');
    await put(1, 'verified');
    const before = await store.list(`sets/${old}`);
    const locked = locking((key) => key.endsWith('manifest.json'));
    const { removed, kept } = await removeSets(dependencies(locked), await planned(), testWork());
    expect({ removed, why: kept[0]?.why }).toEqual({ removed: [], why: expect.stringContaining('until 2027-01-01') });
    expect(await store.list(`sets/${old}`)).toEqual(before);
  });

  test('tells which objects of a removed set are locked', async () => {
    const old = await put(50, 'candidate');
    await put(1, 'verified');
    const locked = locking((key) => key.includes('golden') || key.includes('index'));
    const { removed, kept } = await removeSets(dependencies(locked), await planned(), testWork());
    expect(removed).toEqual([old]);
    expect(kept[0]?.why).toMatch(/no set any more, but .*until 2027-01-01\), and 1 more objects of it/);
    expect(await store.list(`sets/${old}`)).toHaveLength(2);
  });

  test('stops between two sets when the run is aborted, and never within one', async () => {
    await put(60, 'candidate');
    const second = await put(50, 'candidate');
    await put(1, 'verified');
    const work = testWork();
    const sets = await planned();
    const cancelling = {
      signal: work.signal,
      report: ({ done }: { done: number }) => (done === 0 ? work.cancel() : undefined),
    };
    await expect(removeSets(dependencies(), sets, cancelling)).rejects.toThrow('cancelled');
    const left = [...new Set((await store.list('sets/')).map((key) => key.split('/')[1]))];
    expect(left).toHaveLength(2);
    expect(left).not.toContain(sets[0]?.id);
    expect(sets[0]?.id === second || left.includes(second)).toBe(true);
  });
});
