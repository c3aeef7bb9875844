import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { planHash } from '../../domain/plan.ts';
import { planRemoval, retentionGates } from '../../domain/retention-plan.ts';
import { counts, planRetention, type Retention, retentionPolicySchema } from '../../domain/retention.ts';
import type { BrokenSet, StoredSet } from '../../domain/stored-set.ts';
import { setStateSchema, type Verification } from '../../domain/verification.ts';
import { recoverySet } from '../support/fake-activities.ts';

const DAY_MS = 86_400_000;
const NOW = new Date('2026-06-01T12:00:00Z');
const policy = retentionPolicySchema.parse({});
const place = { environment: 'test', now: NOW };

interface Sketch {
  readonly days: number;
  readonly state?: StoredSet['state'];
  readonly verifiedDays?: number;
  readonly torn?: boolean;
  readonly environment?: string;
}

function stored(
  { days, state = 'verified', verifiedDays, torn = false, environment = 'test' }: Sketch,
  at = 0,
): StoredSet {
  const takenAt = new Date(NOW.getTime() - days * DAY_MS).toISOString();
  const id = `set-${takenAt.replace(/[-:]|\.\d+/g, '')}-${at.toString(16).padStart(6, '0')}`;
  const verifications: Verification[] =
    verifiedDays === undefined
      ? []
      : [
          {
            version: 1,
            setId: id,
            manifestSha256: 'a'.repeat(64),
            level: 'full',
            at: new Date(NOW.getTime() - verifiedDays * DAY_MS).toISOString(),
            verdict: 'pass',
            gates: [],
            workflowId: 'w',
          },
        ];
  const disagreements = { ...recoverySet.disagreements, missing: torn ? 1 : 0 };
  const set = { ...recoverySet, id, takenAt, environment, disagreements };
  return { id, set, manifestSha256: 'a'.repeat(64), state, verifications };
}

const plan = (...sketches: Sketch[]): Retention => planRetention(sketches.map(stored), policy, place);
const ages = (retention: Retention): number[] =>
  retention.remove.map(({ takenAt }) => Math.round((NOW.getTime() - Date.parse(takenAt)) / DAY_MS));

describe('retention', () => {
  test('removes what is old and not among the last two verified sets, and says why', () => {
    const found = plan({ days: 1, verifiedDays: 0 }, { days: 29 }, { days: 31 }, { days: 40, state: 'candidate' });
    expect(ages(found)).toEqual([31, 40]);
    expect(found.remove[1]?.why).toBe('it is 40 days old and candidate; 2 verified sets remain');
    expect(found.keep.map(({ because }) => because)).toEqual(['verified', 'verified']);
  });

  test('keeps the last two verified sets whatever their age', () => {
    const found = plan({ days: 90, verifiedDays: 1 }, { days: 200 }, { days: 300 });
    expect(ages(found)).toEqual([300]);
  });

  test('does not take candidates, failed or torn sets for verified ones', () => {
    const found = plan(
      { days: 40, state: 'checked' },
      { days: 41, state: 'failed' },
      { days: 42, torn: true },
      { days: 50, verifiedDays: 1 },
      { days: 60 },
      { days: 70 },
    );
    expect(found.verified).toHaveLength(2 + 1);
    expect(ages(found)).toEqual([41, 42, 70]);
    expect(found.keep.find(({ because }) => because === 'newest')?.why).toBe(
      'it holds newer data than any verified set',
    );
  });

  test('removes nothing when no set has passed a full verification', () => {
    const found = plan({ days: 40, state: 'candidate' }, { days: 41, state: 'checked' });
    expect(found).toMatchObject({
      remove: [],
      refusal: expect.stringContaining('no set has passed a full verification'),
    });
    expect(found.keep).toHaveLength(2);
  });

  test('removes nothing when the last full verification is overdue', () => {
    const found = plan({ days: 1, verifiedDays: 9 }, { days: 40 }, { days: 50 });
    expect(found.remove).toEqual([]);
    expect(found.refusal).toMatch(/^the last full verification that passed is 9 days old .* older than 8 days/);
  });

  test('leaves sets of other environments alone, and does not count them', () => {
    const found = plan(
      { days: 1, verifiedDays: 1, environment: 'production' },
      { days: 400, environment: 'production' },
    );
    expect(found.verified).toEqual([]);
    expect(found.keep.map(({ why }) => why)).toEqual(['it belongs to production', 'it belongs to production']);
  });

  test('keeps and names what cannot be read as a set', () => {
    const broken: BrokenSet = { id: 'set-20200101T000000Z-bbbbbb', problem: 'SHA256SUMS is missing' };
    const found = planRetention([stored({ days: 1, verifiedDays: 1 }), broken], policy, place);
    expect(found.keep.at(-1)).toEqual({
      id: broken.id,
      because: 'broken',
      why: 'it cannot be used, and somebody must find out why: SHA256SUMS is missing',
    });
  });

  test.each([{ keepDays: 0 }, { keepDays: -1 }, { keepVerified: 1 }, { verifyWithinDays: 0 }, { keepSets: 3 }])(
    'refuses the policy %j',
    (given) => {
      expect(retentionPolicySchema.safeParse(given).success).toBe(false);
    },
  );
});

