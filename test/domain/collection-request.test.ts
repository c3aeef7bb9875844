import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { requestsOf } from '../../domain/collection-request.ts';

type Json = Record<string, unknown>;

/** `GET /collections/tuned` of a 1.18.3, with what other collections have besides. */
const TUNED = {
  params: {
    vectors: { text: { size: 16, distance: 'Euclid', hnsw_config: { m: 8 } }, image: { size: 4, distance: 'Dot' } },
    sparse_vectors: { words: { index: { on_disk: false }, modifier: 'idf' } },
    shard_number: 1,
    replication_factor: 1,
    read_fan_out_factor: 2,
    on_disk_payload: false,
  },
  hnsw_config: { m: 24, ef_construct: 128, payload_m: 12 },
  optimizer_config: { deleted_threshold: 0.3, max_segment_size: null, indexing_threshold: 20_000 },
  wal_config: { wal_capacity_mb: 1, wal_retain_closed: null },
  quantization_config: { scalar: { type: 'int8', quantile: 0.99, always_ram: true } },
  strict_mode_config: { enabled: true, max_query_limit: 5_000, unindexed_filtering_retrieve: false },
  metadata: { environment: 'test', owner: { team: null } },
  uuid: '0b5ecf3a-8f5e-4f4c-9a57-0a3e0f5f1c11',
  shard_keys: [{ shard_key: 'a', shards_number: 2 }],
};

describe('what recreates a collection', () => {
  test('is a creation, a change of what that does not take, its indexes, and strict mode for the end', () => {
    const payloadSchema = {
      source: { data_type: 'keyword' },
      'meta.page': { data_type: 'integer', params: { type: 'integer', range: false, lookup: true, on_disk: null } },
    };
    expect(requestsOf({ config: TUNED, payloadSchema })).toEqual({
      create: {
        vectors: TUNED.params.vectors,
        sparse_vectors: TUNED.params.sparse_vectors,
        shard_number: 1,
        replication_factor: 1,
        on_disk_payload: false,
        hnsw_config: TUNED.hnsw_config,
        optimizers_config: { deleted_threshold: 0.3, indexing_threshold: 20_000 },
        wal_config: { wal_capacity_mb: 1 },
        quantization_config: TUNED.quantization_config,
        metadata: TUNED.metadata,
      },
      patch: { params: { read_fan_out_factor: 2 } },
      shardKeys: [{ shard_key: 'a', shards_number: 2 }],
      indexes: [
        { field_name: 'source', field_schema: 'keyword' },
        { field_name: 'meta.page', field_schema: { type: 'integer', range: false, lookup: true } },
      ],
      strict: { config: TUNED.strict_mode_config, hinders: false },
    });
  });

  test('the single unnamed vector stays unnamed, and no vectors stay none', () => {
    const created = (vectors: object) => requestsOf({ config: { params: { vectors } }, payloadSchema: {} }).create;
    expect(created({ size: 8, distance: 'Cosine' })).toEqual({ vectors: { size: 8, distance: 'Cosine' } });
    expect(created({})).toEqual({ vectors: {} });
  });

  test.each([
    [{ enabled: true, write_rate_limit: 100 }, true],
    [{ enabled: true, search_allow_exact: false }, true],
    [{ enabled: true, max_query_limit: 100 }, true],
    [{ enabled: true, upsert_max_batchsize: 1_000, unindexed_filtering_update: false }, false],
    [{ enabled: false, read_rate_limit: 1 }, false],
  ])('strict mode %j is in the way of filling: %j', (config, hinders) => {
    const { strict } = requestsOf({ config: { strict_mode_config: config }, payloadSchema: {} });
    expect(strict).toEqual({ config, hinders });
  });
});

describe('for every shape', () => {
  const name = fc.stringMatching(/^[a-z]{1,6}$/);
  const json = fc.jsonValue({ maxDepth: 3 });
  /** Known and unknown settings with values of any kind; `x_` and `y_` keep the two levels of a creation apart. */
  const settings = (known: readonly string[], prefix: string) =>
    fc
      .tuple(
        fc.dictionary(fc.constantFrom(...known), json, { noNullPrototype: true }),
        fc.dictionary(
          name.map((text) => prefix + text),
          json,
          { noNullPrototype: true },
        ),
      )
      .map(([a, b]): Json => ({ ...a, ...b }));
  const params = settings(['vectors', 'shard_number', 'read_fan_out_factor', 'read_fan_out_delay_ms'], 'x_');
  const config = fc
    .tuple(params, settings(['hnsw_config', 'quantization_config', 'wal_config'], 'y_'), json, json, json)
    .map(([given, rest, optimizer, strict, metadata]): Json => {
      return { ...rest, params: given, optimizer_config: optimizer, strict_mode_config: strict, metadata, uuid: 'u' };
    });
  const indexes = fc.dictionary(
    name,
    fc.record({ data_type: fc.constantFrom('keyword', 'integer', 'text'), params: fc.option(fc.object()) }),
    { noNullPrototype: true },
  );

  test('every parameter that has a value is asked for, at its place, and no null is', () => {
    fc.assert(
      fc.property(config, indexes, (given, payloadSchema) => {
        const { create, patch, strict, indexes: asked } = requestsOf({ config: given, payloadSchema });
        const { params: inside, uuid: _, optimizer_config, strict_mode_config, metadata, ...rest } = given;
        const { read_fan_out_factor, read_fan_out_delay_ms, ...created } = inside as Json;
        const wanted = leaves({ ...created, ...rest, optimizers_config: optimizer_config });
        expect(leaves({ ...create, metadata: undefined })).toEqual(wanted);
        expect(create['metadata'] ?? null).toEqual(metadata);
        expect(leaves(patch?.['params'])).toEqual(leaves({ read_fan_out_factor, read_fan_out_delay_ms }));
        expect(leaves(strict?.config)).toEqual(isObject(strict_mode_config) ? leaves(strict_mode_config) : []);
        expect(asked.map(({ field_name }) => field_name)).toEqual(Object.keys(payloadSchema));
      }),
    );
  });

  test('nothing at all throws', () => {
    fc.assert(
      fc.property(fc.dictionary(name, json), fc.dictionary(name, json), (some, payloadSchema) => {
        for (const key of ['params', 'shard_keys', 'strict_mode_config'])
          expect(requestsOf({ config: { ...some, [key]: some }, payloadSchema }).create).toBeDefined();
      }),
    );
  });
});

/** Every value that is set, with its path. */
function leaves(value: unknown, path = ''): string[] {
  if (value === null || value === undefined) return [];
  if (!isObject(value)) return [`${path}=${JSON.stringify(value)}`];
  return Object.entries(value)
    .flatMap(([key, inner]) => leaves(inner, `${path}/${key}`))
    .sort();
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
