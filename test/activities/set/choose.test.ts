import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { choose, readBack } from '../../../activities/set/choose.ts';
import type { Expected } from '../../../activities/set/fit.ts';
import { createDiskStore } from '../../../activities/store/disk.ts';
import type { Artifact, ArtifactStore } from '../../../domain/artifacts.ts';
import type { RecoverySet } from '../../../domain/recovery-set.ts';
import type { Verification } from '../../../domain/verification.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { IDENTITY, makeSet, putManifest, putText, putVerification } from '../../support/recovery-set.ts';
import { testWork } from '../../support/work.ts';

const EXPECTED: Expected = { environment: 'test', collectionName: 'textbook-content', embedding: IDENTITY };
const idOf = (day: number): string => `set-2026010${day}T000000Z-aaaaaa`;

let folder: string;
let store: ArtifactStore;
beforeEach(() => {
  folder = temporaryFolder('sets');
  store = createDiskStore(folder);
});

async function put(day: number, change: (set: RecoverySet) => RecoverySet = (set) => set): Promise<RecoverySet> {
  const set = change(await makeSet(store, { id: idOf(day) }));
  await putManifest(store, set);
  return set;
}

async function putVerified(day: number, over: Partial<Verification> = {}): Promise<void> {
  const manifest = await putManifest(store, await makeSet(store, { id: idOf(day) }));
  await putVerification(store, idOf(day), manifest, over);
}

const postgresOf = (file: Artifact): NonNullable<RecoverySet['postgres']> => ({
  serverVersion: '18',
  lsn: '0/1',
  dump: { folder: `sets/${idOf(1)}`, files: [file] },
  rows: {},
  fingerprints: {},
});
const elsewhere = (set: RecoverySet): RecoverySet => ({ ...set, environment: 'staging' });

/** Writes over an artifact behind the store's back. */
async function tamper(key: string, text: string): Promise<void> {
  await chmod(join(folder, key), 0o644);
  await writeFile(join(folder, key), text);
}

describe('the set to heal from', () => {
  test('is never one that failed, though its stack was damaged and there is no other', async () => {
    const torn = (set: RecoverySet): RecoverySet => ({
      ...set,
      disagreements: { missing: 3, unbacked: 0, stale: 0, malformed: 0, orphan: 0 },
    });
    const manifest = await putManifest(store, torn(await makeSet(store, { id: idOf(1) })));
    await putVerification(store, idOf(1), manifest, { verdict: 'fail' });
    await expect(choose(store, EXPECTED, undefined)).rejects.toMatchObject({ code: 'NO_RECOVERY_SET' });
  });

  test('is the newest verified one, and the newer ones are named with why they were passed over', async () => {
    await putVerified(1);
    await putVerified(2);
    await put(3);
    await put(4, elsewhere);
    const { set, why } = await choose(store, EXPECTED, undefined);
    expect(set.id).toBe(idOf(2));
    expect(why).toBe(
      `the newest verified set; passed over: ${idOf(4)}: environment: expected test, found staging, ${idOf(3)} is not verified`,
    );
  });

  test('is the newest when none is verified', async () => {
    await put(1);
    await put(2);
    expect(await choose(store, EXPECTED, undefined)).toMatchObject({
      set: { id: idOf(2) },
      why: 'the newest set; none is verified yet',
    });
  });

  test('is never one without a manifest: it was not finished', async () => {
    await put(1);
    await makeSet(store, { id: idOf(2) });
    expect((await choose(store, EXPECTED, undefined)).set.id).toBe(idOf(1));
  });

  test('is the one that was asked for, whatever there is besides', async () => {
    await put(1);
    await putVerified(2);
    expect(await choose(store, EXPECTED, idOf(1))).toMatchObject({
      set: { id: idOf(1) },
      why: 'asked for in the input',
    });
  });

  test.each([idOf(9), '../../etc/passwd', 'nonsense'])('is not found when %s is asked for', async (id) => {
    await put(1);
    await expect(choose(store, EXPECTED, id)).rejects.toMatchObject({
      code: 'SET_NOT_FOUND',
      message: expect.stringContaining(id),
    });
  });

  test('is missed when there is none', async () => {
    await expect(choose(store, EXPECTED, undefined)).rejects.toMatchObject({ code: 'NO_RECOVERY_SET' });
  });

  test.each(['{', '{}', '{"version": 2}'])('is not one whose manifest is %s', async (manifest) => {
    await put(1);
    await putText(store, `sets/${idOf(2)}/manifest.json`, manifest);
    expect((await choose(store, EXPECTED, undefined)).why).toContain(`sets/${idOf(2)}/manifest.json is not a manifest`);
    await expect(choose(store, EXPECTED, idOf(2))).rejects.toMatchObject({ code: 'SET_TAMPERED' });
  });

  test('is not one whose manifest names another: somebody moved it', async () => {
    await putText(store, `sets/${idOf(2)}/manifest.json`, JSON.stringify(await makeSet(store, { id: idOf(1) })));
    await expect(choose(store, EXPECTED, undefined)).rejects.toMatchObject({ code: 'SET_TAMPERED' });
  });
});