const sketches: fc.Arbitrary<StoredSet[]> = fc
  .array(
    fc.record({
      days: fc.double({ min: -1, max: 120, noNaN: true }),
      state: fc.constantFrom(...setStateSchema.options),
      verifiedDays: fc.double({ min: 0, max: 12, noNaN: true }),
      torn: fc.boolean(),
      environment: fc.constantFrom('test', 'test', 'test', 'production'),
    }),
    { maxLength: 25 },
  )
  .map((all) => all.map(stored));

describe('whatever sets there are', () => {
  const policies = fc.record({
    keepDays: fc.integer({ min: 1, max: 60 }),
    keepVerified: fc.integer({ min: 2, max: 5 }),
    verifyWithinDays: fc.integer({ min: 1, max: 14 }),
  });

  test('every one is either kept or removed, with a reason', () => {
    fc.assert(
      fc.property(sketches, policies, (sets, rules) => {
        const { keep, remove } = planRetention(sets, rules, place);
        expect([...keep, ...remove].map(({ id }) => id).toSorted()).toEqual(sets.map(({ id }) => id).toSorted());
        expect([...keep, ...remove].every(({ why }) => why.length > 10)).toBe(true);
      }),
    );
  });

  test('never fewer than the policy’s number of verified sets remain where there were so many, the newest among them', () => {
    fc.assert(
      fc.property(sketches, policies, (sets, rules) => {
        const { remove } = planRetention(sets, rules, place);
        const gone = new Set(remove.map(({ id }) => id));
        const verified = sets.filter((one) => one.set.environment === 'test' && counts(one));
        const left = verified.filter(({ id }) => !gone.has(id));
        expect(left.length).toBeGreaterThanOrEqual(Math.min(rules.keepVerified, verified.length));
        const newest = Math.max(...verified.map(({ set }) => Date.parse(set.takenAt)));
        if (verified.length > 0) expect(Math.max(...left.map(({ set }) => Date.parse(set.takenAt)))).toBe(newest);
      }),
    );
  });

  test('nothing younger than the policy asks for, and nothing of another environment, is removed', () => {
    fc.assert(
      fc.property(sketches, policies, (sets, rules) => {
        const gone = new Set(planRetention(sets, rules, place).remove.map(({ id }) => id));
        for (const { set } of sets.filter(({ id }) => gone.has(id))) {
          expect(NOW.getTime() - Date.parse(set.takenAt)).toBeGreaterThanOrEqual(rules.keepDays * DAY_MS);
          expect(set.environment).toBe('test');
        }
      }),
    );
  });

  test('what may go at one moment may go at every later one, until verification is overdue', () => {
    fc.assert(
      fc.property(sketches, policies, fc.double({ min: 0, max: 30, noNaN: true }), (sets, rules, days) => {
        const later = planRetention(sets, rules, { ...place, now: new Date(NOW.getTime() + days * DAY_MS) });
        const gone = new Set(later.remove.map(({ id }) => id));
        const now = planRetention(sets, rules, place).remove.map(({ id }) => id);
        expect(later.refusal !== undefined || now.every((id) => gone.has(id))).toBe(true);
      }),
    );
  });
});

describe('the plan of a removal', () => {
  const at = { environment: 'test', runId: 'run', store: 'the store' };
  const found = plan({ days: 1, verifiedDays: 0 }, { days: 29 }, { days: 31 }, { days: 40, state: 'failed' });

  test('names every set that goes and why, what stays, and that it cannot be undone', () => {
    const { steps, loss, reason } = planRemoval(found, at);
    expect(reason).toBe('2 of 4 sets can go: older than 30 days, and not among the last 2 of 3 verified');
    expect(steps.map(({ step }) => step)).toEqual(['remove', 'remove', 'keep']);
    expect(loss).toContain('31 days to 40 days old: nothing can be recovered from them any more');
  });

  test('has another hash when another set would go', () => {
    const other = plan({ days: 1, verifiedDays: 0 }, { days: 29 }, { days: 31 }, { days: 41, state: 'failed' });
    expect(planHash(planRemoval(found, at))).not.toBe(planHash(planRemoval(other, at)));
  });

  test('stays readable when hundreds go, and still names each', () => {
    const many = plan(
      { days: 1, verifiedDays: 0 },
      { days: 2 },
      ...Array.from({ length: 300 }, (_, at) => ({ days: 40 + at })),
    );
    const { steps } = planRemoval(many, at);
    expect(steps.length).toBeLessThan(30);
    for (const { id } of many.remove) expect(steps.some(({ what }) => what.includes(id))).toBe(true);
  });

  test('is proved by a listing: gates fail when something is still there, or something else is gone', () => {
    const [first = '', second = ''] = found.remove.map(({ id }) => id);
    const after: Retention = { ...found, remove: [] };
    const verdicts = (gates: ReturnType<typeof retentionGates>): string[] => gates.map(({ verdict }) => verdict);
    expect(verdicts(retentionGates(found, { removed: [first, second], kept: [] }, after))).toEqual([
      'pass',
      'pass',
      'pass',
    ]);
    expect(verdicts(retentionGates(found, { removed: [first, second], kept: [] }, found))).toEqual([
      'fail',
      'pass',
      'pass',
    ]);
    expect(verdicts(retentionGates(found, { removed: [first], kept: [] }, after))).toEqual(['pass', 'fail', 'pass']);
    const lost = { ...after, keep: after.keep.slice(1), verified: after.verified.slice(1) };
    expect(verdicts(retentionGates(found, { removed: [first, second], kept: [] }, lost))).toEqual([
      'pass',
      'fail',
      'fail',
    ]);
  });
});
