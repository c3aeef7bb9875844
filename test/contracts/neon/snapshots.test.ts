import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect } from '@jest/globals';
import type { Branch } from '@neondatabase/api-client';
import { refusalOf } from '../../support/neon.ts';
import { runSql } from '../../support/postgres.ts';
import { onlyHere as test, Place } from './place.ts';

/** Snapshots are counted and cost at the real service, and finalizing one replaces a branch: not for a real project. */
const IDS = 'select array_agg(id order by id) as ids from kept';

let place: Place;
let main: Branch;
let uri: string;
let snapshot: string;

beforeAll(async () => {
  place = await Place.open();
  main = await place.main();
  uri = await place.uri(main.id);
  if (place.standIn) await runSql(uri, 'create table kept (id int primary key); insert into kept values (1)');
});
afterAll(() => place?.close());

test('a snapshot keeps what was there', async () => {
  const { data } = await place.client.createSnapshot({ projectId: place.id, branchId: main.id, name: 'first' });
  expect(data.snapshot).toMatchObject({ name: 'first', source_branch_id: main.id, manual: true });
  await place.settled(data);
  snapshot = data.snapshot.id;
  await runSql(uri, 'insert into kept values (2)');
  await place.client.updateSnapshot(place.id, snapshot, { snapshot: { name: 'renamed' } });
  const { snapshots } = (await place.client.listSnapshots(place.id)).data;
  expect(snapshots.map(({ id, name }) => ({ id, name }))).toEqual([{ id: snapshot, name: 'renamed' }]);
});

test('it is made of root branches only', async () => {
  const { branch } = await place.branch({}, []);
  const create = place.client.createSnapshot({ projectId: place.id, branchId: branch.id });
  expect(await refusalOf(create)).toMatchObject({ status: 422 });
});

test('it can be looked at beside, and then take the place of the branch under its address', async () => {
  const begun = await place.client.restoreSnapshot(
    { projectId: place.id, snapshotId: snapshot },
    { target_branch_id: main.id },
  );
  await place.settled(begun.data);
  const beside = (await place.client.getProjectBranch(place.id, begun.data.branch.id)).data.branch;
  expect(beside).toMatchObject({ restore_status: 'restored', restored_from: snapshot, default: false });
  expect(beside.restricted_actions).toMatchObject([{ name: 'restore' }]);
  expect(await runSql(uri, IDS)).toEqual([{ ids: [1, 2] }]);

  const inPlace = { source_branch_id: beside.id, source_timestamp: new Date().toISOString(), preserve_under_name: 'x' };
  expect((await refusalOf(place.client.restoreProjectBranch(place.id, beside.id, inPlace))).message).toBe(
    'restore from snapshot on target branch is still ongoing',
  );

  await place.settled((await place.client.finalizeRestoreBranch(place.id, beside.id)).data);
  expect(await runSql(uri, IDS)).toEqual([{ ids: [1] }]);
  expect(await place.main()).toMatchObject({ id: beside.id, name: main.name, restore_status: 'finalized' });
  const old = (await place.client.getProjectBranch(place.id, main.id)).data.branch;
  expect(old).toMatchObject({ name: `${main.name} (old)`, default: false, restored_as: beside.id });
});

test('it is restored in one step, and is gone once it is deleted', async () => {
  await runSql(uri, 'delete from kept');
  const target = (await place.main()).id;
  const wish = { target_branch_id: target, finalize_restore: true, name: 'again' };
  const refused = await refusalOf(place.client.restoreSnapshot({ projectId: place.id, snapshotId: snapshot }, wish));
  // The name of the branch before last is taken.
  expect(refused).toMatchObject({ status: 409 });
  await place.client.updateProjectBranch(place.id, main.id, { branch: { name: 'oldest' } });
  await place.settled((await place.client.restoreSnapshot({ projectId: place.id, snapshotId: snapshot }, wish)).data);
  expect(await runSql(uri, IDS)).toEqual([{ ids: [1] }]);
  const deletion = await place.client.deleteSnapshot(place.id, snapshot);
  expect(deletion.status).toBe(202);
  await place.settled(deletion.data);
  expect(await refusalOf(place.client.deleteSnapshot(place.id, snapshot))).toMatchObject({ status: 404 });
  expect(await runSql(uri, IDS)).toEqual([{ ids: [1] }]);
});

test('one with an expiry goes by itself', async () => {
  const { id } = await place.main();
  const expiry = new Date(Date.now() + 500).toISOString();
  const { data } = await place.client.createSnapshot({ projectId: place.id, branchId: id, expires_at: expiry });
  await place.settled(data);
  const left = async () => (await place.client.listSnapshots(place.id)).data.snapshots.length;
  for (const deadline = Date.now() + 20_000; (await left()) > 0; await pause(50)) {
    if (Date.now() > deadline) throw new Error('the snapshot stayed');
  }
  await place.settled((await place.client.listProjectOperations({ projectId: place.id })).data);
});

test('a schedule is kept as it was set, and an empty one turns it off', async () => {
  const { id } = await place.main();
  const set = (schedule: object[]) =>
    place.client.setSnapshotSchedule(place.id, id, { schedule: schedule as { frequency: string }[] });
  const daily = { frequency: 'daily', hour: 3, retention_seconds: 604_800 };
  await set([daily]);
  expect((await place.client.getSnapshotSchedule(place.id, id)).data.schedule).toEqual([daily]);
  expect(await refusalOf(set([{ ...daily, retention_seconds: 4_000_000 }]))).toMatchObject({ status: 400 });
  await set([]);
  expect((await place.client.getSnapshotSchedule(place.id, id)).data.schedule).toEqual([]);
});
