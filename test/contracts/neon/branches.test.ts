import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createApiClient, EndpointState, EndpointType } from '@neondatabase/api-client';
import { refusalOf } from '../../support/neon.ts';
import { runSql } from '../../support/postgres.ts';
import { momentOf, onlyHere, Place, travelUri } from './place.ts';

let place: Place;
let main: string;
/** Rows 1, then this moment, then row 2. */
let between: { time: string; lsn: string };
const TABLE = `contract_${Date.now()}`;
const IDS = `select array_agg(id order by id) as ids from ${TABLE}`;

beforeAll(async () => {
  place = await Place.open();
  main = (await place.main()).id;
  const uri = await place.uri(main);
  await runSql(uri, `create table ${TABLE} (id int primary key, note text); insert into ${TABLE} values (1, 'before')`);
  between = await momentOf(uri);
  await runSql(uri, `insert into ${TABLE} values (2, 'after')`);
});

afterAll(async () => {
  await place?.rows(main, `drop table ${TABLE}`);
  await place?.close();
});

describe('the project', () => {
  test('is refused to a stranger', async () => {
    const stranger = createApiClient({ apiKey: 'wrong', baseURL: place.project.apiUrl });
    expect(await refusalOf(stranger.getProject(place.id))).toMatchObject({ status: 401 });
  });

  test('says how long history is kept', async () => {
    const { project } = (await place.client.getProject(place.id)).data;
    expect(project).toMatchObject({ id: place.id, store_passwords: true });
    expect(project.history_retention_seconds).toBeGreaterThanOrEqual(0);
  });

  onlyHere('keeps history for as long as it is told, up to what its plan allows', async () => {
    const change = (seconds: number) =>
      place.client.updateProject(place.id, { project: { history_retention_seconds: seconds } });
    const { data } = await change(3_600);
    expect(data.project.history_retention_seconds).toBe(3_600);
    expect(data.operations.map(({ action }) => action)).toEqual(['apply_storage_config']);
    await place.settled(data);
    expect(await refusalOf(change(2_592_000))).toMatchObject({ status: 400 });
    await place.settled((await change(86_400)).data);
  });

  test('is not found under another id', async () => {
    expect(await refusalOf(place.client.getProject('no-such-project'))).toMatchObject({ status: 404 });
  });

  test('tells its operations page by page, each once', async () => {
    await place.branch({ name: `pages-${TABLE}` }, []);
    const seen: string[] = [];
    for (let cursor: string | undefined; seen.length < 4;) {
      const query = { projectId: place.id, limit: 1, ...(cursor === undefined ? {} : { cursor }) };
      const { data } = await place.client.listProjectOperations(query);
      if (data.operations.length === 0) break;
      seen.push(...data.operations.map(({ id }) => id));
      cursor = data.pagination?.cursor;
    }
    expect(seen.length).toBeGreaterThan(1);
    expect(new Set(seen).size).toBe(seen.length);
    const unknown = '00000000-0000-4000-8000-000000000000';
    expect(await refusalOf(place.client.getProjectOperation(place.id, unknown))).toMatchObject({ status: 404 });
  });

  onlyHere('says openly what it does not provide', async () => {
    expect(await refusalOf(place.client.createProject({ project: {} }))).toMatchObject({
      status: 501,
      message: expect.stringContaining('does not provide POST /api/v2/projects'),
    });
  });
});

