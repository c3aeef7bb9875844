import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { APP_CONDITIONS, type AppCondition } from '../../domain/app-failure.ts';
import { type Candidate, chooseRelease } from '../../domain/release-choice.ts';

const release = (ref: string, proven: string | null = null): Candidate => ({ ref, pinned: `commit-of-${ref}`, proven });
const PROVEN = 'it was live when set-1 was taken';

describe('the release that is deployed', () => {
  test('is the newest that has passed its gates, and not the newest there is', () => {
    const candidates = [release('v3'), release('v2', PROVEN), release('v1', PROVEN)];
    expect(chooseRelease({ candidates, live: 'commit-of-v2' }, 'gone')).toEqual({
      release: { ref: 'v2', pinned: 'commit-of-v2' },
      why: `the newest that has passed its gates (${PROVEN})`,
      unproven: false,
    });
  });

  test('is another than the one that misbehaves where it runs, however often it was proven', () => {
    const candidates = [release('v3'), release('v2', PROVEN), release('v1', PROVEN)];
    const chosen = chooseRelease({ candidates, live: 'commit-of-v2' }, 'erring');
    expect(chosen.release.ref).toBe('v1');
    expect(chosen.why).toContain('v2 is passed over');
  });

  test('is the one before the one that runs where nothing else is proven: the newer one may never have run', () => {
    const candidates = [release('v3'), release('v2', PROVEN), release('v1')];
    expect(chooseRelease({ candidates, live: 'commit-of-v2' }, 'wrong')).toMatchObject({
      release: { ref: 'v1' },
      unproven: true,
    });
  });

  test('is the newest there is where nothing is known of any', () => {
    const candidates = [release('v2'), release('v1')];
    expect(chooseRelease({ candidates, live: null }, 'gone')).toMatchObject({ release: { ref: 'v2' }, unproven: true });
  });

  test.each([
    [{ candidates: [], live: null }, 'gone', /none is known/],
    [{ candidates: [release('v1', PROVEN)], live: 'commit-of-v1' }, 'erring', /the only one is commit-of-v1/],
  ] as const)('%j %s: there is none', (facts, condition, words) => {
    expect(() => chooseRelease(facts, condition)).toThrow(expect.objectContaining({ code: 'NO_RELEASE' }));
    expect(() => chooseRelease(facts, condition)).toThrow(words);
  });

  test('is never one that its condition blames, and never an unproven one while a proven one is left', () => {
    const conditions = Object.keys(APP_CONDITIONS) as AppCondition[];
    const facts = fc.uniqueArray(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 8 }).chain((numbers) =>
      fc.record({
        candidates: fc.tuple(
          ...numbers.map((number) => fc.boolean().map((is) => release(`v${number}`, is ? PROVEN : null))),
        ),
        live: fc.constantFrom(null, ...numbers.map((number) => `commit-of-v${number}`)),
      }),
    );
    fc.assert(
      fc.property(facts, fc.constantFrom(...conditions), ({ candidates, live }, condition) => {
        const blamed = APP_CONDITIONS[condition].blamesRelease ? live : null;
        const left = candidates.filter(({ pinned }) => pinned !== blamed);
        fc.pre(left.length > 0);
        const { release: chosen, unproven } = chooseRelease({ candidates, live }, condition);
        expect(chosen.pinned).not.toBe(blamed);
        expect(unproven).toBe(left.every(({ proven }) => proven === null));
      }),
    );
  });
});
