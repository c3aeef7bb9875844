import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CANARY_SECTION } from '../../domain/canary.ts';
import { contentGate, fateOf, isAskedFor, mustBeInSource } from '../../domain/reindex.ts';

const known = {
  texts: new Map([['1', 'aa']]),
  sections: new Set(['a.md#one']),
  files: new Set(['a.md']),
};
const ALL = { sections: [], keepGone: false, onlySource: false };

describe('what becomes of a point', () => {
  test.each([
    ['says what the source says', { id: '1', text: 'aa', section: 'a.md#one' }, ALL, 'same'],
    ['says something else', { id: '1', text: 'bb', section: 'a.md#one' }, ALL, 'changed'],
    [
      'is in a section of the source, and the source lacks it',
      { id: '2', text: 'x', section: 'a.md#one' },
      ALL,
      'gone',
    ],
    ['is in a section that its file has no more', { id: '2', text: 'x', section: 'a.md#two' }, ALL, 'gone'],
    ['is of a file that is no source', { id: '2', text: 'x', section: 'b.md#one' }, ALL, 'kept'],
    [
      'is of a file that is no source, which is to go',
      { id: '2', text: 'x', section: 'b.md#one' },
      { ...ALL, onlySource: true },
      'gone',
    ],
    ['is gone and is to be kept', { id: '2', text: 'x', section: 'a.md#one' }, { ...ALL, keepGone: true }, 'kept'],
    [
      'is another section of the file, when one section is asked for',
      { id: '2', text: 'x', section: 'a.md#two' },
      { ...ALL, sections: ['a.md#one'] },
      'kept',
    ],
    [
      'is a section that the file has no more, when the file is asked for',
      { id: '2', text: 'x', section: 'a.md#two' },
      { ...ALL, sections: ['a.md'] },
      'gone',
    ],
    ['is the canary', { id: '2', text: 'x', section: CANARY_SECTION }, { ...ALL, onlySource: true }, 'kept'],
    ['has no section', { id: '2', text: 'x' }, ALL, 'kept'],
  ] as const)('that %s', (_what, there, scope, fate) => {
    expect(fateOf(there, known, { ...scope, sections: [...scope.sections] })).toBe(fate);
  });

  test('a point whose id the source has is never gone and never kept, whatever is asked for', () => {
    const scope = fc.record({ sections: fc.array(fc.string()), keepGone: fc.boolean(), onlySource: fc.boolean() });
    fc.assert(
      fc.property(fc.string(), fc.string(), scope, (text, section, asked) => {
        expect(['same', 'changed']).toContain(fateOf({ id: '1', text, section }, known, asked));
      }),
    );
  });
});

test('a file stands for its sections, and for no file whose name begins like it', () => {
  expect(isAskedFor('a.md#x', ['a.md'])).toBe(true);
  expect(isAskedFor('a.md.bak#x', ['a.md'])).toBe(false);
  expect(isAskedFor('a.md#xy', ['a.md#x'])).toBe(false);
});

test('sections that the source does not have are named', () => {
  expect(() => mustBeInSource(['z.md#q'])).toThrow(/sections: .*z\.md#q/);
  expect(() => mustBeInSource([])).not.toThrow();
});

describe('the gate of the content', () => {
  test.each([
    ['too few points', { points: 9, expected: 10, wrong: [], faults: 0 }],
    ['too many points', { points: 11, expected: 10, wrong: [], faults: 0 }],
    ['a chunk that says something else', { points: 10, expected: 10, wrong: ['7'], faults: 0 }],
    ['a broken vector', { points: 10, expected: 10, wrong: [], faults: 1 }],
  ])('is red with %s', (_what, seen) => {
    expect(contentGate(seen).verdict).toBe('fail');
  });

  test('is green when all is there', () => {
    expect(contentGate({ points: 10, expected: 10, wrong: [], faults: 0 }).verdict).toBe('pass');
  });
});
