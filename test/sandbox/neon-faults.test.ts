import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { NeonStandIn, refusalOf, settled } from '../support/neon.ts';
import { runSql } from '../support/postgres.ts';

let neon: NeonStandIn;

beforeAll(async () => {
  neon = await NeonStandIn.start();
  const { data } = await neon.client.listProjectOperations({ projectId: neon.id });
  await settled(neon, data.operations);
});
afterAll(() => neon?.stop());
afterEach(() => neon.noFaults());

const project = () => neon.client.getProject(neon.id);
const create = (name: string) => neon.client.createProjectBranch(neon.id, { branch: { name } });
const branches = async () => (await neon.client.listProjectBranches({ projectId: neon.id })).data.branches;

test('rate-limit says when to come again, for as many requests as it was told', async () => {
  await neon.fault('rate-limit', { count: 1, retry_after: 2 });
  await expect(project()).rejects.toMatchObject({ response: { status: 429, headers: { 'retry-after': '2' } } });
  expect((await project()).status).toBe(200);
});

test('unavailable strikes what its path and method name', async () => {
  await neon.fault('unavailable', { path: '/branches$', method: 'GET' });
  expect((await project()).status).toBe(200);
  expect(await refusalOf(branches())).toMatchObject({ status: 503 });
});

test('lost-response drops the connection after the work', async () => {
  await neon.fault('lost-response', { count: 1, method: 'POST' });
  await expect(create('lost')).rejects.toThrow(/socket hang up|ECONNRESET/);
  const made = await branches();
  expect(made.map(({ name }) => name)).toContain('lost');
  await idle();
});

test('hang never answers', async () => {
  await neon.fault('hang', { count: 1, seconds: 0.2 });
  await expect(project()).rejects.toThrow(/socket hang up|ECONNRESET/);
});

test('locked refuses changes in the words of Neon, and lets people read', async () => {
  await neon.fault('locked');
  expect((await refusalOf(create('locked'))).message).toContain('running conflicting operations');
  expect((await project()).status).toBe(200);
});

test('not-found and not-ready are what a new branch may say', async () => {
  const [main] = await branches();
  const get = () => neon.client.getProjectBranch(neon.id, main?.id ?? '');
  await neon.fault('not-found', { count: 1 });
  expect(await refusalOf(get())).toMatchObject({ status: 404 });
  await neon.fault('not-ready', { count: 1 });
  expect(await refusalOf(get())).toMatchObject({ status: 422, message: 'branch not ready yet' });
  expect((await get()).status).toBe(200);
});

test('an operation that fails is tried again, and finished', async () => {
  await neon.fault('operation-fails', { count: 1, action: 'create_branch' });
  const { data } = await create('tried-again');
  await settled(neon, data.operations);
  const { operation } = (await neon.client.getProjectOperation(neon.id, data.operations[0]?.id ?? '')).data;
  expect(operation).toMatchObject({ status: 'finished', failures_count: 1 });
});

test('one that fails for good takes the rest of its chain with it', async () => {
  await neon.fault('operation-fails', { count: 1, action: 'create_branch', fatal: true });
  const { data } = await neon.client.createProjectBranch(neon.id, { endpoints: [{ type: 'read_write' as never }] });
  await expect(settled(neon, data.operations)).rejects.toThrow('create_branch is error');
  await idle();
  const { operations } = (await neon.client.listProjectOperations({ projectId: neon.id, limit: 2 })).data;
  expect(operations.map(({ status }) => status)).toEqual(['cancelled', 'error']);
});

test('a restore that fails for good leaves the branch as it was', async () => {
  const main = (await branches()).find((branch) => branch.default)?.id ?? '';
  await neon.fault('operation-fails', { count: 1, action: 'update_catalog', fatal: true });
  const { data } = await neon.client.restoreProjectBranch(neon.id, main, {
    source_branch_id: main,
    source_timestamp: new Date().toISOString(),
    preserve_under_name: 'failed',
  });
  await expect(settled(neon, data.operations)).rejects.toThrow('update_catalog is error');
  expect((await neon.client.getProjectBranch(neon.id, main)).data.branch.current_state).toBe('ready');
  expect((await branches()).map(({ name }) => name)).not.toContain('failed');
  const wish = { projectId: neon.id, database_name: 'neondb', role_name: 'neondb_owner' };
  expect(await runSql((await neon.client.getConnectionUri(wish)).data.uri, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('slow-operations keeps a chain open, and everybody else out', async () => {
  await neon.fault('slow-operations', { seconds: 0.5, count: 1 });
  const startedAt = Date.now();
  const { data } = await create('slow');
  expect(await refusalOf(create('meanwhile'))).toMatchObject({ status: 423 });
  await settled(neon, data.operations);
  expect(Date.now() - startedAt).toBeGreaterThan(450);
});

test('no-passwords answers 412 where a password would be', async () => {
  await neon.fault('no-passwords');
  const main = (await branches()).find((branch) => branch.default)?.id ?? '';
  expect((await project()).data.project.store_passwords).toBe(false);
  expect(await refusalOf(neon.client.getProjectBranchRolePassword(neon.id, main, 'neondb_owner'))).toMatchObject({
    status: 412,
  });
  const wish = { projectId: neon.id, database_name: 'neondb', role_name: 'neondb_owner' };
  expect(await refusalOf(neon.client.getConnectionUri(wish))).toMatchObject({ status: 412 });
  await neon.noFaults();
  const { uri } = (await neon.client.getConnectionUri(wish)).data;
  expect(await runSql(uri, 'select current_user as who')).toEqual([{ who: 'neondb_owner' }]);
});

/** Every operation is through, well or not. */
async function idle(): Promise<void> {
  const { operations } = (await neon.client.listProjectOperations({ projectId: neon.id })).data;
  await settled(neon, operations).catch(() => undefined);
}
