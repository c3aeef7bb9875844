import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { namesPlan, type Plan, planHash, shortHash } from '../../domain/plan.ts';

const plan: Plan = {
  version: 1,
  scenario: 'partial-loss',
  environment: 'test',
  target: 'textbook-content',
  runId: 'run',
  reason: '3 missing',
  steps: [{ step: 'copyBack', what: 'copy 3 points', why: 'the set holds them' }],
  loss: 'nothing',
  expectedSeconds: 12.5,
  basis: { set: 'set-1', copy: 'abc' },
};

describe('the hash of a plan', () => {
  test('does not depend on the order of keys', () => {
    const turned = Object.fromEntries(Object.entries(plan).toReversed()) as Plan;
    expect(planHash({ ...turned, basis: { copy: 'abc', set: 'set-1' } })).toBe(planHash(plan));
  });

  test.each<[string, Partial<Plan>]>([
    ['another run', { runId: 'other' }],
    ['another list', { basis: { ...plan.basis, copy: 'abd' } }],
    ['another step', { steps: [{ step: 'copyBack', what: 'copy 4 points', why: 'the set holds them' }] }],
    ['another order of steps', { steps: [{ step: 'x', what: 'y' }, ...plan.steps] }],
    ['another loss', { loss: 'everything' }],
  ])('is another for %s', (_name, change) => expect(planHash({ ...plan, ...change })).not.toBe(planHash(plan)));
});

describe('what an approver sends', () => {
  const hash = planHash(plan);

  test.each([hash, shortHash(hash), ` ${shortHash(hash)}\n`, hash.toUpperCase(), `sha256:${hash}`, hash.slice(0, 20)])(
    '%j names the plan',
    (sent) => expect(namesPlan(sent, hash)).toBe(true),
  );

  test.each([
    '',
    hash.slice(0, 11),
    `${hash}0`,
    shortHash(hash).replace(/.$/, (c) => (c === '0' ? '1' : '0')),
    'sha256:',
  ])('%j does not', (sent) => expect(namesPlan(sent, hash)).toBe(false));

  test('nothing but a beginning of the hash is taken', () => {
    fc.assert(fc.property(fc.string(), (sent) => expect(namesPlan(sent, hash)).toBe(false)));
  });
});
