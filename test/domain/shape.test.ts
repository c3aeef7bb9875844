import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compareShapes, indexFieldOf, isRepairable } from '../../domain/shape.ts';

const expected = {
  params: { vectors: { size: 768, distance: 'Cosine' }, shard_number: 1 },
  payload_schema: { source: { data_type: 'keyword' } },
};

describe('comparing shapes', () => {
  test('a shape is like itself, whatever the order of its keys', () => {
    const value = fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 5 });
    fc.assert(
      fc.property(value, (shape) => {
        const turned = Object.fromEntries(Object.entries(shape).toReversed());
        expect(compareShapes(shape, turned)).toEqual([]);
      }),
    );
  });

  test('names every field that differs by its path, with both values', () => {
    const observed = { params: { vectors: { size: 384, distance: 'Cosine' }, on_disk: true }, payload_schema: {} };
    expect(compareShapes(expected, observed)).toEqual([
      { path: 'params.on_disk', observed: 'true' },
      { path: 'params.shard_number', expected: '1' },
      { path: 'params.vectors.size', expected: '768', observed: '384' },
      { path: 'payload_schema.source', expected: '{"data_type":"keyword"}' },
    ]);
  });

  test('null and absent are the same', () => {
    expect(compareShapes({ a: null, b: { c: 1, d: null } }, { b: { c: 1 } })).toEqual([]);
  });

  test('a lost payload index can be repaired; one of another type was changed on purpose, and a new one was made so', () => {
    const observed = {
      params: { ...expected.params, shard_number: 2 },
      payload_schema: { source: { data_type: 'text' }, extra: { data_type: 'integer' } },
    };
    const lost = compareShapes(expected, { ...observed, payload_schema: {} });
    expect(lost.filter(isRepairable).map(indexFieldOf)).toEqual(['source']);
    const differences = compareShapes(expected, observed);
    expect(differences.map(({ path }) => path)).toEqual([
      'params.shard_number',
      'payload_schema.extra',
      'payload_schema.source',
    ]);
    expect(differences.filter(isRepairable)).toEqual([]);
  });

  test('an index whose field has dots is compared whole', () => {
    const differences = compareShapes(
      { payload_schema: { 'meta.page': { data_type: 'integer' } } },
      { payload_schema: {} },
    );
    expect(differences.map(indexFieldOf)).toEqual(['meta.page']);
  });
});
