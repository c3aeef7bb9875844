import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { EndpointState, EndpointType, OperationAction } from '@neondatabase/api-client';
import { momentOf, travelUri } from '../contracts/neon/place.ts';
import { NeonStandIn, refusalOf, settled } from '../support/neon.ts';
import { runSql } from '../support/postgres.ts';

const PATIENCE_MS = 20_000;

async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + PATIENCE_MS; !(await holds()); await pause(50)) {
    if (Date.now() > deadline) throw new Error(`not seen in time: ${what}`);
  }
}

const uriOf = async (neon: NeonStandIn, branch?: string): Promise<string> =>
  (
    await neon.client.getConnectionUri({
      projectId: neon.id,
      database_name: 'neondb',
      role_name: 'neondb_owner',
      ...(branch === undefined ? {} : { branch_id: branch }),
    })
  ).data.uri;

async function mainOf(neon: NeonStandIn): Promise<string> {
  const { data } = await neon.client.listProjectBranches({ projectId: neon.id });
  return data.branches.find((branch) => branch.default)?.id ?? '';
}

async function allSettled(neon: NeonStandIn): Promise<void> {
  await settled(neon, (await neon.client.listProjectOperations({ projectId: neon.id })).data.operations);
}

test('where children may be restored to a moment, what was becomes their parent', async () => {
  const neon = await NeonStandIn.start({ restoreChildren: true });
  try {
    await allSettled(neon);
    const endpoints = [{ type: EndpointType.ReadWrite }];
    const { data } = await neon.client.createProjectBranch(neon.id, { branch: { name: 'child' }, endpoints });
    await settled(neon, data.operations);
    const child = data.branch.id;
    const uri = await uriOf(neon, child);
    await runSql(uri, 'create table kept as select 1 as id');
    const { time } = await momentOf(uri);
    await runSql(uri, 'drop table kept');
    const wish = { source_branch_id: child, source_timestamp: time, preserve_under_name: 'before' };
    await settled(neon, (await neon.client.restoreProjectBranch(neon.id, child, wish)).data.operations);
    expect(await runSql(uri, 'select id from kept')).toEqual([{ id: 1 }]);
    const { branches } = (await neon.client.listProjectBranches({ projectId: neon.id })).data;
    const backup = branches.find(({ name }) => name === 'before');
    expect(branches.find(({ id }) => id === child)?.parent_id).toBe(backup?.id);
    expect(backup?.parent_id).toBe(data.branch.parent_id);
  } finally {
    await neon.stop();
  }
});

describe('with small limits', () => {
  let neon: NeonStandIn;

  beforeAll(async () => {
    neon = await NeonStandIn.start({
      limits: { branches: 3, rootBranches: 2, snapshots: 1 },
      historyRetentionSeconds: 3_600,
      timeTravelSeconds: 2,
      suspendTimeoutSeconds: 2,
    });
    await allSettled(neon);
  });
  afterAll(() => neon?.stop());

  const create = (branch: object) => neon.client.createProjectBranch(neon.id, { branch });

  test('an endpoint that nobody uses goes to sleep, and an open transaction keeps it awake', async () => {
    const [endpoint] = (await neon.client.listProjectEndpoints(neon.id)).data.endpoints;
    const state = async () =>
      (await neon.client.getProjectEndpoint(neon.id, endpoint?.id ?? '')).data.endpoint.current_state;
    const busy = runSql(await uriOf(neon), 'select pg_sleep(3.5), 1 as one');
    await eventually('active', async () => (await state()) === EndpointState.Active);
    expect(await busy).toMatchObject([{ one: 1 }]);
    await eventually('idle', async () => (await state()) === EndpointState.Idle);
    expect(await runSql(await uriOf(neon), 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('a connection to a moment ends some time after its last query, and can be had again', async () => {
    const main = await mainOf(neon);
    const uri = await uriOf(neon);
    await runSql(uri, 'create table seen (id int); insert into seen values (1)');
    const { time } = await momentOf(uri);
    await runSql(uri, 'insert into seen values (2)');
    const then = travelUri(uri, main, `neon_timestamp:${time}`);
    const count = () => runSql(then, 'select count(*)::int as n from seen');
    expect(await count()).toEqual([{ n: 1 }]);
    await eventually('its compute is gone', async () => {
      const { operations } = (await neon.client.listProjectOperations({ projectId: neon.id })).data;
      return operations.some(
        ({ action, branch_id }) => action === OperationAction.DeleteTimeline && branch_id === main,
      );
    });
    expect(await count()).toEqual([{ n: 1 }]);
  });

  test('a branch whose time has come is deleted', async () => {
    const { data } = await create({ name: 'short', expires_at: new Date(Date.now() + 1_500).toISOString() });
    await settled(neon, data.operations);
    expect(data.branch.ttl_interval_seconds).toBeGreaterThan(0);
    await eventually('deleted', async () => {
      const found = await neon.client.listProjectBranches({
        projectId: neon.id,
        include_deleted: true,
        search: 'short',
      });
      return found.data.branches[0]?.recovery?.deletion_method === 'ttl';
    });
    await allSettled(neon);
  });

  test('branches, root branches and snapshots are as many as the plan allows', async () => {
    const main = await mainOf(neon);
    const snapshot = () => neon.client.createSnapshot({ projectId: neon.id, branchId: main });
    await settled(neon, (await snapshot()).data.operations);
    expect(await refusalOf(snapshot())).toMatchObject({ status: 422, code: 'SNAPSHOTS_LIMIT_EXCEEDED' });
    const time = new Date().toISOString();
    await runSql(await uriOf(neon), 'create table later ()');
    const restore = (name: string) =>
      neon.client.restoreProjectBranch(neon.id, main, {
        source_branch_id: main,
        source_timestamp: time,
        preserve_under_name: name,
      });
    await settled(neon, (await restore('one')).data.operations);
    expect(await refusalOf(restore('two'))).toMatchObject({ status: 422, code: 'ROOT_BRANCHES_LIMIT_EXCEEDED' });
    await settled(neon, (await create({ name: 'third' })).data.operations);
    expect(await refusalOf(create({ name: 'fourth' }))).toMatchObject({ status: 422, code: 'BRANCHES_LIMIT_EXCEEDED' });
  });

  test('no history is given once it is not kept', async () => {
    const change = { project: { history_retention_seconds: 0 } };
    await settled(neon, (await neon.client.updateProject(neon.id, change)).data.operations);
    const found = (await neon.client.listProjectBranches({ projectId: neon.id, search: 'third' })).data.branches[0];
    await neon.client.deleteProjectBranch({ projectId: neon.id, branchId: found?.id ?? '', hard_delete: true });
    await allSettled(neon);
    const late = create({ parent_timestamp: new Date().toISOString() });
    expect((await refusalOf(late)).message).toContain('history retention is disabled');
  });
});
