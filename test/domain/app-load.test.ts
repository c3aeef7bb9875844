import { describe, expect, test } from '@jest/globals';
import { type AppLoad, loadGate, mustGiveUp, overLimit } from '../../domain/app-load.ts';

const LIMITS = { errorRate: 0.1, p95: 1_000, patience: 3 };
const load = (failed: number, p95 = 100, requests = 10): AppLoad => ({
  at: '2026-01-01T00:00:00Z',
  requests,
  failed,
  p95,
});

describe('a server that has taken over', () => {
  test.each([
    ['some failures are borne', load(1), undefined],
    ['more are not', { ...load(2), said: '500' }, '2 of 10 requests failed (500)'],
    ['slow answers are not', load(0, 1_200), '95 % of the answers came within 1200 ms, and no sooner'],
    ['a look that sent nothing says nothing', load(0, 0, 0), undefined],
  ])('%s', (_what, one, said) => expect(overLimit(one, LIMITS)).toBe(said));

  test('is given up after as many bad looks in a row as patience has, and not before', () => {
    expect(mustGiveUp([load(9), load(9)], LIMITS)).toBeUndefined();
    expect(mustGiveUp([load(9), load(0), load(9), load(9)], LIMITS)).toBeUndefined();
    expect(mustGiveUp([load(0), load(9), load(0, 5_000), load(9)], LIMITS)).toBe(
      '3 looks in a row: 9 of 10 requests failed',
    );
  });

  test('is judged by the last look', () => {
    expect(loadGate(load(0), LIMITS)).toMatchObject({
      verdict: 'pass',
      observed: '0 of 10 failed, 95 % within 100 ms',
    });
    expect(loadGate(load(5), LIMITS)).toMatchObject({ verdict: 'fail', observed: '5 of 10 requests failed' });
  });
});
