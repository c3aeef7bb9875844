import { describe, expect, test } from '@jest/globals';
import { type Freshness, judgeFreshness, worstOf } from '../../domain/freshness.ts';

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
