import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { IndexEntry } from '../../domain/index-entry.ts';
import { findingLine, indexLine, parseFindingLine, parseIndexLine } from '../../domain/lines.ts';
import type { Finding } from '../../domain/reconcile.ts';

const id = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String), fc.uuid());
const fingerprint = fc.oneof(fc.constant(''), fc.stringMatching(/^[0-9a-f]{16}$/));
/** Any text at all, tabs, quotes and line ends among it. */
const section = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1 }),
  fc.string({ unit: fc.constantFrom('\t', '\n', '\r', '"', '\\', 'a', '\u2028'), minLength: 1 }),
);
const entry = fc.record<IndexEntry>(
  {
    id,
    text: fingerprint,
    body: fingerprint,
    vector: fingerprint,
    fault: fc.constantFrom('size', 'zero', 'not-finite'),
    section,
  },
  { requiredKeys: ['id', 'text', 'body', 'vector'] },
) as fc.Arbitrary<IndexEntry>;

describe('a line of an id index', () => {
  test('gives back the entry it was made of, and is one line', () => {
    fc.assert(
      fc.property(entry, (one) => {
        const line = indexLine(one);
        expect(line).not.toMatch(/[\n\r]/);
        expect(parseIndexLine(line)).toEqual(one);
      }),
      { numRuns: 1000 },
    );
  });

  test('of a set that knew no fingerprint of the vector is read as one where it was not read', () => {
    fc.assert(
      fc.property(entry, (one) => {
        const line = indexLine(one);
        expect(parseIndexLine(line.slice(0, line.lastIndexOf('\t')))).toEqual({ ...one, vector: '' });
      }),
    );
    expect(parseIndexLine('7\ta\tb\t\tbook.md#s1')).toEqual({
      id: '7',
      text: 'a',
      body: 'b',
      vector: '',
      section: 'book.md#s1',
    });
  });

  test.each(['', 'x', '1\tabc', 'no-id\ta\tb\t\t', '1'])('%j is refused: we could not have written it', (line) => {
    expect(() => parseIndexLine(line)).toThrow(expect.objectContaining({ code: 'SET_TAMPERED' }));
  });
});

describe('a finding', () => {
  test('gives back what it was made of, and is one line', () => {
    const finding: fc.Arbitrary<Finding> = fc.record({
      id,
      class: fc.constantFrom('missing', 'stale', 'orphan'),
      remedy: fc.constantFrom('copy', 'reembed', 'drop'),
      section,
      text: fingerprint,
      live: fingerprint,
      set: fingerprint,
    });
    fc.assert(
      fc.property(finding, (one) => {
        expect(findingLine(one)).not.toContain('\n');
        expect(parseFindingLine(findingLine(one))).toEqual(one);
      }),
    );
  });
});
