import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseCron, renderCron } from '../../domain/cron.ts';

describe('a cron expression', () => {
  test.each([
    ['15 2 * * *', '15 2 * * *'],
    ['15 4 * * 7', '15 4 * * 0'],
    ['*/20 8-10 1 jan-MAR mon,fri', '0,20,40 8-10 1 1-3 1,5'],
    ['5/15 * * * *', '5,20,35,50 * * * *'],
    ['0 0 1-31 1-12 0-6', '0 0 * * *'],
  ])('%s means the same as %s', (text, same) => {
    const times = parseCron(text);
    expect(times && renderCron(times)).toBe(same);
  });

  test.each([
    '',
    '15 2 * *',
    '60 2 * * *',
    '15 24 * * *',
    '1 1 0 * *',
    '1 1 * 13 *',
    '1 1 * * 8',
    '9-5 1 * * *',
    '@daily',
    '1-2-3 * * * *',
    'a * * * *',
    '*/0 * * * *',
    ', * * * *',
  ])('%j is none', (text) => {
    expect(parseCron(text)).toBeUndefined();
  });

  test('read, written and read again means the same moments', () => {
    const field = (from: number, to: number): fc.Arbitrary<string> =>
      fc.oneof(
        fc.constant('*'),
        fc.uniqueArray(fc.integer({ min: from, max: to }), { minLength: 1, maxLength: 8 }).map((all) => all.join(',')),
        fc
          .tuple(fc.integer({ min: from, max: to }), fc.integer({ min: from, max: to }), fc.integer({ min: 1, max: 9 }))
          .map(([a, b, step]) => `${Math.min(a, b)}-${Math.max(a, b)}/${step}`),
      );
    fc.assert(
      fc.property(field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 6), (...fields) => {
        const times = parseCron(fields.join(' '));
        expect(times).toBeDefined();
        expect(times && parseCron(renderCron(times))).toEqual(times);
      }),
    );
  });
});
