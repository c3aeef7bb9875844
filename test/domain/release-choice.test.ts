import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Candidate, chooseRelease } from '../../domain/release-choice.ts';

const release = (ref: string, proven: string | null = null): Candidate => ({ ref, pinned: `commit-of-${ref}`, proven });
const PROVEN = 'it was live when set-1 was taken';

describe('where the release is not to blame', () => {
  test.each([
    ['the one that runs', [release('v3'), release('v2', PROVEN), release('v1')], 'commit-of-v2', 'v2', false],
    [
      'also an unproven one: an older app may not know its schema',
      [release('v2'), release('v1', PROVEN)],
      'commit-of-v2',
      'v2',
      true,
    ],
    ['one that has no tag', [release('v1', PROVEN)], 'commit-of-main', 'commit-of-main', true],
    ['one that is told short', [release('v2'), release('v1')], 'commit-of-v1', 'v1', true],
    [
      'the newest proven one where nobody can tell what runs',
      [release('v2'), release('v1', PROVEN)],
      null,
      'v1',
      false,
    ],
  ] as const)('it is %s', (_what, candidates, live, ref, unproven) => {
    expect(chooseRelease({ candidates, live }, false)).toMatchObject({ release: { ref }, unproven });
  });

  test('of nothing there is none', () => {
    expect(() => chooseRelease({ candidates: [], live: null }, false)).toThrow(/none is known/);
  });
});

describe('where it misbehaves', () => {
  test('it is the newest other that has passed its gates, however often the one that runs has', () => {
    const candidates = [release('v3'), release('v2', PROVEN), release('v1', PROVEN)];
    const chosen = chooseRelease({ candidates, live: 'commit-of-v2' }, true);
    expect(chosen.release.ref).toBe('v1');
    expect(chosen.why).toContain('v2 is passed over');
  });

  test('it is the one before the one that runs where no other is proven: the newer one may never have run', () => {
    const candidates = [release('v3'), release('v2', PROVEN), release('v1')];
    expect(chooseRelease({ candidates, live: 'commit-of-v2' }, true)).toMatchObject({
      release: { ref: 'v1' },
      unproven: true,
    });
  });

  test.each([
    ['when it is the only one', { candidates: [release('v1', PROVEN)], live: 'commit-of-v1' }, /the only one known/],
    [
      'when nobody can tell what runs',
      { candidates: [release('v1', PROVEN)], live: null },
      /which release misbehaves cannot be told/,
    ],
  ] as const)('there is none %s', (_what, facts, words) => {
    expect(() => chooseRelease(facts, true)).toThrow(expect.objectContaining({ code: 'NO_RELEASE' }));
    expect(() => chooseRelease(facts, true)).toThrow(words);
  });

  test('it is never the one that runs, told whole or short, and never unproven while another is proven', () => {
    const commit = fc.stringMatching(/^[0-9a-f]{40}$/);
    const facts = fc
      .uniqueArray(commit, { minLength: 2, maxLength: 8, selector: (one) => one.slice(0, 7) })
      .chain((commits) =>
        fc.record({
          candidates: fc.tuple(
            ...commits.map((pinned) => fc.boolean().map((is) => ({ ref: pinned, pinned, proven: is ? PROVEN : null }))),
          ),
          at: fc.nat({ max: commits.length - 1 }),
          length: fc.integer({ min: 7, max: 40 }),
        }),
      );
    fc.assert(
      fc.property(facts, ({ candidates, at, length }) => {
        const live = candidates[at]?.pinned ?? '';
        const { release: chosen, unproven } = chooseRelease({ candidates, live: live.slice(0, length) }, true);
        expect(chosen.pinned).not.toBe(live);
        const left = candidates.filter(({ pinned }) => pinned !== live);
        expect(unproven).toBe(left.every(({ proven }) => proven === null));
      }),
    );
  });
});
