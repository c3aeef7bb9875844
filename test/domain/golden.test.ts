import { describe, expect, test } from '@jest/globals';
import { type Asked, citationGate, overlapGate, retrievalGate, touching } from '../../domain/golden.ts';
import type { GoldenAnswer } from '../../domain/recovery-set.ts';

const answer = (over: Partial<GoldenAnswer> = {}): GoldenAnswer => ({
  question: 'Why?',
  sources: ['a.md#x'],
  retrieved: ['1', '2', '3', '4', '5'],
  sections: ['a.md#x', 'b.md#y'],
  cited: ['a.md#x'],
  ...over,
});
const asked = (now: Partial<GoldenAnswer> = {}, before: Partial<GoldenAnswer> = {}): Asked => ({
  now: answer(now),
  before: answer(before),
});

describe('the retrieval gate', () => {
  test('passes when every question retrieves one of its sources', () => {
    expect(retrievalGate([asked(), asked({ sources: ['z', 'b.md#y'] }, { sources: ['a.md#x'] })], [])).toMatchObject({
      verdict: 'pass',
      observed: '2 of 2',
    });
  });

  test('names the questions that failed, shortened', () => {
    const gate = retrievalGate([asked(), asked({ question: 'Q'.repeat(100), sections: [] })], []);
    expect(gate).toMatchObject({ verdict: 'fail', observed: `1 of 2; not: “${'Q'.repeat(60)}…”` });
  });

  test('does not hold against the recovery what failed when the set was taken', () => {
    const gate = retrievalGate([asked(), asked({ sections: [] }, { sections: [] })], []);
    expect(gate).toMatchObject({
      verdict: 'pass',
      observed: '1 of 1; 1 not counted, which failed when the set was taken too',
    });
  });

  test('is unproven without a single question', () => {
    expect(retrievalGate([], ['a.md#x']).verdict).toBe('unproven');
  });

  test('is unproven when no question is about what was lost, and says so', () => {
    expect(retrievalGate([asked()], ['c.md#z'])).toMatchObject({
      verdict: 'unproven',
      observed: '1 of 1; 0 of 1 affected sections have a question',
    });
  });

  test('tells how much of what was lost has a question', () => {
    expect(retrievalGate([asked()], ['a.md#x', 'c.md#z'])).toMatchObject({
      verdict: 'pass',
      observed: '1 of 1; 1 of 2 affected sections have a question',
    });
  });
});

describe('the overlap gate', () => {
  test.each([
    [['1', '2', '3', '4', '9'], 'pass'],
    [['5', '4', '3', '2', '1'], 'pass'],
    [['1', '2', '3', '8', '9'], 'fail'],
    [[], 'fail'],
  ])('with %j retrieved it is %s', (retrieved, verdict) => {
    expect(overlapGate([asked({ retrieved })]).verdict).toBe(verdict);
  });

  test('takes the mean, so that one changed section does not fail it, and four of five everywhere is enough', () => {
    const fourOfFive = asked({ retrieved: ['1', '2', '3', '4'] });
    expect(overlapGate([fourOfFive, fourOfFive, fourOfFive]).verdict).toBe('pass');
    expect(overlapGate([asked(), asked(), asked({ retrieved: ['1', '2'] })])).toMatchObject({
      verdict: 'pass',
      observed: '80.0 % over 3 questions',
    });
  });

  test('is unproven when the set retrieved nothing', () => {
    expect(overlapGate([asked({}, { retrieved: [] })]).verdict).toBe('unproven');
  });
});

describe('the citation gate', () => {
  test('fails when an answer cites none of its sources any more', () => {
    expect(citationGate([asked({ cited: ['b.md#y'] })]).verdict).toBe('fail');
  });

  test('counts every question when the set was taken without an app', () => {
    expect(citationGate([asked({}, { cited: [] })]).verdict).toBe('pass');
    expect(citationGate([asked({ cited: [] }, { cited: [] })]).verdict).toBe('fail');
  });

  test('counts only what was cited then when the set was taken with an app', () => {
    expect(citationGate([asked(), asked({ cited: [] }, { cited: [] })])).toMatchObject({
      verdict: 'pass',
      observed: expect.stringContaining('1 not counted'),
    });
  });
});

describe('the questions that touch sections', () => {
  test('are those with a source among them, and all when none is named', () => {
    const answers = [answer(), answer({ sources: ['b', 'c'] })];
    expect(touching(answers, ['c'])).toEqual([answers[1]]);
    expect(touching(answers, [])).toEqual(answers);
  });
});
