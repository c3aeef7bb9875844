import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import type { Branch } from '../../../activities/neon/answers.ts';
import { refusalOf } from '../../../activities/neon/recovery-branches.ts';
import { Secret } from '../../../config/secret.ts';
import { runSql } from '../../support/postgres.ts';
import { PASSWORD, ROLE, setStage, type Stage } from './stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await setStage({ limits: { rootBranches: 50 } });
});
afterAll(() => stage?.close());
afterEach(async () => {
  await stage.neon.noFaults();
  await stage.idle();
});

const failure = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error);
const ids = async (url: string): Promise<number[]> =>
  (await runSql(url, 'select id from chunks order by id')).map(({ id }) => Number(id));
const named = async (name: string) => (await stage.branches()).filter((branch) => branch.name === name);
const urlOf = async (branchId: string): Promise<string> =>
  (await stage.run((act) => act.connectionUrlOf(branchId))).reveal();
/** A moment between two commits, by the server's clock. */
async function moment(): Promise<{ timestamp: string }> {
  await pause(20);
  const [row] = await runSql(
    stage.url,
    `select to_char(clock_timestamp() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.USZ') as now`,
  );
  await pause(20);
  return { timestamp: String(row?.['now']) };
}
const lastResetAt = async (): Promise<string | null> => (await stage.run((act) => act.readNeonHistory())).lastResetAt;
let numbers = 100;
/** Writes a row, and tells the moments before and after it. */
async function write(): Promise<{ id: number; before: { timestamp: string }; after: { timestamp: string } }> {
  const before = await moment();
  const id = (numbers += 1);
  await runSql(stage.url, `insert into chunks values (${id}, 'later')`);
  return { id, before, after: await moment() };
}
/** Removes what a restore preserved, so that names are free. */
const tidy = (runId: string) => stage.run((act) => act.removeRecoveryBranches({ runId, keep: [] }));

describe('the history', () => {
  test('tells the branch, what is kept of it, and that it can be restored', async () => {
    const history = await stage.run((act) => act.readNeonHistory());
    expect(history).toMatchObject({ projectId: stage.neon.id, branchId: stage.main, branchName: 'main', children: 0 });
    expect(history.refusal).toBeUndefined();
    expect(Date.parse(history.from)).toBeLessThan(Date.now());
  });

  const branch = (more: Partial<Branch> = {}): Branch => ({
    id: 'br-1',
    name: 'main',
    current_state: 'ready',
    default: true,
    protected: false,
    ...more,
  });
  test.each<[string, Branch, Branch[], string, RegExp]>([
    ['protected', branch({ protected: true }), [], 'scale', /protected; take the protection away/],
    ['no root branch', branch({ parent_id: 'br-0' }), [], 'scale', /only root branches/],
    [
      'restricted',
      branch({ restricted_actions: [{ name: 'restore', reason: 'a snapshot is being restored' }] }),
      [],
      'scale',
      /a snapshot is being restored/,
    ],
    [
      'without room for another root branch',
      branch(),
      [branch(), branch({ id: 'br-2', name: 'old' })],
      'free_v3',
      /allows 3 root branches, and there are 2 \(main, old\).*need two more, so delete some/,
    ],
  ])('says why a branch that is %s cannot be restored', (_what, source, branches, plan, words) => {
    expect(refusalOf(source, branches, plan)).toMatch(words);
  });

  test('of an unknown plan no limit is known', () => {
    expect(refusalOf(branch(), [branch(), branch(), branch(), branch()], 'enterprise')).toBeUndefined();
  });
});

describe('a branch of a moment', () => {
  test('has what was there then, and another one of the name is the same one', async () => {
    const { id, before, after } = await write();
    const name = 'recovery-aaaaaaaa-probe-1';
    const { branchId } = await stage.run((act) => act.makeRecoveryBranch({ name, at: before }));
    expect(await ids(await urlOf(branchId))).not.toContain(id);
    expect(await stage.run((act) => act.makeRecoveryBranch({ name, at: before }))).toEqual({ branchId });
    const later = await stage.run((act) => act.makeRecoveryBranch({ name: 'recovery-aaaaaaaa-probe-2', at: after }));
    expect(await ids(await urlOf(later.branchId))).toContain(id);
    expect(await stage.run((act) => act.listRecoveryBranches({ runId: 'aaaaaaaa' }))).toEqual([
      name,
      'recovery-aaaaaaaa-probe-2',
    ]);
    expect(await stage.run((act) => act.listRecoveryBranches({ runId: 'bbbbbbbb' }))).toEqual([]);
    expect(await stage.run((act) => act.findBranch({ branchId }))).toEqual({
      ready: true,
      createdAt: expect.any(String),
    });
    const removed = await stage.run((act) => act.removeRecoveryBranches({ runId: 'aaaaaaaa', keep: [name] }));
    expect(removed).toEqual({ removed: ['recovery-aaaaaaaa-probe-2'] });
    expect(await stage.run((act) => act.releaseBranch({ name }))).toEqual({ released: true });
    expect(await stage.run((act) => act.releaseBranch({ name }))).toEqual({ released: true });
    expect(await stage.run((act) => act.findBranch({ branchId }))).toEqual({ ready: false });
  });

  test('expires in a day, should nobody remove it', async () => {
    const name = 'recovery-eeeeeeee-probe-1';
    await stage.run(async (act) => act.makeRecoveryBranch({ name, at: await moment() }));
    const [found] = await named(name);
    expect((Date.parse(found?.expires_at ?? '') - Date.now()) / 3_600_000).toBeCloseTo(24, 1);
    await tidy('eeeeeeee');
  });

  test.each([
    ['before the history', { timestamp: '2020-01-01T00:00:00Z' }],
    ['in the future', { timestamp: '2199-01-01T00:00:00Z' }],
    ['a position beyond the end', { lsn: 'FFFFFF/0' }],
  ])('is refused for a moment %s, by name', async (_what, at) => {
    const name = 'recovery-cccccccc-probe-1';
    expect(await failure(stage.run((act) => act.makeRecoveryBranch({ name, at })))).toMatchObject({
      type: 'MOMENT_REFUSED',
      message: expect.stringContaining('lsn' in at ? at.lsn : at.timestamp),
    });
    expect(await named(name)).toEqual([]);
  });

  test('has the name of a run, and no other', async () => {
    const at = await moment();
    for (const refused of [
      stage.run((act) => act.makeRecoveryBranch({ name: 'main', at })),
      stage.run((act) => act.releaseBranch({ name: 'main' })),
      stage.run((act) => act.restoreBranch({ at, preserveAs: 'old', lastResetAt: null })),
      stage.run((act) => act.putBranchBack({ preserved: 'main', keepAs: 'recovery-x-after' })),
    ])
      expect(await failure(refused)).toMatchObject({ type: 'NEON_REFUSED' });
  });
});

