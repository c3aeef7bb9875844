import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { createDiskStore } from '../../activities/store/disk.ts';
import type { ArtifactStore } from '../../domain/artifacts.ts';
import type { RecoverySet } from '../../domain/recovery-set.ts';
import { listStoredSets, readStoredSet } from '../../domain/stored-set.ts';
import { temporaryFolder } from '../support/folder.ts';
import { makeSet, putManifest, putText, putVerification } from '../support/recovery-set.ts';

const ID = 'set-20260101T000000Z-aaaaaa';
const FOLDER = `sets/${ID}`;
let folder: string;
let store: ArtifactStore;
let set: RecoverySet;
let manifest: string;

beforeEach(async () => {
  folder = temporaryFolder('stored');
  store = createDiskStore(folder);
  set = await makeSet(store, { id: ID });
  manifest = await putManifest(store, set);
});

/** Turns one bit of a file over, behind the store's back. */
async function flip(key: string, at: number): Promise<void> {
  const path = join(folder, key);
  const bytes = await readFile(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await chmod(path, 0o644);
  await writeFile(path, bytes);
}

describe('a stored set', () => {
  test('is read with its state, by the records of its own manifest', async () => {
    expect(await readStoredSet(store, ID)).toMatchObject({ set, manifestSha256: manifest, state: 'candidate' });
    await putVerification(store, ID, manifest);
    expect(await readStoredSet(store, ID)).toMatchObject({ state: 'verified', verifications: [{ level: 'full' }] });
  });

  test('that is not there is nothing, and neither is one that was never finished', async () => {
    expect(await readStoredSet(store, 'set-20270101T000000Z-aaaaaa')).toBeUndefined();
    await makeSet(store, { id: 'set-20260102T000000Z-aaaaaa' });
    expect((await listStoredSets(store)).map(({ id }) => id)).toEqual([ID]);
  });

  test.each(['manifest.json', 'SHA256SUMS'])('shows every single bit that was turned over in %s', async (name) => {
    const { length } = await readFile(join(folder, FOLDER, name));
    for (let at = 0; at < length; at += 7) {
      await flip(`${FOLDER}/${name}`, at);
      expect(await readStoredSet(store, ID)).toMatchObject({ problem: expect.stringContaining('manifest.json') });
      await flip(`${FOLDER}/${name}`, at);
    }
    expect(await readStoredSet(store, ID)).toHaveProperty('set');
  });

  test('shows that the record of a verification was changed: a failure must not become a pass', async () => {
    await putVerification(store, ID, manifest, { verdict: 'fail' });
    const [key = ''] = (await store.list(`${FOLDER}/verifications/`)) as [string];
    const text = await readFile(join(folder, key), 'utf8');
    await chmod(join(folder, key), 0o644);
    await writeFile(join(folder, key), text.replace('"fail"', '"pass"'));
    expect(await readStoredSet(store, ID)).toEqual({ id: ID, problem: expect.stringContaining(key) });
  });

  test('of which the checksums are missing is no set', async () => {
    await store.remove(`${FOLDER}/SHA256SUMS`);
    expect(await readStoredSet(store, ID)).toMatchObject({ problem: expect.stringContaining('SHA256SUMS is missing') });
  });

  test('whose manifest was swapped for that of another is no set', async () => {
    const other = await makeSet(store, { id: 'set-20260102T000000Z-bbbbbb' });
    await store.remove(`${FOLDER}/manifest.json`);
    await putText(store, `${FOLDER}/manifest.json`, JSON.stringify(other));
    expect(await readStoredSet(store, ID)).toMatchObject({ problem: expect.stringContaining('not a manifest') });
  });

  test('that names objects of another set is no set', async () => {
    const other = await makeSet(store, { id: 'set-20260102T000000Z-bbbbbb' });
    await putManifest(store, { ...other, golden: set.golden });
    expect(await readStoredSet(store, other.id)).toMatchObject({ problem: expect.stringContaining('another set') });
  });
});
