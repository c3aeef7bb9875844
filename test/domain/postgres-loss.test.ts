import { describe, expect, test } from '@jest/globals';
import type { Survey } from '../../domain/database-state.ts';
import type { Place } from '../../domain/partial-loss-plan.ts';
import { planHash } from '../../domain/plan.ts';
import * as loss from '../../domain/postgres-loss.ts';
import * as recovery from '../../domain/postgres-recovery.ts';
import { planPostgres } from '../../domain/postgres-plan.ts';
import { recoverySet } from '../support/fake-activities.ts';
import { carriedOf, diffOf, surveyWith } from '../support/fake-postgres.ts';

const before = surveyWith({ chunks: 1_310, sessions: 20, messages: 60 });
const whole = { ...diffOf('chunks', {}) };

function assessment(change: Partial<loss.DatabaseAssessment> = {}): loss.DatabaseAssessment {
  return {
    set: recoverySet,
    why: 'the newest',
    reference: { kind: 'branch', branchId: 'br-set' },
    before,
    now: before,
    missing: undefined,
    diffs: [],
    lost: ['chunks', 'sessions', 'messages'].map((table) => ({
      table,
      removed: whole.removed,
      changed: whole.changed,
    })),
    vectors: undefined,
    tolerance: 0,
    ...change,
  };
}

const lostIn = (table: string, counts: { removed?: number; changed?: number }) =>
  assessment().lost.map((one) => (one.table === table ? { ...one, ...pick(diffOf(table, counts)) } : one));
const pick = ({ removed, changed }: ReturnType<typeof diffOf>) => ({ removed, changed });

function without(survey: Survey, table: string, column: string): Survey {
  const found = survey.tables[table];
  if (!found) throw new Error(`no table ${table}`);
  const columns = found.columns.filter(({ name }) => name !== column);
  return { ...survey, tables: { ...survey.tables, [table]: { ...found, columns } } };
}

describe('what is lost, in a sentence', () => {
  test.each<[string, Partial<loss.DatabaseAssessment>, string]>([
    ['nothing', {}, 'no row that the set holds is lost'],
    [
      'deleted rows',
      { lost: lostIn('chunks', { removed: 1_204 }) },
      'of 1,310 rows of chunks in the set 1,204 gone; sessions, messages intact',
    ],
    [
      'an emptied column',
      { lost: lostIn('messages', { changed: 60 }) },
      'of 60 rows of messages in the set 60 changed; chunks, sessions intact',
    ],
    [
      'a dropped table',
      { now: surveyWith({ chunks: null, sessions: 20, messages: 60 }), lost: assessment().lost.slice(1) },
      'table chunks is gone (1,310 rows in the set); sessions, messages intact',
    ],
    [
      'a dropped column',
      { now: without(before, 'messages', 'body') },
      'messages has lost column body; chunks, sessions intact',
    ],
    [
      'a dropped constraint',
      { now: { ...before, constraints: [] } },
      'constraints are gone: messages: FOREIGN KEY (session_id) REFERENCES sessions(id); chunks intact',
    ],
    [
      'a database that is gone',
      { now: undefined, missing: 'database "textbook" does not exist' },
      `the database is gone (database "textbook" does not exist); ${recoverySet.id} holds 1,310 chunks, 20 sessions, 60 messages`,
    ],
    [
      'rows and vectors that disagree',
      {
        lost: lostIn('chunks', { removed: 2 }),
        vectors: { missing: 0, unbacked: 0, stale: 1, malformed: 0, orphan: 2 },
      },
      'of 1,310 rows of chunks in the set 2 gone; sessions, messages intact; between vectors and rows: 1 stale, 2 orphan',
    ],
  ])('%s', (_what, change, sentence) => {
    expect(loss.describeLoss(assessment(change))).toBe(sentence);
  });

  test.each<[boolean, string, Partial<loss.DatabaseAssessment>]>([
    [false, 'nothing is lost', {}],
    [true, 'one row is gone', { lost: lostIn('chunks', { removed: 1 }) }],
    [false, 'so few rows are gone that it is tolerated', { lost: lostIn('chunks', { removed: 3 }), tolerance: 3 }],
    [true, 'a table is gone, whatever is tolerated', { now: surveyWith({ chunks: null }), tolerance: 1_000_000 }],
    [true, 'the database is gone', { now: undefined }],
    [true, 'rows point to nothing', { now: { ...before, broken: [{ constraint: 'fk', table: 'messages', rows: 2 }] } }],
    // That is the business of another runbook.
    [false, 'vectors are lost', { vectors: { missing: 9, unbacked: 0, stale: 0, malformed: 0, orphan: 0 } }],
  ])('needs a recovery: %s, when %s', (needed, _what, change) => {
    expect(loss.needsRecovery(assessment(change))).toBe(needed);
  });
});

describe('what a good state must have', () => {
  test('tables, columns and constraints of the set, and every lost row', () => {
    const expected = loss.expectationOf(
      assessment({ lost: lostIn('chunks', { removed: 2, changed: 1 }) }),
      'SELECT true',
    );
    expect(expected.tables).toEqual({ chunks: ['body', 'id'], sessions: ['body', 'id'], messages: ['body', 'id'] });
    expect(expected.witnesses.map(({ table, list, columns }) => [table, list.count, columns])).toEqual([
      ['chunks', 2, ['body', 'id']],
      ['chunks', 1, ['body', 'id']],
    ]);
    expect(expected.predicate).toBe('SELECT true');
  });

  test('rows are told apart by the columns that both states have', () => {
    const now = without(before, 'chunks', 'body');
    const expected = loss.expectationOf(assessment({ now, lost: lostIn('chunks', { removed: 2 }) }), undefined);
    expect(expected.witnesses[0]?.columns).toEqual(['id']);
    expect(expected.tables['chunks']).toEqual(['body', 'id']);
  });

  test('a changed row of a mutable table is no damage, a removed one is', () => {
    const diffs = [diffOf('sessions', { removed: 1, changed: 5 }), diffOf('messages', { changed: 2 })];
    const lost = loss.lostRows(diffs, undefined, { mutable: ['sessions'] });
    expect(lost.map(({ table, removed, changed }) => [table, removed.count, changed.count])).toEqual([
      ['sessions', 1, 0],
      ['messages', 0, 2],
    ]);
  });

  test('only tables with the same key are compared row by row', () => {
    const other = surveyWith({ chunks: 1, sessions: null, messages: 1 });
    const keyless = {
      ...other,
      tables: { ...other.tables, messages: { ...before.tables['messages'], key: [] } },
    } as Survey;
    expect(loss.comparableTables(before, keyless)).toEqual(['chunks']);
  });
});

