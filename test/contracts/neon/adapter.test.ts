import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { createApiClient } from '@neondatabase/api-client';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { withFailures } from '../../../activities/fail.ts';
import { createNeonActivities } from '../../../activities/neon/index.ts';
import { canLogIn, setPassword } from '../../../activities/postgres/login.ts';
import type { NeonRecoveryActivities } from '../../../activities/postgres-contract.ts';
import { neonConfigSchema } from '../../../config/neon.ts';
import { Secret } from '../../../config/secret.ts';
import { NeonStandIn } from '../../support/neon.ts';
import { runSql } from '../../support/postgres.ts';
import { momentOf } from './place.ts';

/**
 * The whole way of a recovery through our own adapter. With NEON_CONTRACT_API_KEY it goes to Neon, in a project that it makes and
 * deletes again; else to the stand-in.
 */
const API = 'https://console.neon.tech/api/v2';
const apiKey = process.env['NEON_CONTRACT_API_KEY'];
const COSTS = 'a project for some minutes: about 0.02 CU-hours and two root branches; nothing on the free plan';

interface Ground {
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly projectId: string;
  readonly url: string;
  close(): Promise<void>;
}

async function realGround(key: string): Promise<Ground> {
  process.stderr.write(`This makes and deletes ${COSTS}.\n`);
  const client = createApiClient({ apiKey: key, baseURL: API, timeout: 30_000 });
  const wish = { project: { name: `recovery-contract-${Date.now()}`, history_retention_seconds: 21_600 } };
  const { project, connection_uris: uris } = (await client.createProject(wish)).data;
  const close = async (): Promise<void> => void (await client.deleteProject(project.id));
  const url = uris?.[0]?.connection_uri;
  if (url !== undefined) return { apiUrl: API, apiKey: key, projectId: project.id, url, close };
  await close();
  throw new Error('Neon told no address of the new project');
}

async function standInGround(): Promise<Ground> {
  const neon = await NeonStandIn.start();
  const wish = { projectId: neon.id, database_name: 'neondb', role_name: 'neondb_owner' };
  // The project is not through at once.
  for (;;) {
    const answer = await neon.client.getConnectionUri(wish).catch(() => undefined);
    const url = answer?.data.uri;
    if (url !== undefined && (await runSql(url, 'select 1').catch(() => undefined)))
      return { apiUrl: neon.apiUrl, apiKey: neon.apiKey, projectId: neon.id, url, close: () => neon.stop() };
    await pause(100);
  }
}

let ground: Ground;
beforeAll(async () => {
  ground = apiKey ? await realGround(apiKey) : await standInGround();
  await runSql(ground.url, `create table chunks (id int primary key); insert into chunks values (1)`);
}, 120_000);
afterAll(() => ground?.close(), 60_000);

function run<T>(use: (act: NeonRecoveryActivities) => Promise<T>): Promise<T> {
  const { apiUrl, apiKey: key, projectId, url } = ground;
  const { recovery } = createNeonActivities({
    config: neonConfigSchema.parse({ apiUrl, apiKey: key, projectId }),
    url: new Secret(url),
    patience: apiKey ? {} : { pollMs: 50 },
    logins: { canLogIn, setPassword },
  });
  const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
  return environment.run(() => use(withFailures({ ...recovery })));
}

const rows = async (): Promise<number[]> =>
  (await runSql(ground.url, 'select id from chunks order by id')).map(({ id }) => Number(id));

describe(apiKey ? 'a recovery on Neon itself' : 'a recovery on the stand-in', () => {
  test('looks at a moment, restores it in place, puts what was there back, and leaves what it must', async () => {
    const { time } = await momentOf(ground.url);
    await runSql(ground.url, 'insert into chunks values (2)');
    const history = await run((act) => act.readNeonHistory());
    expect(history).toMatchObject({ projectId: ground.projectId, lastResetAt: null });
    const at = { timestamp: time };
    const probe = { name: 'recovery-contract-probe-1', at };
    const { branchId } = await run((act) => act.makeRecoveryBranch(probe));
    expect(await run((act) => act.findBranch({ branchId }))).toMatchObject({ ready: true });
    expect(await run((act) => act.releaseBranch({ name: probe.name }))).toEqual({ released: true });
    const preserved = 'recovery-contract-before';
    await run((act) => act.restoreBranch({ at, preserveAs: preserved, lastResetAt: history.lastResetAt }));
    expect(await run((act) => act.restoreLogin({}))).toEqual({ changed: false });
    expect(await rows()).toEqual([1]);
    await run((act) => act.putBranchBack({ preserved, keepAs: 'recovery-contract-after' }));
    await run((act) => act.restoreLogin({}));
    expect(await rows()).toEqual([1, 2]);
    expect(await run((act) => act.listRecoveryBranches({ runId: 'contract' }))).toEqual([
      'recovery-contract-after',
      preserved,
    ]);
  }, 600_000);

  test('refuses a moment that is not kept', async () => {
    const at = { timestamp: '2020-01-01T00:00:00Z' };
    const asked = run((act) => act.makeRecoveryBranch({ name: 'recovery-contract-probe-2', at }));
    await expect(asked).rejects.toMatchObject({ type: 'MOMENT_REFUSED' });
  }, 120_000);
});
