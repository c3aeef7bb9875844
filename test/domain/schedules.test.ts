import { describe, expect, test } from '@jest/globals';
import { declareSchedules, driftOf, factsOf, latenessOf } from '../../domain/schedules.ts';

const HOUR_MS = 3_600_000;
const now = new Date('2026-01-10T12:00:00Z');
const at = (hours: number): Date => new Date(now.getTime() + hours * HOUR_MS);
const settings = {
  backup: { cron: '15 2 * * *', timeZone: 'UTC' },
  verification: { cron: '15 4 * * 0', timeZone: 'Europe/Berlin' },
};

describe('declared schedules', () => {
  test('belong to one environment: ids, queue and the ids of their runs', () => {
    const ids = (environment: string): string[] =>
      declareSchedules(environment, settings).flatMap(({ id, taskQueue, workflowId }) => [id, taskQueue, workflowId]);
    expect(ids('staging')).toContain('recovery-schedule/staging/backup');
    expect(ids('staging').filter((id) => ids('production').includes(id))).toEqual([]);
  });

  test('differ in exactly the fields that say something else', () => {
    const [declared] = declareSchedules('staging', settings);
    if (!declared) throw new Error('nothing is declared');
    const facts = factsOf(declared);
    expect(driftOf(facts, facts)).toEqual([]);
    expect(driftOf(facts, { ...facts, taskQueue: 'recovery-production' })).toEqual([
      { field: 'task queue', declared: 'recovery-staging', found: 'recovery-production' },
    ]);
  });
});

describe('a scheduler', () => {
  test.each([
    { what: 'ran yesterday and runs tomorrow', next: [at(14), at(38)], last: at(-10), late: undefined },
    { what: 'is made up for within the hour', next: [at(-0.5), at(23.5)], last: at(-24.5), late: undefined },
    {
      what: 'stopped, though it shows a next run',
      next: [at(14), at(38)],
      last: at(-58),
      late: 'it last ran 2 days ago',
    },
    {
      what: 'let its time pass',
      next: [at(-2), at(22)],
      last: at(-26),
      late: 'its next run was due at 2026-01-10T10:00',
    },
    { what: 'is at its end', next: [], last: at(-1), late: 'it has no next run' },
    { what: 'has one last run before it', next: [at(1)], last: at(-400), late: undefined },
  ])('that $what', ({ next, last, late }) => {
    const found = latenessOf({ next, last }, now);
    if (late === undefined) expect(found).toBeUndefined();
    else expect(found).toContain(late);
  });
});
