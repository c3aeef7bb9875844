import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { scheduleIdOf } from '../../domain/names.ts';
import { program } from '../support/temporal.ts';
import { dr, type Said } from './terminal.ts';

let server: TestWorkflowEnvironment;
let made = 0;
let environment: string;

beforeAll(async () => {
  const executable = { type: 'existing-path', path: program('temporal') } as const;
  server = await TestWorkflowEnvironment.createLocal({ server: { executable } });
});

afterAll(async () => {
  await server?.teardown();
});

beforeEach(() => {
  made += 1;
  environment = `by-itself-${made}`;
});

const schedules = (...args: string[]): Promise<Said> =>
  dr(['schedules', ...args], { env: { TEMPORAL_ADDRESS: server.address, DR_ENVIRONMENT: environment } });
const described = (name: string): ReturnType<ReturnType<typeof server.client.schedule.getHandle>['describe']> =>
  server.client.schedule.getHandle(scheduleIdOf(environment, name)).describe();

describe('dr schedules apply', () => {
  test('makes both schedules, on the environment’s queue, skipping what overlaps and what is too late', async () => {
    const { code, out, err } = await schedules('apply');
    expect(code).toBe(0);
    expect(out).toContain(`recovery-schedule/${environment}/backup: created`);
    expect(err).toContain(`No worker serves ${environment}`);
    const { action, policies, info, state } = await described('backup');
    expect(action).toMatchObject({
      workflowType: 'backUpStack',
      taskQueue: `recovery-${environment}`,
      workflowId: `backup/${environment}/scheduled`,
      memo: { scheduleAppliedBy: expect.stringMatching(/^dr-cli:operator@/) },
    });
    expect(policies).toEqual({ overlap: 'SKIP', catchupWindow: 3_600_000, pauseOnFailure: false });
    expect(state).toMatchObject({ paused: false, note: expect.stringContaining('applied by dr-cli:operator@') });
    expect(info.nextActionTimes.slice(0, 2).map((time) => time.toISOString().slice(11, 16))).toEqual([
      '02:15',
      '02:15',
    ]);
    const weekly = await described('verification');
    expect(
      weekly.info.nextActionTimes.map((time) => [time.getUTCDay(), time.toISOString().slice(11, 16)]),
    ).toContainEqual([0, '04:15']);
    expect(weekly.action.args).toEqual([{ level: 'full', reason: 'by schedule' }]);
  });

  test('twice changes nothing the second time', async () => {
    await schedules('apply');
    const before = (await described('backup')).info.lastUpdatedAt;
    const again = await schedules('apply', '--json');
    expect(JSON.parse(again.out)).toMatchObject({ applied: [{ outcome: 'unchanged' }, { outcome: 'unchanged' }] });
    expect((await described('backup')).info.lastUpdatedAt).toEqual(before);
  });

  test('puts back what somebody changed, names it, and keeps an operator’s pause and its note', async () => {
    await schedules('apply');
    expect((await schedules('pause', 'backup', '--note', 'the stack is being moved')).code).toBe(0);
    await server.client.schedule.getHandle(scheduleIdOf(environment, 'backup')).update((there) => ({
      ...there,
      spec: {
        calendars: [{ hour: 3, minute: { start: 0, end: 30, step: 30 } }],
        timezone: 'Europe/Berlin',
        jitter: '1m',
      },
      policies: { overlap: 'ALLOW_ALL', catchupWindow: '1d', pauseOnFailure: true },
      action: { ...there.action, args: [{ drill: true }] },
    }));
    const found = await schedules('diff', '--json');
    expect(found.code).toBe(1);
    const { differences } = JSON.parse(found.out) as { differences: { field: string; found: string }[] };
    expect(differences.map((one) => one.found)).toEqual([
      '0,30 3 * * *',
      'Europe/Berlin',
      'jitter 60 s',
      '[{"drill":true}]',
      'ALLOW_ALL',
      '1440 min',
      'yes',
    ]);
    const { code, out } = await schedules('apply');
    expect(code).toBe(0);
    expect(out).toContain(`recovery-schedule/${environment}/backup: changed, and still paused`);
    expect(out).toContain('time zone: Europe/Berlin → UTC');
    expect((await described('backup')).state).toMatchObject({
      paused: true,
      note: 'paused by operator: the stack is being moved',
    });
    expect((await schedules('diff')).code).toBe(0);
  });
});

describe('dr schedules diff', () => {
  test('says that a schedule is missing, and finds one that nobody declared', async () => {
    const { code, out } = await schedules('diff');
    expect(code).toBe(1);
    expect(out).toContain('is not on the server');
    await schedules('apply');
    await server.client.schedule.create({
      scheduleId: scheduleIdOf(environment, 'hourly'),
      spec: { intervals: [{ every: '1h' }] },
      action: { type: 'startWorkflow', workflowType: 'backUpStack', taskQueue: 'elsewhere', args: [] },
    });
    for (const deadline = Date.now() + 20_000; ;) {
      const seen = await schedules('diff', '--json');
      if (seen.out.includes('/hourly')) break;
      // Lists of schedules lag behind.
      if (Date.now() > deadline) throw new Error(`the schedule was never listed: ${seen.out}`);
    }
  });
});

describe('dr schedules list', () => {
  test('shows when each runs next, how it ran last, and why it is paused', async () => {
    await schedules('apply');
    await schedules('pause', 'verification');
    await server.client.schedule.getHandle(scheduleIdOf(environment, 'backup')).trigger();
    for (const deadline = Date.now() + 20_000; ;) {
      const { code, out } = await schedules('list', '--json');
      expect(code).toBe(0);
      const [backup, verification] = (JSON.parse(out) as { schedules: { last?: { workflowId: string } }[] }).schedules;
      expect(verification).toMatchObject({ paused: true, note: 'paused by operator', cron: '15 4 * * 0' });
      if (backup?.last) {
        expect(backup.last.workflowId).toMatch(new RegExp(`^backup/${environment}/scheduled-`));
        break;
      }
      if (Date.now() > deadline) throw new Error(`no run was seen: ${out}`);
    }
    const { out } = await schedules('list');
    expect(out).toMatch(/backup\s+15 2 \* \* \* UTC\s+\d{4}-\d\d-\d\d 02:15\s+\d+ seconds? ago: backup/);
    expect(out).toContain('paused: paused by operator');
    expect((await schedules('resume', 'verification')).code).toBe(0);
    expect((await described('verification')).state.paused).toBe(false);
  });

  test.each([
    { args: ['pause'], code: 2, says: 'it is not said which schedule' },
    {
      args: ['pause', 'hourly'],
      code: 2,
      says: 'there is no schedule hourly\nNext: Name one of backup, verification.',
    },
    { args: ['resume', 'backup'], code: 5, says: 'Make it with `dr schedules apply`' },
  ])('dr schedules $args exits with $code: $says', async ({ args, code, says }) => {
    const said = await schedules(...args);
    expect({ code: said.code, err: said.err }).toEqual({ code, err: expect.stringContaining(says) });
  });
});
