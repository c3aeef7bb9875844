import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createApiClient, EndpointType } from '@neondatabase/api-client';
import { isFree } from '../../sandbox/stack/ports.ts';
import { type Stack, startStack } from '../../sandbox/stack/stack.ts';
import { momentOf } from '../contracts/neon/place.ts';
import { NeonStandIn, settled } from '../support/neon.ts';
import { runSql } from '../support/postgres.ts';

/** Into the copying, the recovery, and the switch, more or less. */
const KILL_AFTER_MS = [60, 200, 450];
const COUNT = 'select count(*)::int as n from kept';

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

describe('killed and started again', () => {
  let neon: NeonStandIn;
  afterAll(() => neon?.stop());

  test('it has everything, and goes on with what it was doing', async () => {
    neon = await NeonStandIn.start({ operationDelayMs: 20 });
    await allSettled(neon);
    const main = await mainOf(neon);
    const uri = await uriOf(neon);
    await runSql(uri, 'create table kept as select generate_series(1, 1000) as id');
    const { data: made } = await neon.client.createProjectBranch(neon.id, {
      branch: { name: 'child' },
      endpoints: [{ type: EndpointType.ReadWrite }],
    });
    await settled(neon, made.operations);
    const childUri = await uriOf(neon, made.branch.id);
    await runSql(childUri, 'delete from kept where id > 10');
    for (const [at, killAfter] of KILL_AFTER_MS.entries()) {
      const { time } = await momentOf(uri);
      await runSql(uri, 'truncate kept');
      const { data: restore } = await neon.client.restoreProjectBranch(neon.id, main, {
        source_branch_id: main,
        source_timestamp: time,
        preserve_under_name: `before-${at}`,
      });
      await pause(killAfter);
      await neon.kill();
      await expect(runSql(uri, 'select 1')).rejects.toThrow();
      await neon.launch();
      await settled(neon, restore.operations);
      expect(await runSql(uri, COUNT)).toEqual([{ n: 1000 }]);
      expect(await runSql(childUri, COUNT)).toEqual([{ n: 10 }]);
    }
    expect((await neon.client.countProjectBranches({ projectId: neon.id })).data.count).toBe(2 + KILL_AFTER_MS.length);
  });
});

describe('in the place of Postgres in a sandbox', () => {
  const folder = mkdtempSync(join(tmpdir(), 'neon-stack-'));
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack({ name: 'neon', folder, neon: true, only: ['postgres'] });
  });
  afterAll(async () => {
    if (!stack) return;
    await stack.stop();
    expect(await isFree(stack.ports.neonEndpoint)).toBe(true);
    rmSync(folder, { recursive: true, force: true });
  });

  test('the database of the stack is its root branch, and comes back when the part is killed', async () => {
    const { DATABASE_URL: url = '', NEON_API_URL: baseURL = '', NEON_API_KEY: apiKey = '' } = stack.env;
    expect(stack.parts().map(({ name, state }) => `${name} ${state}`)).toEqual(['neon running']);
    await runSql(url, 'create table kept as select 1 as id');
    const client = createApiClient({ baseURL, apiKey });
    const wish = { projectId: stack.env['NEON_PROJECT_ID'] ?? '', database_name: 'textbook', role_name: 'textbook' };
    expect((await client.getConnectionUri(wish)).data.uri).toBe(url);
    await stack.kill('neon');
    await stack.start('neon');
    expect(await runSql(url, 'select id from kept')).toEqual([{ id: 1 }]);
    expect((await fetch(`${stack.urls.neonFaults}/faults`)).status).toBe(200);
  });
});