describe('a branch', () => {
  test('of the head has all rows, and shares none that come later', async () => {
    const { branch } = await place.branch({ name: `head-${TABLE}` });
    expect(branch).toMatchObject({ parent_id: main, current_state: 'ready', default: false });
    expect(branch.parent_lsn).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/);
    await place.rows(branch.id, `insert into ${TABLE} values (10, 'child')`);
    expect(await place.rows(branch.id, IDS)).toEqual([{ ids: [1, 2, 10] }]);
    expect(await place.rows(main, IDS)).toEqual([{ ids: [1, 2] }]);
  });

  test('of a time, and of a position, has what was committed before', async () => {
    const time = await place.branch({ parent_timestamp: between.time });
    const position = await place.branch({ parent_lsn: between.lsn });
    expect(await place.rows(time.branch.id, IDS)).toEqual([{ ids: [1] }]);
    expect(await place.rows(position.branch.id, IDS)).toEqual([{ ids: [1] }]);
    expect(position.branch.parent_lsn).toBe(between.lsn);
  });

  test('has a history of its own for its children', async () => {
    const { branch } = await place.branch({ parent_timestamp: between.time });
    const uri = await place.uri(branch.id);
    await runSql(uri, `insert into ${TABLE} values (20, 'child')`);
    const middle = await momentOf(uri);
    await runSql(uri, `delete from ${TABLE}`);
    const grandchild = await place.branch({ parent_id: branch.id, parent_timestamp: middle.time });
    expect(await place.rows(grandchild.branch.id, IDS)).toEqual([{ ids: [1, 20] }]);
    const head = await place.branch({ parent_id: grandchild.branch.id });
    expect(await place.rows(head.branch.id, IDS)).toEqual([{ ids: [1, 20] }]);
    expect(await refusalOf(deleteBranch(branch.id))).toMatchObject({ message: expect.stringMatching(/child/) });
  });

  onlyHere('of a moment outside its history is refused', async () => {
    const create = (branch: object) => refusalOf(place.client.createProjectBranch(place.id, { branch }));
    const before = { status: 400, message: 'The provided timestamp is before the retention window for your project' };
    expect(await create({ parent_timestamp: '2020-01-01T00:00:00Z' })).toMatchObject(before);
    expect(await create({ parent_timestamp: '2999-01-01T00:00:00Z' })).toMatchObject({ status: 400 });
    expect(await create({ parent_lsn: '0/1' })).toMatchObject({ message: expect.stringContaining('GC cutoff') });
    expect(await create({ parent_lsn: 'FF/0' })).toMatchObject({ status: 400 });
    expect(await create({ parent_lsn: between.lsn, parent_timestamp: between.time })).toMatchObject({ status: 400 });
    const { branch } = await place.branch({ parent_timestamp: between.time });
    expect(await create({ parent_id: branch.id, parent_lsn: '0/1' })).toMatchObject({ status: 400 });
  });

  test('is found by id, name and count', async () => {
    const { branch } = await place.branch({ name: `found-${TABLE}` }, []);
    const { data } = await place.client.listProjectBranches({ projectId: place.id, search: branch.name });
    expect(data.branches.map(({ id }) => id)).toEqual([branch.id]);
    const count = await place.client.countProjectBranches({ projectId: place.id, search: branch.name });
    expect(count.data.count).toBe(1);
    expect((await place.client.getProjectBranch(place.id, branch.id)).data.branch.name).toBe(branch.name);
    expect(await refusalOf(place.client.getProjectBranch(place.id, 'br-no-such-00000000'))).toMatchObject({
      status: 404,
    });
  });

  test('changes its name and its expiry', async () => {
    const { branch } = await place.branch({ name: `old-${TABLE}` }, []);
    const change = async (wish: object) =>
      (await place.client.updateProjectBranch(place.id, branch.id, { branch: wish })).data.branch;
    const later = new Date(Date.now() + 3_600_000).toISOString();
    expect(await change({ name: `new-${TABLE}`, expires_at: later })).toMatchObject({ name: `new-${TABLE}` });
    const child = { branch: { parent_id: branch.id } };
    expect((await refusalOf(place.client.createProjectBranch(place.id, child))).status).toBeGreaterThanOrEqual(400);
    expect(await change({ expires_at: null })).not.toHaveProperty('expires_at');
  });

  test('is deleted once, and the second time that is nothing', async () => {
    const { branch } = await place.branch({ name: `gone-${TABLE}` });
    const first = await deleteBranch(branch.id);
    expect(first.status).toBe(200);
    await place.settled(first.data);
    expect((await deleteBranch(branch.id)).status).toBe(204);
    expect((await refusalOf(deleteBranch(main))).status).toBeGreaterThanOrEqual(400);
  });

  onlyHere('that was deleted can be recovered, with its rows and its address', async () => {
    const { branch, endpoints } = await place.branch({ name: `back-${TABLE}` });
    const uri = await place.uri(branch.id);
    await runSql(uri, `insert into ${TABLE} values (30, 'kept')`);
    await place.settled((await deleteBranch(branch.id)).data);
    await expect(runSql(uri, IDS)).rejects.toThrow();
    const { data } = await place.client.listProjectBranches({ projectId: place.id, include_deleted: true });
    expect(data.branches.find(({ id }) => id === branch.id)?.recovery).toMatchObject({ deletion_method: 'user' });
    const recovered = (await place.client.recoverProjectBranch(place.id, branch.id)).data;
    expect(recovered.endpoints?.map(({ id }) => id)).toEqual(endpoints.map(({ id }) => id));
    expect(await runSql(uri, IDS)).toEqual([{ ids: [1, 2, 30] }]);
  });
});

