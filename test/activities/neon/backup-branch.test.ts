import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { expiryOf } from '../../../activities/neon/backup-branch.ts';
import { freePort } from '../../support/ports.ts';
import { eventually } from '../../support/qdrant-cloud.ts';
import { runSql } from '../../support/postgres.ts';
import { PASSWORD, quietEnvironment, setStage, type Stage } from './stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage?.close());
afterEach(async () => {
  await stage.neon.noFaults();
  await stage.idle();
});

const CREATE = { path: '/branches$', method: 'POST', count: 1 };
const take = (setId: string, overrides?: Parameters<Stage['run']>[1]) =>
  stage.run((act) => act.createBackupBranch({ setId }), overrides);
const remove = (setId: string, overrides?: Parameters<Stage['run']>[1]) =>
  stage.run((act) => act.removeBackupBranch({ setId }), overrides);
const named = async (setId: string) => (await stage.branches()).filter(({ name }) => name === `backup-${setId}`);
const refusal = (failed: Promise<unknown>): Promise<unknown> => failed.catch((error: unknown) => error);

describe('a branch of a backup', () => {
  test('tells where it begins and when it ends, and can be read at once', async () => {
    const backup = await take('set-1', { config: { retentionDays: 7 } });
    expect(backup).toEqual({
      projectId: stage.neon.id,
      sourceBranchId: stage.main,
      branchId: expect.any(String),
      branchName: 'backup-set-1',
      parentLsn: expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/),
      parentTimestamp: expect.any(String),
      expiresAt: expect.any(String),
    });
    const days = (Date.parse(backup.expiresAt ?? '') - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(6.99);
    expect(days).toBeLessThan(7.01);
    expect(stage.beats.at(-1)).toEqual({ phase: 'Neon: backup branch', done: 1, total: 1 });
  });

  test('keeps what was there when it was made, and nothing that is written later', async () => {
    const { branchId } = await take('set-2');
    await runSql(stage.url, "insert into chunks values (2, 'later')");
    const url = await stage.run((act) => act.connectionUrlOf(branchId));
    expect(await runSql(url.reveal(), 'select id from chunks order by id')).toEqual([{ id: 1 }]);
    await runSql(stage.url, 'delete from chunks where id = 2');
  });

  test('that is there is adopted, with the moment at which it was made', async () => {
    const first = await take('set-3');
    expect(await take('set-3')).toEqual(first);
    expect(await named('set-3')).toHaveLength(1);
  });

  test('whose answer was lost is found by its name, and waited for', async () => {
    await stage.neon.fault('slow-operations', { seconds: 0.3, count: 1 });
    await stage.neon.fault('lost-response', CREATE);
    const { branchId } = await take('set-4');
    expect(await named('set-4')).toMatchObject([{ id: branchId, current_state: 'ready' }]);
  });

  test('that was never made is an outage in the end, and nothing is left', async () => {
    await stage.neon.fault('hang', { ...CREATE, seconds: 5 });
    const failure = await refusal(take('set-5', { patience: { answerMs: 300, lookMs: 100 } }));
    expect(failure).toMatchObject({ type: 'NEON_UNREACHABLE', message: expect.stringContaining('backup-set-5') });
    expect(await named('set-5')).toEqual([]);
  });

  test.each([
    ['locked', {}],
    ['unavailable', {}],
    ['rate-limit', { retry_after: 0.2 }],
    ['not-ready', {}],
  ])('is asked for again over %s', async (fault, parameters) => {
    await stage.neon.fault(fault, { ...CREATE, count: 2, ...parameters });
    await take(`over-${fault}`);
    expect(await named(`over-${fault}`)).toHaveLength(1);
    expect(stage.beats.map(({ phase }) => phase).join()).toContain('Neon is busy');
    await remove(`over-${fault}`);
  });

  test('waits for a chain of somebody else to end', async () => {
    await stage.neon.fault('slow-operations', { seconds: 0.5, count: 1 });
    await stage.neon.client.createProjectBranch(stage.neon.id, { branch: { name: 'of-somebody' } });
    await take('set-6');
    expect(stage.beats.map(({ phase }) => phase).join()).toContain('Neon is busy (423)');
  });

  test('of a project that stays busy is left to the run', async () => {
    await stage.neon.fault('locked');
    const failure = await refusal(take('set-7', { patience: { busyMs: 300 } }));
    expect(failure).toMatchObject({
      type: 'NEON_BUSY',
      message: expect.stringContaining('project already has running conflicting operations'),
    });
    expect(await named('set-7')).toEqual([]);
  });

  test('a wait that Neon asks for and that is long is left to the run', async () => {
    await stage.neon.fault('rate-limit', { retry_after: 600 });
    expect(await refusal(take('set-8'))).toMatchObject({ type: 'NEON_BUSY', message: expect.stringContaining('429') });
  });

  test('whose operation fails and is tried again by Neon is whole in the end', async () => {
    await stage.neon.fault('operation-fails', { action: 'create_branch|start_compute', count: 2 });
    const { branchId } = await take('set-9');
    expect(await named('set-9')).toMatchObject([{ id: branchId, current_state: 'ready' }]);
  });

  test('whose operation ends badly is told, and another attempt makes it anew', async () => {
    await stage.neon.fault('operation-fails', { action: 'create_branch', count: 1, fatal: true });
    expect(await refusal(take('set-10'))).toMatchObject({
      type: 'NEON_REFUSED',
      message: expect.stringContaining('create_branch'),
    });
    await stage.idle();
    const { branchId } = await take('set-10');
    const url = await stage.run((act) => act.connectionUrlOf(branchId));
    expect(await runSql(url.reveal(), 'select count(*)::int as n from chunks')).toEqual([{ n: 1 }]);
    expect(await named('set-10')).toHaveLength(1);
  });

  test('is not known everywhere at once: what is asked too early is asked again', async () => {
    await stage.neon.fault('not-found', { path: '/(operations|branches)/', method: 'GET', count: 2 });
    await take('set-11');
    expect(await named('set-11')).toHaveLength(1);
  });

  test('whose chain does not end in time is taken up again', async () => {
    await stage.neon.fault('slow-operations', { seconds: 1, count: 1 });
    const failure = await refusal(take('set-12', { patience: { operationsMs: 100 } }));
    expect(failure).toMatchObject({ type: 'NEON_BUSY', message: expect.stringContaining('create_branch') });
    const [started] = await named('set-12');
    expect(await take('set-12')).toMatchObject({ branchId: started?.id });
  });

  test('goes on after the control plane was killed in the middle of it', async () => {
    await stage.neon.fault('slow-operations', { seconds: 1, count: 1 });
    const taken = take('set-13', { patience: { answerMs: 2_000 } });
    await eventually(
      () => named('set-13'),
      (found) => found.length === 1,
    );
    await stage.neon.kill();
    const [first] = await Promise.all([refusal(taken), stage.neon.launch()]);
    const second = await take('set-13');
    if (!(first instanceof Error)) expect(second).toEqual(first);
    else expect(first).toMatchObject({ type: 'NEON_UNREACHABLE' });
    expect(await named('set-13')).toMatchObject([{ id: second.branchId, current_state: 'ready' }]);
  });

  test('is no longer waited for when the activity is cancelled', async () => {
    await stage.neon.fault('slow-operations', { seconds: 2, count: 1 });
    const environment = quietEnvironment();
    const taken = refusal(take('set-14', { environment }));
    await eventually(
      () => named('set-14'),
      (found) => found.length === 1,
    );
    environment.cancel();
    expect(await taken).toMatchObject({ name: 'CancelledFailure' });
  });

  test('with a wrong key is refused, and neither key nor password is told', async () => {
    const failure = await refusal(take('set-15', { config: { apiKey: 'wrong-key-4711' } }));
    expect(failure).toMatchObject({ type: 'NEON_DENIED' });
    expect(JSON.stringify(failure) + String(failure)).not.toMatch(/4711|0815/);
  });

  test('with nobody there is an outage', async () => {
    const config = { apiUrl: `http://127.0.0.1:${await freePort()}/api/v2` };
    expect(await refusal(take('set-16', { config }))).toMatchObject({ type: 'NEON_UNREACHABLE' });
  });

  test('of a project or a branch that is not there is refused by name', async () => {
    expect(await refusal(take('set-17', { config: { branchId: 'br-none' } }))).toMatchObject({
      type: 'NEON_REFUSED',
      message: expect.stringMatching(/no branch br-none.*main.*NEON_BRANCH_ID/),
    });
    expect(await refusal(take('set-17', { config: { projectId: 'none' } }))).toMatchObject({ type: 'NEON_REFUSED' });
  });

  test('of one that expires is refused before anything is asked for', async () => {
    const expires_at = new Date(Date.now() + 3_600_000).toISOString();
    const { data } = await stage.neon.client.createProjectBranch(stage.neon.id, {
      branch: { name: 'short-lived', expires_at },
    });
    await stage.idle();
    expect(await refusal(take('set-18', { config: { branchId: data.branch.id } }))).toMatchObject({
      type: 'NEON_REFUSED',
      message: expect.stringMatching(/short-lived expires at .*NEON_BRANCH_ID/),
    });
  });

  test('is not taken for one of that name that was made of another branch', async () => {
    const { branchId } = await take('set-19');
    const { data } = await stage.neon.client.createProjectBranch(stage.neon.id, { branch: { name: 'staging' } });
    await stage.idle();
    expect(await refusal(take('set-19', { config: { branchId: data.branch.id } }))).toMatchObject({
      type: 'NEON_REFUSED',
      message: expect.stringContaining(`(${branchId}) that was not made of staging`),
    });
  });

  test('tells no password in any answer, heartbeat or message', async () => {
    const seen = [await take('set-20'), ...stage.beats];
    expect(JSON.stringify(seen)).not.toContain(PASSWORD);
  });
});

