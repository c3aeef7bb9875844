import { describe, expect, test } from '@jest/globals';
import {
  type Assessment,
  describeDamage,
  indexesBefore,
  lostIndexes,
  measureLoss,
  mustHoldOneVector,
  mustStandFor,
  nameGate,
  needsRepair,
  reconciliationGate,
  shapeGate,
  writtenLists,
} from '../../domain/partial-loss.ts';
import { planPartialLoss } from '../../domain/partial-loss-plan.ts';
import { damage, recoverySet } from '../support/fake-activities.ts';

const place = {
  environment: 'test',
  runId: 'run',
  collectionName: 'textbook-content',
  collection: 'textbook-content-v2',
  scratch: 'dr-restore-x',
  faultDeclaredAt: '2026-01-01T00:00:00Z',
  commitWindowMinutes: 60,
};
const lostIndex = { path: 'payload_schema.source', expected: '{"data_type":"keyword"}' };

function assessment(change: Partial<Assessment> = {}): Assessment {
  return {
    damage: damage({}),
    shape: [],
    set: recoverySet,
    why: 'the newest',
    dropOrphans: false,
    hasRows: true,
    depth: 'content',
    ...change,
  };
}

describe('whether there is something to repair', () => {
  test('not when all agree', () => expect(needsRepair(assessment())).toBe(false));
  test('a missing point', () => expect(needsRepair(assessment({ damage: damage({ missing: 1 }, 1) }))).toBe(true));
  test('a lost payload index alone', () => expect(needsRepair(assessment({ shape: [lostIndex] }))).toBe(true));
  test('orphans only when they are to be removed', () => {
    const orphans = damage({ orphan: 3 }, 0, 0, 3);
    expect(needsRepair(assessment({ damage: orphans }))).toBe(false);
    expect(needsRepair(assessment({ damage: orphans, dropOrphans: true }))).toBe(true);
  });
});

describe('the plan', () => {
  const stepsOf = (found: Assessment): string[] => planPartialLoss(found, place).steps.map(({ step }) => step);

  test('keeps the damaged state first and verifies last, whatever else it does', () => {
    expect(stepsOf(assessment({ shape: [lostIndex] }))).toEqual(['keepDamaged', 'createIndexes', 'verify', 'commit']);
  });

  test('restores beside only when something is copied, and embeds only what the set lacks', () => {
    expect(stepsOf(assessment({ damage: damage({ missing: 2 }, 2) }))).toEqual([
      'keepDamaged',
      'restoreBeside',
      'copyBack',
      'verify',
      'commit',
    ]);
    expect(stepsOf(assessment({ damage: damage({ unbacked: 2 }, 0, 2) }))).toEqual([
      'keepDamaged',
      'embedAgain',
      'verify',
      'commit',
    ]);
  });

  test('removes orphans only when asked to, and says what becomes of them', () => {
    const orphans = damage({ orphan: 3, missing: 1 }, 1, 0, 3);
    expect(stepsOf(assessment({ damage: orphans }))).not.toContain('dropOrphans');
    expect(planPartialLoss(assessment({ damage: orphans }), place).loss).toContain(
      '3 vectors without a row are left alone',
    );
    expect(stepsOf(assessment({ damage: orphans, dropOrphans: true }))).toContain('dropOrphans');
  });

  test('undo covers exactly the lists that are written', () => {
    const found = assessment({ damage: damage({ missing: 1, orphan: 1 }, 1, 0, 1) });
    expect(writtenLists(found).map(({ artifact }) => artifact.key)).toEqual(['copy']);
    expect(writtenLists({ ...found, dropOrphans: true }).map(({ artifact }) => artifact.key)).toEqual(['copy', 'drop']);
  });
});

describe('payload indexes and configuration', () => {
  const changed = { path: 'payload_schema.n', expected: '{"data_type":"integer"}', observed: '{"data_type":"float"}' };
  const extra = { path: 'payload_schema.own', observed: '{"data_type":"keyword"}' };

  test('a lost index is created as the set recorded it, and undone to none', () => {
    expect(lostIndexes([lostIndex, changed, extra])).toEqual([['source', { data_type: 'keyword' }]]);
    expect(indexesBefore([lostIndex, changed, extra])).toEqual({ source: null });
  });

  test('what somebody changed on purpose since the set is told in the plan, left alone, and no red gate afterwards', () => {
    const found = assessment({ shape: [lostIndex, changed, extra] });
    expect(planPartialLoss(found, place).loss).toContain('payload_schema.n differs from the set and is left as it is');
    expect(shapeGate([changed, extra], found.shape).verdict).toBe('pass');
    expect(shapeGate([changed, { ...extra, path: 'hnsw_config.m' }], found.shape).verdict).toBe('fail');
  });
});

