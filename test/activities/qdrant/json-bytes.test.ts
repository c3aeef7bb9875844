import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseExact, stringifyExact } from '../../../activities/qdrant/exact-json.ts';
import { pointsOf } from '../../../activities/qdrant/json-bytes.ts';

describe('points taken from the bytes of an answer', () => {
  const vector = fc.oneof(
    fc.array(fc.double({ noNaN: true, noDefaultInfinity: true })),
    fc.array(fc.array(fc.integer(), { minLength: 1 })),
    fc.dictionary(fc.string(), fc.array(fc.integer())),
    fc.array(fc.oneof(fc.constant(null), fc.integer())),
  );
  const record = fc.record({ id: fc.nat(), payload: fc.dictionary(fc.string(), fc.jsonValue()), vector });

  test('are the ones that a JSON parser finds, whatever payloads and vectors hold', () => {
    fc.assert(
      fc.property(fc.array(record), fc.boolean(), fc.constantFrom(undefined, 1), (points, scroll, indent) => {
        const result = scroll ? { points, next_page_offset: null } : points;
        const found = pointsOf(
          Buffer.from(JSON.stringify({ usage: { cpu: [1] }, result, status: 'ok' }, null, indent)),
        );
        expect(found.map(({ json }) => JSON.parse(json.toString()) as unknown)).toEqual(
          JSON.parse(JSON.stringify(points)),
        );
        expect(found.map(({ id }) => id)).toEqual(points.map(({ id }) => String(id)));
        found.forEach((point, i) => {
          expect(JSON.parse(String(point.payload))).toEqual(JSON.parse(JSON.stringify(points[i]?.payload)));
          expect(JSON.parse(String(point.vector))).toEqual(JSON.parse(JSON.stringify(points[i]?.vector)));
        });
      }),
      { numRuns: 500 },
    );
  });

  test('keep ids exactly, up to the largest', () => {
    const ids = ['0', '9007199254740993', '18446744073709551615', '0b5ecf3a-8f5e-4f4c-9a57-0a3e0f5f1c11'];
    const json = ids.map((id) => `{"id":${id.length === 36 ? `"${id}"` : id}}`).join(',');
    expect(pointsOf(Buffer.from(`{"result":[${json}],"status":"ok"}`)).map(({ id }) => id)).toEqual(ids);
  });

  test.each(['-1', '1.5', '18446744073709551616', '"abc"', 'null', 'true'])('refuse the id %s', (id) => {
    expect(() => pointsOf(Buffer.from(`{"result":[{"id":${id}}]}`))).toThrow(
      expect.objectContaining({ code: 'UNKNOWN_ID_TYPE' }),
    );
  });

  test.each([
    '',
    'oops',
    '{"result":[{"id":1}',
    '{"result":{"points":[{"id":1,"payload":{"a":"b',
    '{"status":"ok"}',
    '[]',
  ])('refuse %j instead of finding too few', (text) => {
    expect(() => pointsOf(Buffer.from(text))).toThrow(expect.objectContaining({ code: 'QDRANT_REFUSED' }));
  });
});

describe('JSON with exact integers', () => {
  test('keeps integers beyond 2^53 and everything else as it is', () => {
    const text = '{"a":9007199254740993,"b":[-9007199254740995,1.5,12345678901234567e3],"c":"12345678901234567890"}';
    const value = parseExact(text);
    expect(value).toEqual({
      a: 9007199254740993n,
      b: [-9007199254740995n, 1.5, 12345678901234567e3],
      c: '12345678901234567890',
    });
    expect(stringifyExact(value)).toContain('9007199254740993,');
  });

  test('writes again what it read, to the letter', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        expect(stringifyExact(parseExact(text))).toBe(JSON.stringify(JSON.parse(text)));
      }),
    );
  });
});