describe('an endpoint', () => {
  test('for reading refuses to write, and one for writing is enough', async () => {
    const { branch, endpoints } = await place.branch({}, [EndpointType.ReadWrite, EndpointType.ReadOnly]);
    const reader = await place.uri(branch.id, endpoints.find(({ type }) => type === EndpointType.ReadOnly)?.id);
    expect(await runSql(reader, IDS)).toEqual([{ ids: [1, 2] }]);
    await expect(runSql(reader, `delete from ${TABLE}`)).rejects.toThrow('read-only transaction');
    const second = { endpoint: { branch_id: branch.id, type: EndpointType.ReadWrite } };
    expect((await refusalOf(place.client.createProjectEndpoint(place.id, second))).message).toContain('already exists');
  });

  test('that sleeps is woken by a connection, under the same address', async () => {
    const { branch, endpoints } = await place.branch({}, []);
    expect(endpoints).toEqual([]);
    const created = await place.client.createProjectEndpoint(place.id, {
      endpoint: { branch_id: branch.id, type: EndpointType.ReadWrite },
    });
    await place.settled(created.data);
    const { id } = created.data.endpoint;
    const state = async () => (await place.client.getProjectEndpoint(place.id, id)).data.endpoint.current_state;
    const uri = await place.uri(branch.id);
    expect(await state()).toBe(EndpointState.Active);
    await place.settled((await place.client.suspendProjectEndpoint(place.id, id)).data);
    expect(await state()).toBe(EndpointState.Idle);
    expect(await runSql(uri, IDS)).toEqual([{ ids: [1, 2] }]);
    expect(await state()).toBe(EndpointState.Active);
    await place.settled((await place.client.restartProjectEndpoint(place.id, id)).data);
    expect(await runSql(await place.uri(branch.id), IDS)).toEqual([{ ids: [1, 2] }]);
    const deletion = await place.client.deleteProjectEndpoint(place.id, id);
    expect(deletion.status).toBe(200);
    await place.settled(deletion.data);
  });
});

onlyHere('an endpoint that is disabled lets nobody in until it is enabled', async () => {
  const { branch, endpoints } = await place.branch({});
  const change = (disabled: boolean) =>
    place.client.updateProjectEndpoint(place.id, endpoints[0]?.id ?? '', { endpoint: { disabled } });
  const uri = await place.uri(branch.id);
  await place.settled((await change(true)).data);
  await expect(runSql(uri, IDS)).rejects.toThrow('endpoint is disabled');
  await place.settled((await change(false)).data);
  expect(await runSql(uri, IDS)).toEqual([{ ids: [1, 2] }]);
});