describe('the collection behind the name', () => {
  test('the plan writes to the one that the name stands for, and says which one the set was taken of', () => {
    const { target, steps } = planPartialLoss(assessment({ damage: damage({ missing: 2 }, 2) }), place);
    expect(target).toContain('textbook-content-v2');
    expect(JSON.stringify(steps)).toContain('it was taken of textbook-content-v1');
    expect(JSON.stringify(steps)).toContain('from dr-restore-x into textbook-content-v2');
  });

  test('must still be the one that was planned for', () => {
    expect(() => mustStandFor(place, { collection: 'textbook-content-v3' })).toThrow(
      /stands for textbook-content-v3 now/,
    );
    expect(nameGate('a', 'b', 'b').verdict).toBe('pass');
    expect(nameGate('a', 'b', 'c').verdict).toBe('fail');
  });
});

test('whoever approves sees what the initiator chose: the commit window, and when the RTO counts from', () => {
  const text = JSON.stringify(planPartialLoss(assessment(), { ...place, commitWindowMinutes: 0 }));
  expect(text).toContain('commit at once, without rollBack');
  expect(text).toContain('2026-01-01T00:00:00Z');
});

test('without rows the plan says that deliberate deletions come back', () => {
  expect(planPartialLoss(assessment({ hasRows: false }), place).loss).toContain(
    'deleted on purpose since the set comes back',
  );
});

describe('other vectors beside the configured one', () => {
  const withVectors = (params: unknown, vectorName?: string): Assessment['set'] => ({
    ...recoverySet,
    embedding: { ...recoverySet.embedding, ...(vectorName === undefined ? {} : { vectorName }) },
    qdrant: { ...recoverySet.qdrant, shape: { config: { params }, payloadSchema: {} } },
  });
  const unnamed = { vectors: { size: 768, distance: 'Cosine' } };
  const two = { vectors: { google: { size: 768 }, local: { size: 384 } } };

  test('are copied, but never lost by embedding again', () => {
    const embeds = damage({ unbacked: 2 }, 0, 2);
    expect(() => mustHoldOneVector({ damage: embeds, set: withVectors(unnamed) })).not.toThrow();
    expect(() => mustHoldOneVector({ damage: embeds, set: withVectors(two, 'google') })).toThrow(
      /other vectors \(local\)/,
    );
    expect(() =>
      mustHoldOneVector({ damage: embeds, set: withVectors({ ...unnamed, sparse_vectors: { words: {} } }) }),
    ).toThrow(/words/);
    expect(() =>
      mustHoldOneVector({ damage: damage({ missing: 2 }, 2), set: withVectors(two, 'google') }),
    ).not.toThrow();
  });
});

describe('gates', () => {
  test('reconciliation passes over kept orphans, and fails on everything else', () => {
    expect(reconciliationGate(damage({ orphan: 2 }), false)).toMatchObject({
      verdict: 'pass',
      observed: expect.stringContaining('2 orphans kept'),
    });
    expect(reconciliationGate(damage({ orphan: 2 }), true).verdict).toBe('fail');
    expect(reconciliationGate(damage({ malformed: 1 }), false)).toMatchObject({
      verdict: 'fail',
      observed: expect.stringContaining('1 malformed'),
    });
  });

  test('configuration names what differs', () => {
    expect(shapeGate([], []).verdict).toBe('pass');
    expect(shapeGate([lostIndex], [lostIndex])).toMatchObject({
      verdict: 'fail',
      observed: expect.stringContaining('payload_schema.source: absent'),
    });
  });
});

test('the damage is a sentence', () => {
  expect(describeDamage(assessment({ damage: damage({ missing: 12, stale: 1 }, 13), shape: [lostIndex] }))).toBe(
    '12 missing, 1 stale of 100 chunks in one section (a.md#b); payload index lost: source',
  );
  expect(describeDamage(assessment())).toBe('no chunk of textbook-content is damaged');
});

test('what was lost is counted in chunks, and orphans are not chunks', () => {
  const found = assessment({ damage: damage({ missing: 12, orphan: 5 }, 12) });
  expect(measureLoss(found, 2, new Date('2026-01-01T01:00:00Z'))).toEqual({
    setAgeSeconds: 3600,
    chunksDamaged: 12,
    chunksLost: 2,
    turnsLost: 0,
  });
});
