import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { comparePointIds, isPointId, parsePointId, pointIdJson } from '../../domain/point-id.ts';

const integer = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const uuid = fc.uuid();
const id = fc.oneof(integer.map(String), uuid);

describe('a point id', () => {
  test('is any unsigned 64-bit integer or UUID, and keeps its value through JSON', () => {
    fc.assert(
      fc.property(id, (one) => {
        expect(isPointId(one)).toBe(true);
        const json = pointIdJson(one);
        expect(json.startsWith('"') ? JSON.parse(json) : BigInt(json)).toEqual(one.length === 36 ? one : BigInt(one));
      }),
    );
  });

  test.each(['', '-1', '01', '1.0', '1e3', ' 1', '18446744073709551616', '99999999999999999999', 'a'.repeat(36)])(
    '%j is none',
    (text) => expect(isPointId(text)).toBe(false),
  );

  test('the largest is 2^64 - 1', () => {
    expect(isPointId('18446744073709551615')).toBe(true);
  });

  test('UUIDs are read in any case, and are lower case afterwards', () => {
    expect(parsePointId('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11')).toBe('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11');
  });

  test('numbers that JSON has rounded are refused, since nobody knows what they were', () => {
    expect(parsePointId(2 ** 53)).toBeUndefined();
    expect(parsePointId(2n ** 53n)).toBe('9007199254740992');
    expect(parsePointId(-1)).toBeUndefined();
    expect(parsePointId(null)).toBeUndefined();
  });
});

describe('the order of point ids', () => {
  /** Qdrant's order, told in its own words: integers by value before UUIDs by their bytes. */
  const slow = (a: string, b: string): number => {
    const [aIsUuid, bIsUuid] = [a.length === 36, b.length === 36];
    if (aIsUuid !== bIsUuid) return aIsUuid ? 1 : -1;
    if (!aIsUuid) return BigInt(a) < BigInt(b) ? -1 : BigInt(a) > BigInt(b) ? 1 : 0;
    const bytes = (text: string): Buffer => Buffer.from(text.replaceAll('-', ''), 'hex');
    return Buffer.compare(bytes(a), bytes(b));
  };

  test('is integers by value, then UUIDs bytewise', () => {
    fc.assert(
      fc.property(id, id, (a, b) => expect(Math.sign(comparePointIds(a, b))).toBe(slow(a, b))),
      { numRuns: 1000 },
    );
  });
});
