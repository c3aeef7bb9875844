import { beforeEach, describe, expect, test } from '@jest/globals';
import { choose } from '../../../activities/set/choose.ts';
import type { Expected } from '../../../activities/set/fit.ts';
import { seal } from '../../../activities/set/seal.ts';
import { createDiskStore } from '../../../activities/store/disk.ts';
import type { ArtifactStore } from '../../../domain/artifacts.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { IDENTITY, makeSet } from '../../support/recovery-set.ts';

const EXPECTED: Expected = { environment: 'test', collectionName: 'textbook-content', embedding: IDENTITY };

let store: ArtifactStore;
beforeEach(() => {
  store = createDiskStore(temporaryFolder('seal'));
});

const parts = (): ReturnType<typeof makeSet> => makeSet(store);

describe('sealing', () => {
  test('makes a candidate that recovery can choose, of this environment and embedding', async () => {
    const set = await parts();
    const manifest = await seal(store, EXPECTED, set);
    expect(manifest.key).toBe(`sets/${set.id}/manifest.json`);
    expect((await choose(store, EXPECTED, undefined)).set).toEqual(set);
  });

  test('again gives the same manifest back, as after a lost answer', async () => {
    const given = await parts();
    const first = await seal(store, EXPECTED, given);
    expect(await seal(store, EXPECTED, given)).toEqual(first);
  });

  test('never replaces another manifest', async () => {
    const given = await parts();
    await seal(store, EXPECTED, given);
    const other = { ...given, takenAt: '2026-01-02T00:00:00.000Z' };
    await expect(seal(store, EXPECTED, other)).rejects.toMatchObject({ code: 'SET_TAMPERED' });
  });

  test('refuses a collection that is not what the settings say, since no recovery could ever choose it', async () => {
    const embedding = { ...IDENTITY, dimensions: 768 };
    await expect(seal(store, { ...EXPECTED, embedding }, await parts())).rejects.toMatchObject({
      code: 'SET_MISMATCH',
      message: expect.stringContaining('dimensions: expected 768, found 8'),
    });
    expect((await store.list('sets/')).filter((key) => key.endsWith('manifest.json'))).toEqual([]);
  });
});