describe('a set of something else is refused by the field that tells', () => {
  const vectors =
    (over: object) =>
    (set: RecoverySet): RecoverySet => ({
      ...set,
      qdrant: { ...set.qdrant, shape: { ...set.qdrant.shape, config: { params: { vectors: over } } } },
    });
  test.each<[words: string, change: (set: RecoverySet) => RecoverySet]>([
    ['environment: expected test, found staging', elsewhere],
    [
      'qdrant.name: expected textbook-content, found other',
      (set) => ({ ...set, qdrant: { ...set.qdrant, name: 'other' } }),
    ],
    [
      'embedding.model: expected small, found large',
      (set) => ({ ...set, embedding: { ...set.embedding, model: 'large' } }),
    ],
    [
      'embedding.dimensions: expected 8, found 9',
      (set) => ({ ...set, embedding: { ...set.embedding, dimensions: 9 } }),
    ],
    [
      'embedding.distance: expected Cosine, found Dot',
      (set) => ({ ...set, embedding: { ...set.embedding, distance: 'Dot' } }),
    ],
    [
      'embedding.vectorName: expected none, found v',
      (set) => ({ ...set, embedding: { ...set.embedding, vectorName: 'v' } }),
    ],
    ['qdrant.shape.config.params.vectors.size: expected 8, found 4', vectors({ size: 4, distance: 'Cosine' })],
    ['qdrant.shape.config.params.vectors.distance: expected Cosine, found Dot', vectors({ size: 8, distance: 'Dot' })],
    [
      'qdrant.shape.config.params.vectors.size: expected 8, found none',
      vectors({ named: { size: 8, distance: 'Cosine' } }),
    ],
  ])('%s', async (words, change) => {
    await put(1, change);
    for (const asked of [undefined, idOf(1)]) {
      await expect(choose(store, EXPECTED, asked)).rejects.toMatchObject({
        code: 'SET_MISMATCH',
        message: `${idOf(1)}: ${words}`,
      });
    }
  });

  test('a named vector is looked for by its name', async () => {
    const embedding = { ...IDENTITY, vectorName: 'dense' };
    await put(1, (set) => ({ ...vectors({ dense: { size: 8, distance: 'Cosine' } })(set), embedding }));
    expect((await choose(store, { ...EXPECTED, embedding }, undefined)).set.id).toBe(idOf(1));
  });
});

describe('reading a set back', () => {
  test('reads every artifact to its end, and tells how far it is', async () => {
    const dump = await putText(store, `sets/${idOf(1)}/postgres.dump`, 'dump');
    const set = await put(1, (one) => ({ ...one, postgres: postgresOf(dump) }));
    const work = testWork();
    await readBack(store, set, work);
    const total = set.qdrant.snapshot.bytes + set.qdrant.index.bytes + set.golden.bytes + 4;
    expect(work.reported.at(-1)).toMatchObject({ done: total, total });
  });

  test.each(['collection.snapshot', 'golden.json', 'postgres.dump'])('finds out that %s was changed', async (name) => {
    const dump = await putText(store, `sets/${idOf(1)}/postgres.dump`, 'dump of the database');
    const set = await put(1, (one) => ({ ...one, postgres: postgresOf(dump) }));
    const artifact = [set.qdrant.snapshot, set.golden, dump].find(({ key }) => key.endsWith(name));
    await tamper(`sets/${idOf(1)}/${name}`, 'x'.repeat(artifact?.bytes ?? 0));
    await expect(readBack(store, set, testWork())).rejects.toMatchObject({
      code: 'SET_TAMPERED',
      message: expect.stringContaining(name),
    });
  });

  test('goes on after what an earlier attempt had read whole, of the same set only', async () => {
    const set = await put(1);
    await tamper(set.qdrant.snapshot.key, 'x'.repeat(set.qdrant.snapshot.bytes));
    const cursor = (id: string): ReturnType<typeof testWork> =>
      testWork({ phase: '', done: 0, total: 0, cursor: `${id}:1` });
    await expect(readBack(store, set, cursor(idOf(1)))).resolves.toBeUndefined();
    await expect(readBack(store, set, cursor(idOf(2)))).rejects.toMatchObject({ code: 'SET_TAMPERED' });
  });
});
