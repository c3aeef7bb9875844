import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import type { RecoveryActivities } from '../../activities/contract.ts';
import { withFailures } from '../../activities/fail.ts';
import type { Discovery } from '../../domain/discovery.ts';
import { RecoveryError } from '../../domain/failures.ts';
import type { Finding } from '../../domain/freshness.ts';
import { fakeStack } from '../support/fake-activities.ts';
import { temporaryFolder } from '../support/folder.ts';
import { historyOf } from '../support/histories.ts';
import { program, workflowBundle } from '../support/temporal.ts';
import { dr } from './terminal.ts';

const PROPOSAL = '// Proposed by looking.\nexport default {\n  qdrant: {},\n};\n';
const SEEN: Discovery = {
  seen: ['Qdrant'],
  leftOut: ['Postgres is left out: it does not answer'],
  hazards: [
    { name: 'volume-path', state: 'broken', message: 'compose.yml, q: no volume holds it', next: 'Mount one.' },
    { name: 'app-sleeps', state: 'warning', message: 'it sleeps', next: 'Wake it.' },
  ],
  guesses: { fields: { text: { name: 'content' } }, tables: {}, app: {} },
  proposal: PROPOSAL,
};

let server: TestWorkflowEnvironment;
beforeAll(async () => {
  const executable = { type: 'existing-path', path: program('temporal') } as const;
  server = await TestWorkflowEnvironment.createLocal({ server: { executable } });
});
afterAll(async () => {
  await server?.teardown();
});

async function withWorker(
  environment: string,
  discoverStack: RecoveryActivities['discoverStack'],
  talk: (env: NodeJS.ProcessEnv) => Promise<void>,
): Promise<void> {
  const worker = await Worker.create({
    connection: server.nativeConnection,
    taskQueue: `recovery-${environment}`,
    workflowBundle: await workflowBundle(),
    activities: withFailures({ ...fakeStack({}, environment).activities, discoverStack }),
  });
  const env = {
    DR_ENVIRONMENT: environment,
    TEMPORAL_ADDRESS: server.address,
    STORE_DIRECTORY: temporaryFolder('discover'),
  };
  await worker.runUntil(() => talk(env));
}

describe('dr discover', () => {
  test('prints what the worker proposes, and beside it what was left out', async () => {
    const asked: object[] = [];
    const look = async (input: object): Promise<Discovery> => {
      asked.push(input);
      return SEEN;
    };
    await withWorker('seen', look, async (env) => {
      const { code, out, err } = await dr(['discover'], { env });
      expect({ code, out }).toEqual({ code: 0, out: PROPOSAL });
      expect(err).toContain('Postgres is left out');
      const { out: json } = await dr(['discover', '--json'], { env });
      const { guesses, ...rest } = SEEN;
      expect(JSON.parse(json)).toEqual({ environment: 'seen', ...rest, ...guesses });
      expect(asked).toEqual([{ hazardsOnly: false }, { hazardsOnly: false }]);
      await historyOf(server.client.workflow.getHandle('discover-stack/seen'), 'stack-discovered');
    });
  });

  test('writes it into a file, and never over one', async () => {
    await withWorker(
      'kept',
      async () => SEEN,
      async (env) => {
        const file = join(temporaryFolder('discover'), 'recovery.config.mjs');
        const { code, out } = await dr(['discover', '--output', file, '--json'], { env });
        expect(code).toBe(0);
        expect(JSON.parse(out)).toMatchObject({ output: file, hazards: SEEN.hazards });
        expect(JSON.parse(out)).not.toHaveProperty('proposal');
        expect(readFileSync(file, 'utf8')).toBe(PROPOSAL);
        writeFileSync(file, 'mine');
        expect((await dr(['discover', '--output', file], { env })).code).toBe(2);
        expect(readFileSync(file, 'utf8')).toBe('mine');
      },
    );
  });

  test('says so where nothing answers, and where the worker refuses', async () => {
    const nothing = { ...SEEN, seen: [], hazards: [] };
    await withWorker(
      'gone',
      async () => nothing,
      async (env) => expect((await dr(['discover'], { env })).code).toBe(1),
    );
    const refuse = async (): Promise<Discovery> => {
      throw new RecoveryError('INVALID_CONFIGURATION', 'qdrant.url: is not one');
    };
    await withWorker('wrong', refuse, async (env) => {
      const { code, err } = await dr(['discover'], { env });
      expect(code).toBe(3);
      expect(err).toContain('qdrant.url: is not one');
    });
  });

  test('needs a worker, and takes no input that it does not know', async () => {
    await withWorker(
      'typo',
      async () => SEEN,
      async () => {
        const run = server.client.workflow.execute('discoverStack', {
          taskQueue: 'recovery-typo',
          workflowId: 'typo',
          args: [{ hazardOnly: true }],
        });
        await expect(run).rejects.toMatchObject({ cause: { type: 'INVALID_INPUT' } });
      },
    );
  });
});

describe('dr doctor', () => {
  const examined = async (env: NodeJS.ProcessEnv): Promise<Finding[]> => {
    // A worker is known once it has asked for work.
    for (const deadline = Date.now() + 20_000; ;) {
      const { findings } = JSON.parse((await dr(['doctor', '--json'], { env })).out) as { findings: Finding[] };
      if (findings.find(({ name }) => name === 'worker')?.state === 'ok') return findings;
      if (Date.now() > deadline) throw new Error('the worker was never seen');
    }
  };

  test('tells the hazards that the worker sees, without having it read the tables', async () => {
    const asked: object[] = [];
    const look = async (input: object): Promise<Discovery> => {
      asked.push(input);
      return SEEN;
    };
    await withWorker('hurting', look, async (env) => {
      const found = await examined(env);
      expect(found.filter(({ name }) => /^(?:stack|hazard)/.test(name))).toEqual([
        expect.objectContaining({ name: 'stack', state: 'warning', message: SEEN.leftOut[0] }),
        {
          name: 'hazard volume-path',
          state: 'broken',
          message: 'compose.yml, q: no volume holds it',
          next: 'Mount one.',
        },
        { name: 'hazard app-sleeps', state: 'warning', message: 'it sleeps', next: 'Wake it.' },
      ]);
      expect(asked[0]).toEqual({ hazardsOnly: true });
    });
  });

  test('takes a worker that cannot look for a warning: nothing of a recovery depends on it', async () => {
    const fail = async (): Promise<Discovery> => {
      throw new RecoveryError('INVALID_CONFIGURATION', 'cannot look');
    };
    await withWorker('blind', fail, async (env) => {
      expect((await examined(env)).find(({ name }) => name === 'hazards')).toMatchObject({
        state: 'warning',
        message: 'cannot look',
      });
    });
  });
});
