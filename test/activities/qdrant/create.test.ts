import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CollectionStage, OWNER, setCollectionStage, type Shape } from './collection-stage.ts';
import { point, put } from './stage.ts';

const RICH = {
  vectors: {
    text: { size: 8, distance: 'Cosine', hnsw_config: { m: 8 }, quantization_config: { scalar: { type: 'int8' } } },
    image: { size: 4, distance: 'Dot', datatype: 'float16', on_disk: true },
  },
  sparse_vectors: { words: { index: { on_disk: false }, modifier: 'idf' } },
  on_disk_payload: false,
  hnsw_config: { m: 24, ef_construct: 128, payload_m: 12 },
  optimizers_config: { deleted_threshold: 0.3, default_segment_number: 1, indexing_threshold: 20_000 },
  wal_config: { wal_capacity_mb: 1 },
  quantization_config: { binary: { always_ram: true } },
  strict_mode_config: { enabled: true, max_query_limit: 100, unindexed_filtering_retrieve: false },
  metadata: { environment: 'books', owner: { team: 'a' }, dr_environment: 'test', dr_made_by: 'an earlier run' },
};

describe('making a collection exactly as it was', () => {
  let stage: CollectionStage;
  let shape: Shape;
  beforeAll(async () => {
    stage = await setCollectionStage();
    await stage.qdrant.call('PUT', '/collections/rich', RICH);
    for (const [field_name, field_schema] of [
      ['source', 'keyword'],
      ['meta.page', { type: 'integer', lookup: true, range: false }],
      ['tenant', { type: 'keyword', is_tenant: true }],
    ])
      await stage.qdrant.call('PUT', '/collections/rich/index?wait=true', { field_name, field_schema });
    await stage.qdrant.call('PATCH', '/collections/rich', { params: { read_fan_out_factor: 2 } });
    shape = await stage.shapeOf('rich');
  });
  afterAll(() => stage.close());
  afterEach(async () => {
    await stage.qdrant.noFaults();
    await stage.qdrant.call('DELETE', '/collections/book');
  });

  const create = (owner = OWNER, as = shape) =>
    stage.make((act) => act.createCollection({ collection: 'book', shape: as, owner }));
  const finish = () => stage.make((act) => act.finishCollection({ collection: 'book', shape }));
  const plain = (): Promise<unknown> =>
    stage.qdrant.call('PUT', '/collections/book', { vectors: { size: 8, distance: 'Cosine' } });

  test('named vectors, quantization, indexes, fan out and metadata: equal; strict mode comes at the end', async () => {
    expect(await create()).toEqual([]);
    expect((await stage.shapeOf('book')).config['strict_mode_config']).toBeUndefined();
    expect(await stage.metadata('book')).toMatchObject({
      environment: 'books',
      owner: { team: 'a' },
      dr_environment: 'test',
      dr_made_by: OWNER,
    });
    expect(await finish()).toEqual([]);
    const { metadata: _, ...expected } = shape.config;
    expect((await stage.shapeOf('book')).config).toMatchObject(expected);
    expect(await finish()).toEqual([]);
  });

  test('strict mode that hinders nothing is there at once', async () => {
    const strict_mode_config = { enabled: true, max_query_limit: 5_000 };
    const lax = { ...shape, config: { ...shape.config, strict_mode_config } };
    expect(await create(OWNER, lax)).toEqual([]);
    expect((await stage.shapeOf('book')).config['strict_mode_config']).toEqual(strict_mode_config);
  });

  test('one that was made to its end is adopted with what is in it, and a half-made one made again', async () => {
    const small = { config: { params: { vectors: { size: 8, distance: 'Cosine' } } }, payloadSchema: {} };
    const differences = await create(OWNER, small);
    await put(stage, 'book', [point('1', 1)]);
    // What the server adds of its own cannot be made away, and is told again.
    expect(await create(OWNER, small)).toEqual(differences);
    expect(await stage.vectors.count('book')).toBe(1);
    await stage.qdrant.call('DELETE', '/collections/book');
    await stage.qdrant.call('PUT', '/collections/book', { ...RICH, metadata: { dr_made_by: OWNER } });
    expect(await create()).toEqual([]);
  });

  test('a lost answer at any of its requests ends in one collection, whole', async () => {
    for (const path of ['^/collections/book$', 'aliases', '/index']) {
      await stage.qdrant.fault('lost-response', { path, count: 1 });
      await create().catch(() => undefined);
      expect(await create()).toEqual([]);
      await stage.qdrant.call('DELETE', '/collections/book');
    }
  });

  test('what somebody else made is left alone, whether collection or alias', async () => {
    await plain();
    await expect(create()).rejects.toMatchObject({ type: 'NAME_TAKEN', message: expect.stringContaining('book') });
    await stage.qdrant.call('DELETE', '/collections/book');
    await create('another run');
    await expect(create()).rejects.toMatchObject({
      type: 'NAME_TAKEN',
      message: expect.stringContaining('another run'),
    });
    await expect(
      stage.make((act) => act.createCollection({ collection: 'also', shape, owner: OWNER })),
    ).resolves.toEqual([]);
    await stage.make((act) => act.setAliases({ collection: 'also', aliases: ['now'] }));
    await expect(
      stage.make((act) => act.createCollection({ collection: 'now', shape, owner: OWNER })),
    ).rejects.toMatchObject({ type: 'NAME_TAKEN', message: expect.stringContaining('alias of also') });
    await stage.make((act) => act.dropMade({ collection: 'also', owner: OWNER }));
  });

  test('its maker drops it, nobody else does, and absent is fine', async () => {
    const drop = (owner: string) => stage.make((act) => act.dropMade({ collection: 'book', owner }));
    await create();
    await expect(drop('another run')).rejects.toMatchObject({ type: 'NAME_TAKEN' });
    await drop(OWNER);
    await drop(OWNER);
    expect(await stage.names()).toEqual(['rich']);
    expect(await stage.aliases()).toEqual({});
  });

  test('one that cannot be read any more is dropped by its maker alone', async () => {
    await create();
    const unreadable = { path: '^/collections/book$', method: 'GET' };
    await stage.qdrant.fault('dummy-shard', unreadable);
    const drop = (owner: string) => stage.make((act) => act.dropMade({ collection: 'book', owner }));
    await expect(drop('another run')).rejects.toMatchObject({
      type: 'NAME_TAKEN',
      message: expect.stringContaining('cannot be read'),
    });
    await drop(OWNER);
    expect(await stage.names()).toEqual(['rich']);
  });

  test('one whose shard does not load is made again by its maker, after the server was started anew', async () => {
    await create();
    await stage.qdrant.crash(async (storage) => {
      const shard = join(storage, 'collections/book/0');
      await rm(shard, { recursive: true });
      await writeFile(shard, 'no shard');
    });
    await expect(create('another run')).rejects.toMatchObject({ type: 'NAME_TAKEN' });
    const restore = { collection: 'book', owner: OWNER, snapshots: [] };
    await expect(stage.make((act) => act.restoreInto(restore))).rejects.toMatchObject({ type: 'RESTORE_INCOMPLETE' });
    expect(await create()).toEqual([]);
    expect(await stage.vectors.count('book')).toBe(0);
  });

  test('the claim on it goes when it is finished, and no set takes it for an alias', async () => {
    await create();
    expect(Object.values(await stage.aliases())).toEqual(['book']);
    const described = await stage.run((act) => act.describeCollection({ collection: 'book' }));
    expect(described.aliases).toEqual([]);
    await finish();
    expect(await stage.aliases()).toEqual({});
  });
});