describe('the plan', () => {
  const place: Place = {
    environment: 'test',
    runId: 'run-1',
    collectionName: 'textbook-content',
    collection: 'textbook-content-v1',
    scratch: 'scratch',
    faultDeclaredAt: '2026-01-01T07:00:00.000Z',
    commitWindowMinutes: 60,
  };
  const target = {
    kind: 'history',
    at: { timestamp: '2026-01-01T06:30:10.000Z' },
    lastResetAt: null,
    how: 'the last good one',
  } as const;
  const rehearsal = {
    diffs: [diffOf('chunks', { removed: 1_204 }), diffOf('messages', { added: 4, changed: 2 })],
    carried: [carriedOf('sessions', 0), carriedOf('messages', 4, { 'no parent': 1 })],
    broken: 0,
  };
  const basis = {
    target,
    rehearsal,
    fenced: true,
    name: 'branch main',
    keptAs: 'recovery-1-before',
    children: 2,
    dropOrphans: false,
  };
  const plan = planPostgres(assessment({ lost: lostIn('chunks', { removed: 1_204 }) }), basis, place);

  test('tells the moment, what comes back, what is kept and what is lost', () => {
    expect(plan.steps.map(({ step }) => step)).toEqual([
      'fence',
      'restore',
      'carryOver',
      'reconnect',
      'verify',
      'commit',
    ]);
    expect(plan.steps[1]?.what).toBe(
      'restore branch main to the moment 2026-01-01T06:30:10.000Z; what it is now is kept as recovery-1-before',
    );
    expect(plan.loss).toBe(
      'comes back: 1,204 rows of chunks, the former content of 2 of messages. later rows: messages: 4 later rows kept, lost: 1 no parent.',
    );
    expect(plan.steps.at(-1)?.what).toContain('2 other branches move to it');
  });

  test('another moment, and other rows that are kept, make another plan', () => {
    const later = { ...target, at: { timestamp: '2026-01-01T06:30:11.000Z' } };
    const hash = planHash(plan);
    expect(planHash(planPostgres(assessment(), { ...basis, target: later }, place))).not.toBe(hash);
    expect(planHash(planPostgres(assessment(), { ...basis, fenced: false }, place))).not.toBe(hash);
  });

  test('a dump comes up beside, and rows are carried before the names change', () => {
    const set = { kind: 'set', database: 'dr_restore_1', how: 'there is no history' } as const;
    const beside = planPostgres(assessment(), { ...basis, target: set, name: 'database textbook' }, place);
    expect(beside.steps.map(({ step }) => step)).toEqual([
      'fence',
      'carryOver',
      'restore',
      'reconnect',
      'verify',
      'commit',
    ]);
  });

  test('says that there is nothing to carry from', () => {
    const gone = planPostgres(
      assessment({ now: undefined }),
      { ...basis, rehearsal: { diffs: [], carried: [], broken: 0 } },
      place,
    );
    expect(gone.loss).toBe(
      'there is nothing to carry later rows from: what was written after the moment 2026-01-01T06:30:10.000Z is lost.',
    );
  });
});

describe('gates', () => {
  test('as many rows are kept for real as in the rehearsal, or more', () => {
    const rehearsed = [carriedOf('messages', 4)];
    expect(recovery.carriedGate(rehearsed, [carriedOf('messages', 6)]).verdict).toBe('pass');
    expect(recovery.carriedGate(rehearsed, [carriedOf('messages', 3)])).toMatchObject({
      verdict: 'fail',
      observed: 'fewer of messages',
    });
    expect(recovery.carriedGate(rehearsed, []).verdict).toBe('fail');
  });

  test('the structure is the set’s', () => {
    expect(recovery.structureGate(before, before).verdict).toBe('pass');
    expect(recovery.structureGate(before, without(before, 'chunks', 'id'))).toMatchObject({ verdict: 'fail' });
  });

  test('turns that could not be kept are told as lost', () => {
    const measured = {
      carried: [carriedOf('messages', 1, { 'no parent': 2 })],
      chunksLost: 3,
      healedFrom: 0,
      messages: 'messages',
      chunks: 'chunks',
    };
    const found = assessment({ lost: lostIn('chunks', { removed: 5, changed: 1 }) });
    expect(recovery.measureDatabaseLoss(found, measured, new Date(10_000))).toEqual({
      setAgeSeconds: 10,
      chunksDamaged: 6,
      chunksLost: 3,
      turnsLost: 2,
    });
  });

  test('a state of another environment is refused, one without a mark is not', () => {
    expect(() => loss.mustBelongTo('test', before, 'the database')).not.toThrow();
    expect(() => loss.mustBelongTo('test', { ...before, environment: null }, 'the database')).not.toThrow();
    expect(() => loss.mustBelongTo('live', before, 'the database')).toThrow(/the database belongs to test/);
  });
});
