import { describe, expect, test } from '@jest/globals';
import { type Freshness, freshnessOf, judgeFreshness, worstOf } from '../../domain/freshness.ts';
import type { StoredSet } from '../../domain/stored-set.ts';
import { recoverySet } from '../support/fake-activities.ts';

const HOUR = 3_600;
const DAY = 24 * HOUR;
const objectives = { rpoSeconds: DAY, verifyWithinDays: 8 };
const fresh: Freshness = {
  newest: { id: 'set-b', ageSeconds: 3 * HOUR },
  newestVerified: { id: 'set-a', ageSeconds: 2 * DAY, verifiedSecondsAgo: DAY },
  broken: [],
};

describe('the ages of the sets, held against the objectives', () => {
  test('are fine when a recovery now loses less than the RPO and a set was verified in time', () => {
    expect(judgeFreshness(fresh, objectives)).toEqual([
      { name: 'newest set', state: 'ok', message: 'set-b is 3 hours old, within the RPO of 24 hours' },
      { name: 'newest verified set', state: 'ok', message: 'set-a, 2 days old; a set was last verified 24 hours ago' },
    ]);
  });

  test.each([
    { hours: 24, state: 'ok' },
    { hours: 25, state: 'warning' },
    { hours: 31, state: 'broken' },
  ])('a newest set of $hours h is $state', ({ hours, state }) => {
    const [newest] = judgeFreshness({ ...fresh, newest: { id: 'set-b', ageSeconds: hours * HOUR } }, objectives);
    expect(newest?.state).toBe(state);
    expect(newest?.next === undefined).toBe(state === 'ok');
  });

  test('are broken when verification is overdue, when nothing is verified, and when nothing is there', () => {
    const late = { ...fresh, newestVerified: { id: 'set-a', ageSeconds: 9 * DAY, verifiedSecondsAgo: 9 * DAY } };
    for (const seen of [late, { newest: fresh.newest ?? { id: '', ageSeconds: 0 }, broken: [] }, { broken: [] }]) {
      const findings = judgeFreshness(seen, objectives);
      expect(worstOf(findings)).toBe('broken');
      expect(findings.find(({ state }) => state === 'broken')?.next).toMatch(/`dr /);
    }
  });

  test('warn of every folder that cannot be used', () => {
    const findings = judgeFreshness({ ...fresh, broken: ['set-x', 'set-y'] }, objectives);
    expect(findings.filter(({ state }) => state === 'warning').map(({ message }) => message)).toEqual([
      'set-x cannot be used',
      'set-y cannot be used',
    ]);
    expect(worstOf(findings)).toBe('warning');
  });
});

describe('a newest set that is no good', () => {
  const now = new Date('2026-01-05T00:00:00Z');
  const stored = (day: number, own: Partial<StoredSet> = {}, torn = false): StoredSet => {
    const id = `set-2026010${day}T000000Z-abcdef`;
    const disagreements = { ...recoverySet.disagreements, missing: torn ? 7 : 0 };
    const set = { ...recoverySet, id, takenAt: `2026-01-0${day}T00:00:00Z`, disagreements };
    return { id, set, manifestSha256: 'f'.repeat(64), state: 'candidate', verifications: [], ...own };
  };

  test.each([
    ['that failed its verification', stored(4, { state: 'failed' }), /failed its last verification/],
    ['that was taken of a damaged stack', stored(4, {}, true), /damaged stack: 7 missing/],
  ])('%s is broken, and the age is that of the newest sound one', (_name, bad, words) => {
    const freshness = freshnessOf([bad, stored(3)], { environment: 'test', now });
    expect(freshness.newest).toEqual({ id: stored(3).id, ageSeconds: 2 * DAY });
    const finding = judgeFreshness(freshness, objectives).find(({ message }) => message.includes(bad.id));
    expect(finding).toMatchObject({ state: 'broken', message: expect.stringMatching(words) });
    expect(finding?.next).toContain(`dr sets show ${bad.id}`);
  });

  test('is not called newer than itself, and one behind a sound set is of no concern', () => {
    const only = freshnessOf([stored(4, {}, true)], { environment: 'test', now });
    expect(only).toMatchObject({ newest: { id: stored(4).id }, unsound: [{ id: stored(4).id }] });
    expect(freshnessOf([stored(4), stored(3, {}, true)], { environment: 'test', now })).not.toHaveProperty('unsound');
  });
});
