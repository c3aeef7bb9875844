import { createApiClient } from '@neondatabase/api-client';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { damagePostgres } from '../../sandbox/faults/postgres-damage.ts';
import type { recoverPostgresMetadata } from '../../workflows/recover-postgres-metadata.ts';
import { account, ChatLoad } from '../support/chat-load.ts';
import { EVERY_STEP } from '../support/every-step.ts';
import { approve, commit, QUEUE, running, Scenario, until } from '../support/scenario.ts';

let scenario: Scenario;

beforeAll(async () => {
  scenario = await Scenario.start({ neon: true });
  const talk = new ChatLoad(scenario.stack.urls.app);
  await talk.more(8);
  await talk.stop();
  await scenario.backUp();
}, 240_000);

afterAll(async () => {
  await scenario?.stop();
}, 60_000);

async function branches(): Promise<string[]> {
  const { NEON_API_KEY: apiKey = '', NEON_API_URL: baseURL = '', NEON_PROJECT_ID: projectId = '' } = scenario.stack.env;
  const { data } = await createApiClient({ apiKey, baseURL }).listProjectBranches({ projectId });
  return data.branches.map(({ name }) => name.replace(/-[0-9a-f]{8}-/, '-RUN-').replace(/^backup-.*/, 'backup')).sort();
}

const BEFORE_APPROVAL = EVERY_STEP ? ['assess', 'moment', 'rehearse'] : ['moment'];
const AFTER_APPROVAL = EVERY_STEP ? ['restore', 'carryOver', 'reconnect', 'trace'] : ['restore', 'reconnect'];

test('a worker that is killed in its steps finishes, and only what was preserved is left', async () => {
  const load = new ChatLoad(scenario.stack.urls.app);
  await load.more(6);
  await damagePostgres('delete-rows', { env: scenario.stack.env, control: scenario.stack });
  await load.more(4, 'ask');
  const recovery = await scenario.client.workflow.start<typeof recoverPostgresMetadata>('recoverPostgresMetadata', {
    taskQueue: QUEUE,
    workflowId: 'postgres/killed',
    args: [{}],
  });
  const killed: string[] = [];
  const killIn = async (steps: readonly string[]): Promise<void> => {
    for (const step of steps) {
      const { steps: seen } = await until(recovery, running(step));
      killed.push(`${step} ${seen.find(({ name }) => name === step)?.state}`);
      await scenario.stack.kill('worker');
      await scenario.stack.start('worker');
    }
  };
  await killIn(BEFORE_APPROVAL);
  await approve(recovery);
  await killIn(AFTER_APPROVAL);
  await commit(recovery);
  const report = await recovery.result();
  const entries = await load.stop();
  expect(report.gates.filter(({ verdict }) => verdict !== 'pass')).toEqual([]);
  expect(report).toMatchObject({ outcome: 'recovered', verdict: 'pass' });
  // Most steps were in the middle of their work.
  expect(killed.filter((one) => one.endsWith('running')).length).toBeGreaterThan(killed.length / 2);
  const found = await account(entries, scenario.stack.env['DATABASE_URL'] ?? '');
  expect(found.twice).toEqual([]);
  // A resolution of 100 ms: what was confirmed within it before the damage may be lost, and nothing else.
  expect(found.lost.length).toBeLessThanOrEqual(2);
  expect(await branches()).toEqual(['backup', 'main', 'recovery-RUN-before']);
}, 600_000);
