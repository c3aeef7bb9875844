import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createPostgresActivities } from '../../../activities/postgres/index.ts';
import { createDiskStore } from '../../../activities/store/disk.ts';
import { postgresConfigSchema } from '../../../config/schema.ts';
import { Secret } from '../../../config/secret.ts';
import type { PostgresPart } from '../../../domain/set-parts.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { findBinDir, runSql } from '../../support/postgres.ts';
import { DATABASE, PASSWORD, quietEnvironment, ROLE, setStage, type Stage } from './stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage?.close());
afterEach(async () => {
  await stage.neon.noFaults();
  await stage.idle();
});

type Over = Parameters<Stage['run']>[1];
const take = async (setId: string): Promise<string> =>
  (await stage.run((act) => act.createBackupBranch({ setId }))).branchId;
const urlOf = (branchId: string, over?: Over) => stage.run((act) => act.connectionUrlOf(branchId), over);
const whoIs = async (url: Secret) =>
  runSql(url.reveal(), 'select current_user as who, current_database() as base, count(*)::int as n from chunks');
const refusal = (failed: Promise<unknown>): Promise<unknown> => failed.catch((error: unknown) => error);
const me = [{ who: ROLE, base: DATABASE, n: 1 }];
const portOf = (url: Secret | string) => new URL(typeof url === 'string' ? url : url.reveal()).port;

test('the dump of a branch holds its state, and no row that was written after it was made', async () => {
  const branchId = await take('dumped');
  await runSql(stage.url, "insert into chunks values (2, 'written after the branch was made')");
  const folder = temporaryFolder('neon-dump');
  try {
    const store = createDiskStore(folder);
    const config = postgresConfigSchema.parse({
      url: stage.url,
      binDir: await findBinDir(),
      tables: { chunks: { table: 'chunks', pointId: 'id', text: 'text', source: 'text' } },
    });
    const dumpOf = (branch?: string): Promise<PostgresPart> =>
      quietEnvironment().run<[], PostgresPart, () => Promise<PostgresPart>>(() =>
        createPostgresActivities({ config, store, branchUrl: (id) => urlOf(id) }).dumpDatabase({
          folder: `sets/${branch ?? 'live'}`,
          branchId: branch,
        }),
      );
    expect((await dumpOf(branchId)).rows).toEqual({ chunks: 1 });
    expect((await dumpOf()).rows).toEqual({ chunks: 2 });
  } finally {
    await runSql(stage.url, 'delete from chunks where id = 2');
  }
});

describe('the address of a backup', () => {
  test('leads to the branch, with role and database of the app, and shows nothing when printed', async () => {
    const url = await urlOf(await take('address'));
    expect(portOf(url)).not.toBe(portOf(stage.url));
    expect(await whoIs(url)).toEqual(me);
    expect(String(url) + JSON.stringify({ url })).not.toContain(PASSWORD);
  });

  test('keeps how strictly the app checks TLS, and nothing that would lead back to the app’s branch', async () => {
    const own = `${stage.url}?sslmode=disable&options=endpoint%3Dep-of-the-app&host=127.0.0.1&port=${portOf(stage.url)}`;
    const url = await urlOf(await take('options'), { url: new Secret(own) });
    expect(new URL(url.reveal()).search).toBe('?sslmode=disable');
    expect(portOf(url)).not.toBe(portOf(stage.url));
    expect(await whoIs(url)).toEqual(me);
  });

  test('without the app’s is that of the only database', async () => {
    expect(await whoIs(await urlOf(await take('only'), { url: null }))).toEqual(me);
  });

  test('is given again after the branch has lost its compute', async () => {
    const branchId = await take('no-compute');
    const { data } = await stage.neon.client.listProjectBranchEndpoints(stage.neon.id, branchId);
    await stage.neon.client.deleteProjectEndpoint(stage.neon.id, data.endpoints[0]?.id ?? '');
    await stage.idle();
    expect(await whoIs(await urlOf(branchId))).toEqual(me);
  });

  test('of a compute whose creation got no answer is found all the same', async () => {
    const branchId = await take('lost-compute');
    const { data } = await stage.neon.client.listProjectBranchEndpoints(stage.neon.id, branchId);
    await stage.neon.client.deleteProjectEndpoint(stage.neon.id, data.endpoints[0]?.id ?? '');
    await stage.idle();
    await stage.neon.fault('lost-response', { path: '/endpoints$', method: 'POST', count: 1 });
    expect(await whoIs(await urlOf(branchId))).toEqual(me);
  });

  test('has the app’s password where Neon stores none', async () => {
    const branchId = await take('not-stored');
    await stage.neon.fault('no-passwords');
    expect(await whoIs(await urlOf(branchId))).toEqual(me);
  });

  test('of a role that was made with SQL has the app’s password too', async () => {
    await runSql(stage.url, `grant select on chunks to neondb_owner`);
    const branchId = await take('by-sql');
    await stage.neon.fault('not-found', { path: '/connection_uri$' });
    expect(await whoIs(await urlOf(branchId))).toEqual(me);
  });

  test('of a branch that is none of a backup is not given', async () => {
    expect(await refusal(urlOf(stage.main))).toMatchObject({
      type: 'NEON_REFUSED',
      message: expect.stringContaining('none of a backup'),
    });
  });
});

describe('of a protected branch', () => {
  beforeAll(() => protect(true));
  afterAll(() => protect(false));
  const protect = async (on: boolean): Promise<void> => {
    await stage.neon.client.updateProjectBranch(stage.neon.id, stage.main, { branch: { protected: on } });
  };

  test('a backup has a password of its own, which is read from it', async () => {
    const url = await urlOf(await take('shielded'));
    expect(new URL(url.reveal()).password).not.toBe(PASSWORD);
    expect(await whoIs(url)).toEqual(me);
  });

  test('a backup is given another password where Neon stores none, and the app keeps its own', async () => {
    const branchId = await take('shielded-not-stored');
    await stage.neon.fault('no-passwords');
    const url = await urlOf(branchId, { url: new Secret(`${stage.url}?sslmode=disable`) });
    expect(new URL(url.reveal()).password).not.toBe(PASSWORD);
    expect(await whoIs(url)).toEqual(me);
    expect(await whoIs(new Secret(stage.url))).toEqual(me);
  });
});
