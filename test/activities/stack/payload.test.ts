import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fieldAt, payloadOf, withField } from '../../../activities/stack/payload.ts';

describe('a payload field', () => {
  test('is found at its dotted path, but a key that itself holds the dots wins', () => {
    expect(fieldAt({ a: { b: 1 } }, 'a.b')).toBe(1);
    expect(fieldAt({ a: { b: 1 }, 'a.b': 2 }, 'a.b')).toBe(2);
    expect(fieldAt({ a: 'text' }, 'a.length')).toBeUndefined();
    expect(fieldAt(undefined, 'a')).toBeUndefined();
  });

  test('that was set is found again, and nothing else has moved', () => {
    const path = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 }).map((keys) => keys.join('.'));
    const payload = fc.dictionary(fc.constantFrom('a', 'b', 'a.b', 'd'), fc.jsonValue({ maxDepth: 2 }), {
      noNullPrototype: true,
    });
    fc.assert(
      fc.property(payload, path, (before, at) => {
        const copy = structuredClone(before);
        const after = withField(before, at, 'set');
        expect(fieldAt(after, at)).toBe('set');
        expect(before).toEqual(copy);
        const [top = ''] = at.split('.');
        const others = Object.keys(before).filter((key) => key !== top && key !== at);
        for (const key of others) expect(after[key]).toEqual(before[key]);
      }),
    );
  });
});

test('a payload keeps what the row does not know, and takes over what it does', () => {
  const fields = { text: 'text', source: 'meta.source', chunkIndex: 'meta.index' };
  const before = { text: 'old', meta: { source: 'old', page: 3 }, tag: 'x' };
  expect(payloadOf(before, { text: 'new', source: 's', hash: 'unmapped' }, fields)).toEqual({
    text: 'new',
    meta: { source: 's', page: 3 },
    tag: 'x',
  });
});
