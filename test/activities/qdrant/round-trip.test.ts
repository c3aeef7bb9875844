import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { BIG, copyFinding, fill, point, readIndexArtifact, setStage, type Stage, UUID } from './stage.ts';

describe('from a snapshot to a healed collection', () => {
  let stage: Stage;
  const ids = [...Array.from({ length: 600 }, (_, i) => String(i)), BIG, '18446744073709551615', UUID];
  beforeAll(async () => {
    stage = await setStage();
    await fill(
      stage,
      'book',
      ids.map((id, i) => point(id, i, { page: i })),
    );
  });
  afterAll(() => stage.close());

  test('every point comes back with its exact id, payload and vector', async () => {
    const { index, points } = await stage.run((act) => act.captureIndex({ collection: 'book', folder: 'set' }));
    expect(points).toBe(603);
    const recorded = await readIndexArtifact(stage, index);
    expect(recorded.map(({ id }) => id)).toEqual(ids);
    const snapshot = await stage.run((act) => act.captureCollection({ collection: 'book', folder: 'set' }));
    expect(await stage.qdrant.call('GET', '/collections/book/snapshots')).toEqual([]);

    const lost = new Set([...ids.slice(100, 500), BIG, UUID]);
    await stage.qdrant.call(
      'POST',
      '/collections/book/points/delete?wait=true',
      `{"points":[${[...lost].map((id) => (id === UUID ? `"${id}"` : id)).join(',')}]}`,
    );
    expect(await stage.vectors.count('book')).toBe(201);

    const restored = await stage.run((act) => act.restoreBeside({ snapshot, scratch: 'dr-restore-book', points: 603 }));
    expect(restored).toEqual({ points: 603 });
    expect(await stage.qdrant.call('GET', '/collections/dr-restore-book/snapshots')).toEqual([]);

    const list = await stage.list(
      recorded.filter(({ id }) => lost.has(id)).map((entry) => copyFinding(undefined, entry)),
    );
    const counts = await stage.run((act) => act.copyPoints({ list, from: 'dr-restore-book', to: 'book' }));
    expect(counts).toEqual({ written: 402, newer: 0 });
    expect(await stage.index('book')).toEqual(recorded);

    await stage.run((act) => act.dropScratch({ scratch: 'dr-restore-book' }));
    await stage.run((act) => act.dropScratch({ scratch: 'dr-restore-book' }));
    const { collections } = await stage.qdrant.call<{ collections: { name: string }[] }>('GET', '/collections');
    expect(collections.map(({ name }) => name)).toEqual(['book']);
  });

  test('only scratch names can be dropped or restored into', async () => {
    await expect(stage.run((act) => act.dropScratch({ scratch: 'book' }))).rejects.toMatchObject({
      type: 'INVALID_INPUT',
    });
    const snapshot = { key: 'none', sha256: '0'.repeat(64), bytes: 1 };
    await expect(stage.run((act) => act.restoreBeside({ snapshot, scratch: 'book' }))).rejects.toMatchObject({
      type: 'INVALID_INPUT',
    });
    expect(await stage.vectors.count('book')).toBe(603);
  });
});
