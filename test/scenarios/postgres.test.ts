import { readFile, writeFile } from 'node:fs/promises';
import { createApiClient } from '@neondatabase/api-client';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import type { RunReport } from '../../domain/report.ts';
import type { PostgresInput } from '../../domain/run-input.ts';
import { breakStack, endOutage } from '../../sandbox/faults/break.ts';
import { type Damage, damagePostgres } from '../../sandbox/faults/postgres-damage.ts';
import type { recoverPostgresMetadata } from '../../workflows/recover-postgres-metadata.ts';
import { type Account, account, ChatLoad, type Entry } from '../support/chat-load.ts';
import { historyOf } from '../support/histories.ts';
import { runSql } from '../support/postgres.ts';
import { approve, commit, QUEUE, Scenario } from '../support/scenario.ts';

type Fault = Parameters<typeof damagePostgres>[0];

/** Two commits of the load are seldom nearer to each other. */
const RESOLUTION_S = 0.01;
let scenario: Scenario;
let runs = 0;

beforeAll(async () => {
  scenario = await Scenario.start({ neon: true });
  const file = scenario.stack.env['RECOVERY_CONFIG'] ?? '';
  const config = JSON.parse(await readFile(file, 'utf8')) as { postgres: object };
  const recovery = { resolutionSeconds: RESOLUTION_S };
  await writeFile(file, JSON.stringify({ ...config, postgres: { ...config.postgres, recovery } }));
  await scenario.stack.restart('worker');
  const talk = new ChatLoad(scenario.stack.urls.app);
  await talk.more(12);
  await talk.stop();
}, 240_000);

afterAll(async () => {
  await scenario?.stop();
}, 60_000);

const databaseUrl = (): string => scenario.stack.env['DATABASE_URL'] ?? '';

function neon() {
  const { NEON_API_KEY: apiKey = '', NEON_API_URL: baseURL = '', NEON_PROJECT_ID: projectId = '' } = scenario.stack.env;
  return { api: createApiClient({ apiKey, baseURL }), projectId };
}

async function branches(): Promise<{ id: string; name: string; parent_id?: string }[]> {
  const { api, projectId } = neon();
  return (await api.listProjectBranches({ projectId })).data.branches;
}

/** The plan allows five root branches: what runs preserved goes between tests, with what hangs on it. */
afterEach(async () => {
  const { api, projectId } = neon();
  for (const prefix of ['backup-', 'recovery-']) {
    for (const { id, name } of await branches()) {
      if (!name.startsWith(prefix)) continue;
      for (let tries = 0; tries < 50; tries += 1) {
        const { status } = await api.deleteProjectBranch({ projectId, branchId: id }).catch(() => ({ status: 423 }));
        if (status < 400) break;
        await pause(200);
      }
    }
  }
}, 60_000);

const start = (input: PostgresInput = {}) =>
  scenario.client.workflow.start<typeof recoverPostgresMetadata>('recoverPostgresMetadata', {
    taskQueue: QUEUE,
    workflowId: `postgres/${(runs += 1)}`,
    args: [input],
  });

/** Breaks the database while people chat, recovers it while they go on, and looks what became of what they did. */
async function recoverFrom(
  fault: Fault,
): Promise<{ report: RunReport; damage: Damage; entries: readonly Entry[]; found: Account }> {
  await scenario.backUp();
  const load = new ChatLoad(scenario.stack.urls.app);
  try {
    await load.more(6);
    const damage = await damagePostgres(fault, { env: scenario.stack.env, control: scenario.stack }, 3);
    if (fault !== 'drop-database' && fault !== 'drop-table') await load.more(6, 'ask');
    const run = await start({ faultDeclaredAt: damage.after.toISOString() });
    await approve(run);
    await commit(run);
    const report = await run.result();
    await load.more(4);
    const entries = await load.stop();
    if (fault === 'delete-rows') expectNoSecret(await historyOf(run, 'postgres-recovered'));
    return { report, damage, entries, found: await account(entries, databaseUrl()) };
  } finally {
    await load.stop();
  }
}

/** Histories are read by many people for a long time. */
function expectNoSecret(history: string): void {
  const { NEON_API_KEY: apiKey = 'none', APP_MAINTENANCE_HEADER: header = 'none' } = scenario.stack.env;
  const { password } = new URL(databaseUrl());
  // Payloads are base64 in a history.
  const texts =
    history +
    (history.match(/"data":\s*"[^"]+"/g) ?? [])
      .map((one) => Buffer.from(one.split('"')[3] ?? '', 'base64').toString())
      .join('');
  for (const secret of [apiKey, password, header.replace('Bearer ', '')]) expect(texts.includes(secret)).toBe(false);
}

/** The moment that was gone back to, in milliseconds. */
function momentOf({ plan }: RunReport): number {
  const moment = /to the moment (\S+?);/.exec(plan?.steps.find(({ step }) => step === 'restore')?.what ?? '')?.[1];
  return Date.parse(moment ?? '');
}

const redGates = ({ gates }: RunReport): string[] =>
  gates.filter(({ verdict }) => verdict !== 'pass').map(({ name, observed }) => `${name}: ${observed}`);

describe('a fault of Postgres on Neon, while people chat', () => {
  test.each<Fault>([
    'delete-rows',
    'drop-table',
    'empty-column',
    'slow-corruption',
    'delete-sessions',
    'drop-database',
  ])(
    '%s: recovered, from within a commit of the truth, and everything that could be kept is kept',
    async (fault) => {
      const { report, damage, entries, found } = await recoverFrom(fault);
      expect(redGates(report)).toEqual([]);
      expect(report).toMatchObject({ outcome: 'recovered', verdict: 'pass' });
      const moment = momentOf(report);
      expect(moment).toBeLessThanOrEqual(damage.after.getTime());
      // A DROP DATABASE is replayed before its commit is: the commit before it is the last one that can be gone back to.
      const before = fault === 'drop-database' ? 500 : RESOLUTION_S * 1_000 + 5;
      // Only what was asked for or confirmed between the moment and the damage may be lost: a request of each person at most.
      const between = entries.filter(({ from, until: at }) => at > moment && from <= damage.after.getTime() + 1);
      expect(damage.before.getTime() - moment).toBeLessThanOrEqual(before);
      expect(found.twice).toEqual([]);
      const gone = fault === 'drop-database' ? (entry: Entry): boolean => entry.from > moment : (): boolean => false;
      const lost = found.lost.filter((entry) => !between.includes(entry) && !gone(entry));
      expect(lost).toEqual([]);
      if (fault !== 'drop-database') expect(found.lost.length).toBeLessThanOrEqual(2);
      expect(found.kept).toBeGreaterThan(12);
      const names = (await branches()).map(({ name }) => name.replace(/-[0-9a-f]{8}-/, '-RUN-')).sort();
      expect(names.filter((name) => !name.startsWith('backup-'))).toEqual(['main', 'recovery-RUN-before']);
    },
    240_000,
  );
});

test('a database that takes no more connections is freed by restarting its compute, when the operator says so', async () => {
  await scenario.backUp();
  await breakStack(scenario.stack, 'postgres', 'exhaust-connections');
  await expect(runSql(databaseUrl(), 'select 1')).rejects.toThrow(/too many|reserved/);
  const run = await start({ restartCompute: true });
  const report = await run.result();
  expect(redGates(report)).toEqual([]);
  expect(report).toMatchObject({ outcome: 'nothing-to-do', verdict: 'pass' });
  await endOutage(scenario.stack, 'postgres', 'exhaust-connections');
}, 120_000);
