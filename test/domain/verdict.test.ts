import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { describeGate, type Gate, overallVerdict, type Verdict } from '../../domain/verdict.ts';

const gate = (verdict: Verdict): Gate => ({ name: 'gate', verdict, expected: 'five', observed: 'four' });
const verdict = fc.constantFrom<Verdict>('pass', 'fail', 'unproven');

describe('the verdict over gates', () => {
  test('passes only when there is a gate and every one passed', () => {
    fc.assert(
      fc.property(fc.array(verdict), (verdicts) => {
        const passed = verdicts.length > 0 && verdicts.every((one) => one === 'pass');
        expect(overallVerdict(verdicts.map(gate)) === 'pass').toBe(passed);
      }),
    );
  });

  test.each<[Verdict[], Verdict]>([
    [[], 'unproven'],
    [['pass', 'unproven'], 'unproven'],
    [['unproven', 'fail', 'pass'], 'fail'],
  ])('of %j is %s', (verdicts, overall) => expect(overallVerdict(verdicts.map(gate))).toBe(overall));

  test('a gate is told in one line', () => {
    expect(describeGate(gate('fail'))).toBe('gate: expected five, saw four');
  });
});
