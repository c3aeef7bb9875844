import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { type Branch, EndpointType } from '@neondatabase/api-client';
import pg from 'pg';
import { refusalOf } from '../../support/neon.ts';
import { runSql } from '../../support/postgres.ts';
import { momentOf, onlyHere as test, Place } from './place.ts';

/** Restores overwrite the default branch, so this suite leaves a real project alone. */
const IDS = 'select array_agg(id order by id) as ids from kept';
const LOCKED = 'project already has running conflicting operations, scheduling of new ones is prohibited';

let place: Place;
let main: Branch;
let uri: string;
let good: { time: string; lsn: string };

beforeAll(async () => {
  place = await Place.open();
  main = await place.main();
  uri = await place.uri(main.id);
  if (!place.standIn) return;
  await runSql(uri, 'create table kept (id int primary key); insert into kept values (1), (2)');
  good = await momentOf(uri);
  await runSql(uri, 'delete from kept where id = 1; insert into kept values (3)');
});
afterAll(() => place?.close());

const restore = async (wish: object, branch = main.id) =>
  (await place.client.restoreProjectBranch(place.id, branch, { source_branch_id: main.id, ...wish })).data;

async function named(name: string): Promise<Branch> {
  const { data } = await place.client.listProjectBranches({ projectId: place.id, search: name });
  const found = data.branches.find((branch) => branch.name === name);
  if (!found) throw new Error(`no branch ${name}`);
  return found;
}

async function readable(branch: string): Promise<string> {
  const endpoint = { branch_id: branch, type: EndpointType.ReadWrite };
  await place.settled((await place.client.createProjectEndpoint(place.id, { endpoint })).data);
  return place.uri(branch);
}

describe('a restore of a root branch', () => {
  test('from itself wants a moment, and a name for what was', async () => {
    expect(await refusalOf(restore({ preserve_under_name: 'before' }))).toMatchObject({ status: 400 });
    const { message } = await refusalOf(restore({ source_timestamp: good.time }));
    expect(message).toContain('preserve_under_name is required');
    const both = { source_timestamp: good.time, source_lsn: good.lsn, preserve_under_name: 'before' };
    expect(await refusalOf(restore(both))).toMatchObject({ status: 400 });
    const early = { source_timestamp: '2020-01-01T00:00:00Z', preserve_under_name: 'before' };
    expect((await refusalOf(restore(early))).message).toContain('before the retention window');
    expect(await runSql(uri, IDS)).toEqual([{ ids: [2, 3] }]);
  });

  test('brings a moment back under the same id and address, and keeps what was', async () => {
    const child = await place.branch({ name: 'child' }, []);
    const [endpoint] = (await place.client.listProjectBranchEndpoints(place.id, main.id)).data.endpoints;
    const session = new pg.Client({ connectionString: uri });
    const dropped = new Promise<void>((resolve) => session.on('error', () => resolve()).on('end', () => resolve()));
    await session.connect();
    const begun = await restore({ source_timestamp: good.time, preserve_under_name: 'before' });
    expect(begun.branch).toMatchObject({ id: main.id, current_state: 'resetting' });
    const locked = { status: 423, message: LOCKED };
    expect(await refusalOf(place.client.createProjectBranch(place.id, {}))).toMatchObject(locked);
    await place.settled(begun);
    await dropped;
    expect(await runSql(uri, IDS)).toEqual([{ ids: [1, 2] }]);
    const now = await place.main();
    expect(now).toMatchObject({
      id: main.id,
      name: main.name,
      current_state: 'ready',
      last_reset_at: expect.any(String),
    });
    const [still] = (await place.client.listProjectBranchEndpoints(place.id, main.id)).data.endpoints;
    expect(still).toMatchObject({ id: endpoint?.id, host: endpoint?.host });

    const backup = await named('before');
    expect(backup).not.toHaveProperty('parent_id');
    expect((await place.client.getProjectBranch(place.id, child.branch.id)).data.branch.parent_id).toBe(backup.id);
    expect(await runSql(await readable(backup.id), IDS)).toEqual([{ ids: [2, 3] }]);
    expect(await refusalOf(remove(backup.id))).toMatchObject({ status: 422 });
  });

  test('takes writes afterwards, and its own history begins where it was restored to', async () => {
    await runSql(uri, 'insert into kept values (4)');
    const later = await momentOf(uri);
    await runSql(uri, 'delete from kept');
    const probe = await place.branch({ parent_timestamp: later.time });
    expect(await place.rows(probe.branch.id, IDS)).toEqual([{ ids: [1, 2, 4] }]);
    const early = {
      branch: { parent_id: main.id, parent_timestamp: new Date(Date.parse(good.time) - 50).toISOString() },
    };
    expect(await refusalOf(place.client.createProjectBranch(place.id, early))).toMatchObject({ status: 400 });
  });

  test('is rolled back by a restore from what was kept; that backup then stays for good', async () => {
    const backup = await named('before');
    await place.settled(await restore({ source_branch_id: backup.id, preserve_under_name: 'restored' }));
    expect(await runSql(uri, IDS)).toEqual([{ ids: [2, 3] }]);
    // The probe of the test before went there with its parent.
    const kept = await named('restored');
    const { data } = await place.client.listProjectBranches({ projectId: place.id });
    for (const branch of data.branches.filter(({ parent_id }) => parent_id === kept.id)) {
      await place.settled((await remove(branch.id)).data);
    }
    expect((await refusalOf(remove(kept.id))).message).toContain('cannot be deleted');
  });

  test('to a position loses nothing that was committed before it', async () => {
    const ids = Array.from({ length: 200 }, (_, at) => at + 100);
    for (const id of ids.slice(0, 100)) await runSql(uri, `insert into kept values (${id})`);
    const { lsn } = await momentOf(uri);
    await runSql(uri, `insert into kept select generate_series(200, 299)`);
    await place.settled(await restore({ source_lsn: lsn, preserve_under_name: 'all' }));
    expect(await runSql(uri, IDS)).toEqual([{ ids: [2, 3, ...ids.slice(0, 100)] }]);
  });
});

describe('a restore of a child', () => {
  test('takes the head of its parent, and refuses a moment', async () => {
    const { branch } = await place.branch({ name: 'reset-me' });
    await place.rows(branch.id, 'delete from kept');
    const moment = { source_timestamp: new Date().toISOString(), preserve_under_name: 'no' };
    expect(await refusalOf(restore({ ...moment, source_branch_id: branch.id }, branch.id))).toMatchObject({
      status: 422,
    });
    await place.settled(await restore({}, branch.id));
    expect(await place.rows(branch.id, 'select count(*)::int as n from kept')).toEqual([{ n: 102 }]);
    expect((await place.client.getProjectBranch(place.id, branch.id)).data.branch.parent_id).toBe(main.id);
  });
});

describe('a password', () => {
  test('is the one of the restored moment again', async () => {
    const role = new URL(uri).username;
    const { time } = await momentOf(uri);
    await place.settled((await place.client.resetProjectBranchRolePassword(place.id, main.id, role)).data);
    expect(await place.uri(main.id)).not.toBe(uri);
    await place.settled(await restore({ source_timestamp: time, preserve_under_name: 'other-password' }));
    expect(await place.uri(main.id)).toBe(uri);
    expect(await runSql(uri, 'select 1 as one')).toEqual([{ one: 1 }]);
  });
});

function remove(branch: string) {
  return place.client.deleteProjectBranch({ projectId: place.id, branchId: branch });
}