describe('roles and schema', () => {
  test('a password that is revealed opens the database, and a new one replaces it', async () => {
    const { branch } = await place.branch({});
    const uri = await place.uri(branch.id);
    const role = new URL(uri).username;
    const { data } = await place.client.getProjectBranchRolePassword(place.id, branch.id, role);
    expect(data.password).toBe(decodeURIComponent(new URL(uri).password));
    const reset = await place.client.resetProjectBranchRolePassword(place.id, branch.id, role);
    expect(reset.data.role.password).not.toBe(data.password);
    await place.settled(reset.data);
    await expect(runSql(uri, IDS)).rejects.toThrow('password authentication failed');
    expect(await place.rows(branch.id, IDS)).toEqual([{ ids: [1, 2] }]);
    const { roles } = (await place.client.listProjectBranchRoles(place.id, branch.id)).data;
    expect(roles.map(({ name }) => name)).toContain(role);
  });

  onlyHere('children of a protected branch have passwords of their own', async () => {
    const { branch } = await place.branch({ name: `shield-${TABLE}`, protected: true }, []);
    expect(await refusalOf(deleteBranch(branch.id))).toMatchObject({ status: 422 });
    const { branch: child } = await place.branch({ parent_id: branch.id });
    const [own, parents] = [await place.uri(child.id), await place.uri(main)];
    expect(new URL(own).password).not.toBe(new URL(parents).password);
    expect(await runSql(own, IDS)).toEqual([{ ids: [1, 2] }]);
  });

  test('the schema can be seen as it is and as it was', async () => {
    const uri = await place.uri(main);
    const database = new URL(uri).pathname.slice(1);
    const before = await momentOf(uri);
    await runSql(uri, `alter table ${TABLE} add column extra int`);
    const schema = async (query: object) =>
      (await place.client.getProjectBranchSchema({ projectId: place.id, branchId: main, db_name: database, ...query }))
        .data;
    expect((await schema({})).sql).toContain('extra integer');
    expect((await schema({ timestamp: before.time })).sql).not.toContain('extra integer');
    const { json } = await schema({ lsn: before.lsn, format: 'json' });
    const table = json?.tables.find(({ name }) => name === TABLE);
    expect(table?.columns.map(({ name, type }) => `${name} ${type}`)).toEqual(['id integer', 'note text']);
    expect(table?.constraints).toMatchObject([{ columns: ['id'] }]);
  });
});

describe('a connection to a moment', () => {
  test('shows the rows of then, and lets nobody write', async () => {
    const uri = await place.uri(main);
    const then = travelUri(uri, main, `neon_timestamp:${between.time}`);
    expect(await runSql(then, IDS)).toEqual([{ ids: [1] }]);
    await expect(runSql(then, `delete from ${TABLE}`)).rejects.toThrow('read-only transaction');
    expect(await runSql(travelUri(uri, main, `neon_lsn:${between.lsn}`), IDS)).toEqual([{ ids: [1] }]);
    expect(await runSql(uri, IDS)).toEqual([{ ids: [1, 2] }]);
  });

  test('shows a table as it was right before it was emptied', async () => {
    const uri = await place.uri(main);
    await runSql(uri, `create table ${TABLE}_emptied as select generate_series(1, 50) as id`);
    const { time } = await momentOf(uri);
    await runSql(uri, `truncate ${TABLE}_emptied`);
    const then = travelUri(uri, main, `neon_timestamp:${time}`);
    expect(await runSql(then, `select count(*)::int as n from ${TABLE}_emptied`)).toEqual([{ n: 50 }]);
    await runSql(uri, `drop table ${TABLE}_emptied`);
  });

  test('at the address of an endpoint is a connection to the present', async () => {
    const url = new URL(await place.uri(main));
    url.searchParams.set('options', `neon_timestamp:${between.time}`);
    expect(await runSql(url.href, IDS)).toEqual([{ ids: [1, 2] }]);
  });

  test('outside the history is refused', async () => {
    const early = travelUri(await place.uri(main), main, 'neon_timestamp:2020-01-01T00:00:00Z');
    await expect(runSql(early, IDS)).rejects.toThrow('before the retention window');
  });
});

test('the calls were checked against the vendor’s description', () => {
  expect(place.seen.size).toBeGreaterThan(20);
});

function deleteBranch(id: string) {
  return place.client.deleteProjectBranch({ projectId: place.id, branchId: id });
}
