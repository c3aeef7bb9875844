import { describe, expect, test } from '@jest/globals';
import { PhaseClock } from '../../domain/phase-clock.ts';

const at = (seconds: number): Date => new Date(Date.UTC(2026, 0, 1, 3, 0, seconds));

describe('the RTO clock', () => {
  test('runs from the declaration of the fault, and splits the time by phase', () => {
    const clock = new PhaseClock(at(0));
    clock.enter('detect', at(10));
    clock.enter('decide', at(15));
    clock.enter('restore', at(75));
    clock.enter('verify', at(100));
    clock.stop(at(110));
    expect(clock.seconds()).toEqual({ detect: 15, decide: 60, restore: 25, verify: 10 });
    expect(clock.recoveredAt).toEqual(at(110));
  });

  test('does not run on after every gate is green', () => {
    const clock = new PhaseClock(at(0));
    clock.stop(at(5));
    clock.enter('reopen', at(500));
    clock.stop(at(900));
    expect(clock.seconds()).toEqual({ detect: 5 });
    expect(clock.recoveredAt).toEqual(at(5));
  });

  test('knows no recovery after it was undone', () => {
    const clock = new PhaseClock(at(0));
    clock.stop(at(5));
    clock.void();
    expect(clock.recoveredAt).toBeUndefined();
  });

  test('takes a fault that was declared in the future as declared now', () => {
    const clock = new PhaseClock(at(30));
    clock.enter('decide', at(10));
    expect(Object.values(clock.seconds())).toEqual([]);
  });
});
