import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { RunReport } from '../../domain/report.ts';
import type { PostgresInput } from '../../domain/run-input.ts';
import { damagePostgres } from '../../sandbox/faults/postgres-damage.ts';
import { rollBackUpdate } from '../../workflows/messages.ts';
import type { recoverPostgresMetadata } from '../../workflows/recover-postgres-metadata.ts';
import { account, ChatLoad } from '../support/chat-load.ts';
import { historyOf } from '../support/histories.ts';
import { runSql } from '../support/postgres.ts';
import { approve, commit, QUEUE, running, Scenario, until } from '../support/scenario.ts';

const run = promisify(execFile);
let scenario: Scenario;
let dumps: string;
let runs = 0;

/** A stack whose Postgres has no history: what is lost comes from a dump, beside. */
beforeAll(async () => {
  scenario = await Scenario.start();
  dumps = await mkdtemp(join(tmpdir(), 'hand-made-'));
  const file = scenario.stack.env['RECOVERY_CONFIG'] ?? '';
  const config = JSON.parse(await readFile(file, 'utf8')) as { postgres: object };
  await writeFile(
    file,
    JSON.stringify({ ...config, postgres: { ...config.postgres, recovery: { handMadeDumps: dumps } } }),
  );
  await scenario.stack.restart('worker');
  const talk = new ChatLoad(scenario.stack.urls.app);
  await talk.more(8);
  await talk.stop();
  await scenario.backUp();
}, 240_000);

afterAll(async () => {
  await scenario?.stop();
  if (dumps) await rm(dumps, { recursive: true, force: true });
}, 60_000);

const databaseUrl = (): string => scenario.stack.env['DATABASE_URL'] ?? '';
const start = (input: PostgresInput = {}) =>
  scenario.client.workflow.start<typeof recoverPostgresMetadata>('recoverPostgresMetadata', {
    taskQueue: QUEUE,
    workflowId: `beside/${(runs += 1)}`,
    args: [input],
  });
const damage = (fault: Parameters<typeof damagePostgres>[0]) =>
  damagePostgres(fault, { env: scenario.stack.env, control: scenario.stack }, 1);
const leftovers = async (): Promise<string[]> => (await scenario.databases()).filter((name) => name.startsWith('dr_'));
const redGates = ({ gates }: RunReport): string[] =>
  gates.filter(({ verdict }) => verdict !== 'pass').map(({ name, observed }) => `${name}: ${observed}`);
const count = async (table: string): Promise<number> =>
  Number((await runSql(databaseUrl(), `SELECT count(*) FROM ${table}`))[0]?.['count']);

describe('Postgres without a history', () => {
  test('the set’s dump comes up beside, later rows are carried, and the names change under people who chat', async () => {
    const load = new ChatLoad(scenario.stack.urls.app);
    await load.more(6);
    await damage('delete-rows');
    await load.more(4, 'ask');
    const recovery = await start();
    await approve(recovery);
    await commit(recovery);
    const report = await recovery.result();
    await load.more(4);
    const entries = await load.stop();
    expect(redGates(report)).toEqual([]);
    expect(report).toMatchObject({ outcome: 'recovered', verdict: 'pass' });
    const found = await account(entries, databaseUrl());
    expect(found.twice).toEqual([]);
    expect(found.lost).toEqual([]);
    expect(await leftovers()).toEqual([]);
  }, 180_000);

  test('a roll back brings the damaged database back, and keeps what had replaced it', async () => {
    await damage('delete-sessions');
    const damaged = await count('sessions');
    const recovery = await start();
    await approve(recovery);
    await until(recovery, ({ awaits }) => awaits === 'commit');
    expect(await count('sessions')).toBeGreaterThan(damaged);
    await recovery.executeUpdate(rollBackUpdate, { args: [{ by: 'ann' }] });
    const report = await recovery.result();
    await historyOf(recovery, 'postgres-beside-rolled-back');
    expect(report.outcome).toBe('rolled-back');
    expect(report.undo.filter(({ outcome }) => outcome !== 'done')).toEqual([]);
    expect(await count('sessions')).toBe(damaged);
    expect(await leftovers()).toEqual([expect.stringMatching(/^dr_after_/)]);
    await runSql(databaseUrl(), `DROP DATABASE ${(await leftovers())[0]}`);
    // The app works on, on what it had before.
    const load = new ChatLoad(scenario.stack.urls.app);
    await load.more(2, 'ask');
    await load.stop();
  }, 180_000);

  test('a dump that somebody made by hand takes the place of a database that was dropped', async () => {
    const { stdout } = await run(join(scenario.stack.pgBinDir, 'pg_dump'), [databaseUrl()], { maxBuffer: 1 << 26 });
    await writeFile(join(dumps, 'backup.sql'), stdout);
    const before = await count('messages');
    await damage('drop-database');
    const recovery = await start({ plainDump: 'backup.sql' });
    await approve(recovery);
    await commit(recovery);
    const report = await recovery.result();
    expect(redGates(report)).toEqual([]);
    expect(report).toMatchObject({ outcome: 'recovered', verdict: 'pass' });
    expect(report.plan?.reason).toContain('the database is gone');
    expect(await count('messages')).toBeGreaterThanOrEqual(before);
    expect(await leftovers()).toEqual([]);
  }, 180_000);

  test('an unreachable server is waited for, and then nothing is found to be lost', async () => {
    // What the tests before have damaged is what there is from now on.
    await scenario.backUp();
    await scenario.stack.kill('postgres');
    const recovery = await start();
    await until(recovery, ({ awaits }) => awaits === 'outage');
    await scenario.stack.start('postgres');
    await until(recovery, running('trace'));
    const report = await recovery.result();
    expect(redGates(report)).toEqual([]);
    expect(report.outcome).toBe('nothing-to-do');
    expect(await leftovers()).toEqual([]);
  }, 180_000);
});