describe('restoring in place', () => {
  test('the branch is what it was at the moment; what it was before goes on, and can be put back', async () => {
    const { id, before } = await write();
    const plan = { at: before, preserveAs: 'recovery-11111111-before', lastResetAt: await lastResetAt() };
    const { preservedBranchId } = await stage.run((act) => act.restoreBranch(plan));
    expect(await ids(stage.url)).not.toContain(id);
    expect(await ids(await urlOf(preservedBranchId))).toContain(id);
    // Another attempt finds that it is done.
    await runSql(stage.url, `insert into chunks values (9001, 'since the restore')`);
    expect(await stage.run((act) => act.restoreBranch(plan))).toEqual({ preservedBranchId });
    expect(await ids(stage.url)).toContain(9_001);
    const back = { preserved: plan.preserveAs, keepAs: 'recovery-11111111-after' };
    await stage.run((act) => act.putBranchBack(back));
    await stage.run((act) => act.putBranchBack(back));
    expect(await ids(stage.url)).toContain(id);
    expect(await ids(stage.url)).not.toContain(9_001);
    expect(await named('recovery-11111111-after')).toHaveLength(1);
    expect(await stage.run((act) => act.listRecoveryBranches({ runId: '11111111' }))).toEqual([
      'recovery-11111111-after',
      'recovery-11111111-before',
    ]);
  });

  test('undoing what was never done does nothing', async () => {
    const before = await ids(stage.url);
    await stage.run((act) =>
      act.putBranchBack({ preserved: 'recovery-22222222-before', keepAs: 'recovery-22222222-after' }),
    );
    expect(await ids(stage.url)).toEqual(before);
    expect(await named('recovery-22222222-after')).toEqual([]);
  });

  test('a plan from before somebody else’s restore is refused', async () => {
    const at = await moment();
    const plan = { at, preserveAs: 'recovery-33333333-before', lastResetAt: '2020-01-01T00:00:00.000Z' };
    expect(await failure(stage.run((act) => act.restoreBranch(plan)))).toMatchObject({
      type: 'STALE_PLAN',
      message: expect.stringContaining('main was restored'),
    });
    expect(await named(plan.preserveAs)).toEqual([]);
  });

  test('branches of sets move with what is preserved, and keep it', async () => {
    await stage.run((act) => act.createBackupBranch({ setId: 'set-of-recovery' }));
    const { before } = await write();
    const preserveAs = 'recovery-44444444-before';
    const { children, lastResetAt: reset } = await stage.run((act) => act.readNeonHistory());
    expect(children).toBe(1);
    await stage.run((act) => act.restoreBranch({ at: before, preserveAs, lastResetAt: reset }));
    expect(await stage.run((act) => act.releaseBranch({ name: preserveAs }))).toEqual({
      released: false,
      why: expect.stringContaining('backup-set-of-recovery'),
    });
    await stage.run((act) => act.removeBackupBranch({ setId: 'set-of-recovery' }));
    expect(await stage.run((act) => act.releaseBranch({ name: preserveAs }))).toEqual({ released: true });
  });

  test('a password that was changed since the moment is set again', async () => {
    const { before } = await write();
    const wanted = `${PASSWORD}'s new one \\ with signs`;
    await runSql(stage.url, `alter role ${ROLE} password '${wanted.replaceAll("'", "''")}'`);
    const url = new URL(stage.url);
    url.password = encodeURIComponent(wanted);
    const own = new Secret(url.href);
    expect(await runSql(url.href, 'select 1 as one')).toEqual([{ one: 1 }]);
    const plan = { at: before, preserveAs: 'recovery-55555555-before', lastResetAt: await lastResetAt() };
    await stage.run((act) => act.restoreBranch(plan));
    await expect(runSql(url.href, 'select 1')).rejects.toThrow(/password/);
    expect(await stage.run((act) => act.restoreLogin({}), { url: own })).toEqual({ changed: true });
    expect(await runSql(url.href, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(await stage.run((act) => act.restoreLogin({}), { url: own })).toEqual({ changed: false });
    await runSql(url.href, `alter role ${ROLE} password '${PASSWORD}'`);
  });

  test('restarting the compute ends every connection', async () => {
    const [before] = await runSql(stage.url, 'select pg_postmaster_start_time()::text as at');
    await stage.run((act) => act.restartCompute({}));
    const [after] = await runSql(stage.url, 'select pg_postmaster_start_time()::text as at');
    expect(after).not.toEqual(before);
  });
});
