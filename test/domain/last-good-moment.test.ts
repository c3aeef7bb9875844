import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Look } from '../../domain/database-state.ts';
import { conclude, mostProbes, nextProbe, type Probe, type Search } from '../../domain/last-good-moment.ts';

const GOOD: Look = { good: true, lost: 0, reasons: [] };
const BAD: Look = { good: false, lost: 3, reasons: ['3 rows of chunks are gone'] };

/** Asks, looks and asks again until there is nothing more to look at. */
function search(wish: Search, isGood: (at: number) => boolean): Probe[] {
  const probes: Probe[] = [];
  for (let at = nextProbe(wish, probes); at !== undefined; at = nextProbe(wish, probes)) {
    probes.push({ at, look: isGood(at) ? GOOD : BAD });
    if (probes.length > 100) throw new Error('the search does not end');
  }
  return probes;
}

const wish = (change: Partial<Search> = {}): Search => ({
  from: { at: 0, proven: true },
  until: 86_400_000,
  resolution: 100,
  maxProbes: 60,
  ...change,
});

describe('the search for the last good moment', () => {
  test('finds it to the resolution, in no more looks than halving takes', () => {
    const cases = fc.record({
      from: fc.integer({ min: 0, max: 10 ** 9 }),
      span: fc.integer({ min: 1, max: 10 ** 10 }),
      resolution: fc.integer({ min: 1, max: 10 ** 6 }),
      proven: fc.boolean(),
      fault: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(cases, ({ from, span, resolution, proven, fault }) => {
        const one = wish({ from: { at: from, proven }, until: from + span, resolution });
        const turned = from + 1 + fault * (span - 1);
        const probes = search(one, (at) => at < turned);
        const found = conclude(one, probes);
        if (found.kind !== 'found') throw new Error('nothing was found');
        expect(found.good).toBeLessThan(turned);
        expect(found.bad).toBeGreaterThanOrEqual(turned - 1e-6);
        expect(found.bad - found.good).toBeLessThanOrEqual(Math.max(1, resolution));
        expect(found).toMatchObject({ monotonic: true, coarse: false });
        expect(probes.length).toBeLessThanOrEqual(mostProbes(one) + 1);
      }),
    );
  });

  test('says what was wrong at the first bad moment', () => {
    const probes = search(wish(), (at) => at < 5_000_000);
    expect(conclude(wish(), probes)).toMatchObject({ kind: 'found', reasons: BAD.reasons, probes: probes.length });
  });

  test('says that there is none when even the beginning is bad, after one look', () => {
    const one = wish({ from: { at: 0, proven: false } });
    const probes = search(one, () => false);
    expect(probes).toHaveLength(1);
    expect(conclude(one, probes)).toEqual({ kind: 'none', reasons: BAD.reasons, probes: 1 });
  });

  test('looks at what is hinted at first, and needs fewer looks when the hint is good', () => {
    const turned = 80_000_000;
    const plain = search(wish(), (at) => at < turned);
    const hinted = search(wish({ hint: 79_999_000 }), (at) => at < turned);
    expect(hinted[0]?.at).toBe(79_999_000);
    expect(hinted.length).toBeLessThan(plain.length);
  });

  test('a hint that is bad only moves the end', () => {
    const probes = search(wish({ hint: 70_000_000 }), (at) => at < 5_000_000);
    expect(conclude(wish(), probes)).toMatchObject({ kind: 'found', monotonic: true });
  });

  test('goes to the latest good moment, and says that it was damaged before', () => {
    const one = wish({ hint: 60_000_000 });
    // Bad from 20 to 40 million, then mended, then bad again from 70 million on.
    const isGood = (at: number): boolean => at < 20_000_000 || (at > 40_000_000 && at < 70_000_000);
    const seenBefore: Probe = { at: 30_000_000, look: BAD };
    const found = conclude(one, [seenBefore, ...search(one, isGood)]);
    expect(found).toMatchObject({ kind: 'found', monotonic: false });
    expect(found.kind === 'found' && found.good).toBeGreaterThan(69_999_000);
  });

  test('stops when it may look no more, and says that it is coarse', () => {
    const one = wish({ maxProbes: 4 });
    const probes = search(one, (at) => at < 5_000_000);
    expect(probes).toHaveLength(4);
    expect(conclude(one, probes)).toMatchObject({ kind: 'found', coarse: true });
  });

  test('looks at nothing when the two are one already', () => {
    expect(search(wish({ until: 50 }), () => true)).toEqual([]);
  });
});
