import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import type { RecoveryActivities } from '../../activities/contract.ts';
import { withFailures } from '../../activities/fail.ts';
import { RecoveryError } from '../../domain/failures.ts';
import type { ReindexInput } from '../../domain/run-input.ts';
import type { RunSettings } from '../../domain/settings.ts';
import { abortSignal, rollBackUpdate } from '../../workflows/messages.ts';
import type { reindexContent } from '../../workflows/reindex-content.ts';
import { damage, fakeStack, settings } from '../support/fake-activities.ts';
import { green } from '../support/fake-values.ts';
import { approve, commit, until } from '../support/scenario.ts';
import { timeSkippingServer, workflowBundle } from '../support/temporal.ts';

type Handle = WorkflowHandleWithFirstExecutionRunId<typeof reindexContent>;
let server: TestWorkflowEnvironment;

beforeAll(async () => {
  server = await timeSkippingServer();
});
afterAll(async () => {
  await server?.teardown();
});

interface Scene {
  readonly input?: ReindexInput;
  readonly activities?: Partial<RecoveryActivities>;
  readonly settings?: Partial<RunSettings>;
}

const WRITES = /^(create|copy|embed|finish|align|set|revert|drop|remove|reembed)/;

async function withRun<T>(scene: Scene, talk: (run: Handle, calls: string[]) => Promise<T>): Promise<T> {
  const environment = `test-${randomUUID().slice(0, 8)}`;
  let live = 'textbook-content-v1';
  const calls: string[] = [];
  const { activities } = fakeStack({
    openRun: async () => ({
      settings: { ...settings, environment, collectionName: 'textbook-content', collection: live, ...scene.settings },
      initiator: { claimed: 'ann@host' },
    }),
    findLeaseHolder: async () => null,
    reconcileStack: async () => damage({}),
    resolveCollection: async () => ({ collection: live }),
    setAliases: async ({ aliases, collection }) => {
      live = collection;
      return { before: aliases.map((alias) => ({ alias, collection: 'textbook-content-v1' })) };
    },
    revertAliases: async () => {
      live = 'textbook-content-v1';
    },
    ...scene.activities,
  });
  const recorded = Object.fromEntries(
    Object.entries(activities).map(([name, activity]) => [
      name,
      (input?: unknown) => {
        calls.push(name);
        return (activity as (input?: unknown) => Promise<unknown>)(input);
      },
    ]),
  ) as unknown as RecoveryActivities;
  const worker = await Worker.create({
    connection: server.nativeConnection,
    taskQueue: `recovery-${environment}`,
    workflowBundle: await workflowBundle(),
    activities: withFailures(recorded),
  });
  return worker.runUntil(async () => {
    const run = await server.client.workflow.start<typeof reindexContent>('reindexContent', {
      taskQueue: `recovery-${environment}`,
      workflowId: `reindex/${randomUUID()}`,
      args: [scene.input ?? {}],
    });
    try {
      return await talk(run, calls);
    } finally {
      // What goes on without a worker has timeouts, and the clock would stop at every one of them.
      const after = server.client.workflow.getHandle(`backup-after/${run.firstExecutionRunId}`);
      await after.result().catch(() => undefined);
    }
  });
}

const writesOf = (calls: readonly string[]): string[] => calls.filter((name) => WRITES.test(name));

describe('reindexing', () => {
  test('goes from the list to the alias, rows just before it, and takes gone rows away after the commit alone', async () => {
    await withRun({}, async (run, calls) => {
      await approve(run);
      await until(run, ({ awaits }) => awaits === 'commit');
      expect(calls).not.toContain('removeGoneRows');
      await commit(run);
      const report = await run.result();
      expect(report).toMatchObject({ outcome: 'recovered', verdict: 'pass' });
      expect(writesOf(calls)).toEqual([
        'createCollection',
        'copyPoints',
        'embedContent',
        'finishCollection',
        'alignRows',
        'setAliases',
        'removeGoneRows',
      ]);
      expect(report.plan?.steps.at(-1)?.step).toBe('backup');
      expect(report.plan?.loss).toContain('1 chunks that the source has no more');
    });
  });

  test('rolls back aliases before rows before the collection', async () => {
    await withRun({}, async (run, calls) => {
      await approve(run);
      await until(run, ({ awaits }) => awaits === 'commit');
      await run.executeUpdate(rollBackUpdate, { args: [{ by: 'ann' }] });
      expect(await run.result()).toMatchObject({ outcome: 'rolled-back' });
      expect(writesOf(calls).slice(-3)).toEqual(['revertAliases', 'revertRows', 'dropMade']);
    });
  });

  test('keeps the fresh collection when the aliases cannot be put back, since the app may use it', async () => {
    const revertAliases = async (): Promise<void> => {
      throw new RecoveryError('QDRANT_REFUSED', 'Qdrant: no');
    };
    await withRun({ activities: { revertAliases } }, async (run, calls) => {
      await approve(run);
      await until(run, ({ awaits }) => awaits === 'commit');
      await run.executeUpdate(rollBackUpdate, { args: [{ by: 'ann' }] });
      const report = await run.result();
      expect(calls).not.toContain('dropMade');
      expect(JSON.stringify(report.undo)).toContain('is kept');
    });
  });

  test('a red gate keeps the alias where it is', async () => {
    const red = { ...green('content'), verdict: 'fail' as const, observed: '3 chunks absent' };
    await withRun({ activities: { checkContent: async () => [red] } }, async (run, calls) => {
      await approve(run);
      const { awaiting } = await until(run, ({ awaits }) => awaits === 'operator');
      expect(awaiting).toContain('3 chunks absent');
      await run.signal(abortSignal, { by: 'ann' });
      await run.result().catch(() => undefined);
      expect(calls).not.toContain('setAliases');
      expect(calls).not.toContain('alignRows');
      expect(calls.at(-1) === 'notify' || calls.includes('dropMade')).toBe(true);
    });
  });

  test.each<[string, Scene, string, RegExp]>([
    [
      'the app uses the collection’s own name',
      { settings: { collection: 'textbook-content' } },
      'REPLACEMENT_UNFIT',
      /alias/,
    ],
    [
      'sections that the source does not have',
      {
        activities: {
          listContent: async () => ({
            list: { artifact: { key: 'x', sha256: 'a'.repeat(64), bytes: 1 }, count: 0 },
            files: 0,
            sections: 0,
            characters: 0,
            unknown: ['z.md'],
          }),
        },
      },
      'INVALID_INPUT',
      /z\.md/,
    ],
    [
      'sections and onlySource at once',
      { input: { sections: ['a.md'], onlySource: true } },
      'INVALID_INPUT',
      /onlySource/,
    ],
    ['keepGone and onlySource at once', { input: { keepGone: true, onlySource: true } }, 'INVALID_INPUT', /onlySource/],
  ])('is refused before the first write: %s', async (_what, scene, code, message) => {
    await withRun(scene, async (run, calls) => {
      await expect(run.result()).rejects.toMatchObject({
        cause: { type: code, message: expect.stringMatching(message) },
      });
      expect(writesOf(calls)).toEqual([]);
    });
  });
});
