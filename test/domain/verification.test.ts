import { describe, expect, test } from '@jest/globals';
import { stateOf, type Verification } from '../../domain/verification.ts';

const MANIFEST = 'a'.repeat(64);
const record = (day: number, level: 'quick' | 'full', verdict: Verification['verdict']): Verification => ({
  version: 1,
  setId: 'set-1',
  manifestSha256: MANIFEST,
  level,
  at: `2026-01-0${day}T00:00:00Z`,
  verdict,
  gates: [],
  workflowId: 'w',
});

describe('how far a set is trusted', () => {
  test.each([
    ['candidate', 'nobody has looked', []],
    ['candidate', 'nothing was proven', [record(1, 'full', 'unproven')]],
    ['checked', 'it was only read back', [record(1, 'quick', 'pass')]],
    ['verified', 'it was restored', [record(1, 'quick', 'pass'), record(2, 'full', 'pass')]],
    ['verified', 'a later quick look was enough', [record(1, 'full', 'pass'), record(2, 'quick', 'pass')]],
    ['failed', 'the last look failed', [record(1, 'full', 'pass'), record(2, 'quick', 'fail')]],
    ['checked', 'it recovered', [record(1, 'quick', 'fail'), record(2, 'quick', 'pass')]],
    [
      'checked',
      'its restore before the failure counts no more',
      [record(1, 'full', 'pass'), record(2, 'quick', 'fail'), record(3, 'quick', 'pass')],
    ],
    ['failed', 'a quick look takes no failed restore back', [record(1, 'full', 'fail'), record(2, 'quick', 'pass')]],
    ['failed', 'what proved nothing takes no failure back', [record(1, 'full', 'fail'), record(2, 'full', 'unproven')]],
    ['verified', 'it recovered, and was restored since', [record(1, 'full', 'fail'), record(2, 'full', 'pass')]],
    ['verified', 'records came in another order', [record(2, 'full', 'pass'), record(1, 'full', 'fail')]],
  ] as const)('%s: %s', (state, _why, records) => {
    expect(stateOf(MANIFEST, records)).toBe(state);
  });

  test('records of another manifest count for nothing', () => {
    expect(stateOf('b'.repeat(64), [record(1, 'full', 'pass')])).toBe('candidate');
  });
});