describe('removing it', () => {
  test('takes it away with its compute, as often as asked', async () => {
    await take('undo-1');
    await remove('undo-1');
    expect(await named('undo-1')).toEqual([]);
    await remove('undo-1');
  });

  test('leaves one of a longer name alone', async () => {
    await take('undo-22');
    await remove('undo-2');
    expect(await named('undo-22')).toHaveLength(1);
  });

  test.each([['lost-response'], ['locked'], ['unavailable']])('gets over %s', async (fault) => {
    await take(`undo-${fault}`);
    await stage.neon.fault(fault, { method: 'DELETE', count: 1 });
    await remove(`undo-${fault}`);
    expect(await named(`undo-${fault}`)).toEqual([]);
  });

  test('is refused in the words of Neon when somebody has protected it', async () => {
    const { branchId } = await take('undo-3');
    await stage.neon.client.updateProjectBranch(stage.neon.id, branchId, {
      branch: { expires_at: null, protected: true },
    });
    expect(await refusal(remove('undo-3'))).toMatchObject({
      type: 'NEON_REFUSED',
      message: expect.stringContaining('protected branch'),
    });
  });
});

test('an expiry has whole seconds and stays within thirty days by a clock that differs by minutes', () => {
  const now = new Date('2026-03-01T10:00:00.789Z');
  expect(expiryOf(now, 7)).toBe('2026-03-08T10:00:00Z');
  expect(expiryOf(now, 30)).toBe('2026-03-31T09:55:00Z');
});
