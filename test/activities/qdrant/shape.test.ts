import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { indexesBefore, lostIndexes } from '../../../domain/partial-loss.ts';
import type { RecoverySet } from '../../../domain/recovery-set.ts';
import { fill, point, setStage, type Stage } from './stage.ts';

describe('the shape of a collection', () => {
  let stage: Stage;
  let set: RecoverySet;
  beforeAll(async () => {
    stage = await setStage();
    await fill(stage, 'book', [point('1', 1), point('2', 2)]);
    await stage.qdrant.call('PUT', '/collections/book/index?wait=true', {
      field_name: 'source',
      field_schema: 'keyword',
    });
    await stage.qdrant.call('PUT', '/collections/book/index?wait=true', {
      field_name: 'page',
      field_schema: { type: 'integer', lookup: true, range: false },
    });
    await stage.qdrant.call('POST', '/collections/aliases', {
      actions: [{ create_alias: { collection_name: 'book', alias_name: 'current' } }],
    });
    const described = await stage.run((act) => act.describeCollection({ collection: 'book' }));
    // Only the part that a comparison reads; the whole manifest belongs to other tests.
    set = { qdrant: described } as unknown as RecoverySet;
  });
  afterAll(() => stage.close());

  const compare = () => stage.run((act) => act.compareShape({ collection: 'book', set }));

  test('is described with version, exact count, aliases and indexes without their counts', () => {
    expect(set.qdrant).toMatchObject({
      serverVersion: expect.stringMatching(/^1\./),
      points: 2,
      aliases: [{ alias: 'current', collection: 'book' }],
      shape: { config: { params: { vectors: { size: 8, distance: 'Cosine' } } } },
    });
    expect(set.qdrant.shape.payloadSchema).toEqual({
      source: { data_type: 'keyword' },
      page: { data_type: 'integer', params: { type: 'integer', lookup: true, range: false } },
    });
  });

  test('agrees with itself, also after the collection was marked or filled', async () => {
    await stage.vectors.writeEnvironmentMark('book', 'test');
    expect(await compare()).toEqual([]);
    expect(await stage.vectors.readEnvironmentMark('book')).toBe('test');
    expect(await stage.vectors.readEnvironmentMark('current')).toBe('test');
  });

  test('shows lost and changed indexes, gets the lost one back, leaves the changed one, and can undo that', async () => {
    await stage.qdrant.call('DELETE', '/collections/book/index/source?wait=true');
    await stage.qdrant.call('DELETE', '/collections/book/index/page?wait=true');
    await stage.qdrant.call('PUT', '/collections/book/index?wait=true', { field_name: 'page', field_schema: 'float' });
    const damaged = await compare();
    expect(damaged.map(({ path }) => path)).toEqual(['payload_schema.page', 'payload_schema.source']);
    const fields = Object.fromEntries(lostIndexes(damaged));
    await stage.run((act) => act.createIndexes({ collection: 'book', fields }));
    expect((await compare()).map(({ path }) => path)).toEqual(['payload_schema.page']);
    await stage.run((act) => act.createIndexes({ collection: 'book', fields }));
    await stage.run((act) => act.revertIndexes({ collection: 'book', fields: indexesBefore(damaged) }));
    expect(await compare()).toEqual(damaged);
  });

  test('shows a setting that changed', async () => {
    await stage.qdrant.call('PATCH', '/collections/book', { hnsw_config: { ef_construct: 64 } });
    expect((await compare()).map(({ path, observed }) => [path, observed])).toContainEqual([
      'hnsw_config.ef_construct',
      '64',
    ]);
  });

  test('a name is followed to its collection, and an unknown one refused', async () => {
    expect(await stage.vectors.resolveCollection('current')).toBe('book');
    expect(await stage.vectors.resolveCollection('book')).toBe('book');
    await expect(stage.vectors.resolveCollection('nothing')).rejects.toMatchObject({
      code: 'QDRANT_REFUSED',
      message: expect.stringContaining('nothing'),
    });
  });
});
