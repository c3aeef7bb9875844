import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import type { RecoveryActivities } from '../../activities/contract.ts';
import { withFailures } from '../../activities/fail.ts';
import type { ClusterProbe } from '../../domain/cluster-probe.ts';
import { RecoveryError } from '../../domain/failures.ts';
import type { RunReport, RunStatus } from '../../domain/report.ts';
import type { ClusterInput } from '../../domain/run-input.ts';
import type { ServerRef } from '../../domain/servers.ts';
import type { RunSettings } from '../../domain/settings.ts';
import {
  abortSignal,
  approveUpdate,
  commitUpdate,
  retryStepUpdate,
  rollBackUpdate,
  statusQuery,
} from '../../workflows/messages.ts';
import type { recoverQdrantCluster } from '../../workflows/recover-qdrant-cluster.ts';
import { damage, fakeStack, recoverySet, settings } from '../support/fake-activities.ts';
import { clusterSettings, GONE, probeWith } from '../support/fake-cluster.ts';
import { green } from '../support/fake-values.ts';
import { timeSkippingServer, workflowBundle } from '../support/temporal.ts';

type Handle = WorkflowHandleWithFirstExecutionRunId<typeof recoverQdrantCluster>;
let server: TestWorkflowEnvironment;

beforeAll(async () => {
  server = await timeSkippingServer();
});

afterAll(async () => {
  await server?.teardown();
});

const set = {
  ...recoverySet,
  qdrant: {
    ...recoverySet.qdrant,
    aliases: [{ alias: 'textbook-content', collection: 'textbook-content-v1' }],
    shape: { config: { params: { vectors: { size: 768, distance: 'Cosine' } } }, payloadSchema: {} },
  },
};

interface Scene {
  readonly input?: ClusterInput;
  readonly activities?: Partial<RecoveryActivities>;
  readonly cluster?: Partial<typeof clusterSettings>;
  readonly settings?: Partial<RunSettings>;
  /** What the looks find, one after the other; the last goes on. After the app was re-pointed all is well. */
  readonly probes?: readonly ClusterProbe[];
  /** Or by where they look. */
  readonly look?: (where: ServerRef | undefined) => ClusterProbe;
}

/** Every call with its input; `server` says where it was done. */
interface Call {
  readonly name: string;
  readonly input: Record<string, unknown> | undefined;
}

async function withRun<T>(scene: Scene, talk: (run: Handle, calls: Call[]) => Promise<T>): Promise<T> {
  const environment = `test-${randomUUID().slice(0, 8)}`;
  const cluster = { ...clusterSettings, ...scene.cluster };
  const calls: Call[] = [];
  let [looked, repointed, live] = [0, false, 'textbook-content-v1'];
  const probes = scene.probes ?? [GONE];
  const { activities } = fakeStack({
    openRun: async () => ({
      settings: { ...settings, environment, collection: 'textbook-content', cluster, ...scene.settings },
      initiator: { claimed: 'ann@host' },
    }),
    findLeaseHolder: async () => null,
    chooseRecoverySet: async () => ({ set: { ...set, environment }, why: 'the newest verified set' }),
    reconcileStack: async () => damage({}),
    resolveCollection: async () => ({ collection: live }),
    setAliases: async ({ aliases, collection }) => {
      live = collection;
      return { before: aliases.map((alias) => ({ alias, collection: 'textbook-content-v1' })) };
    },
    probeCluster: async () => {
      if (repointed || live !== 'textbook-content-v1') return probeWith();
      looked += 1;
      return probes[Math.min(looked, probes.length) - 1] ?? GONE;
    },
    repointApp: async ({ server: to }) => {
      repointed = to.kind !== 'primary';
      return { repointed: true, said: `it uses the ${to.kind}` };
    },
    ...scene.activities,
  });
  const recorded = Object.fromEntries(
    Object.entries(activities).map(([name, activity]) => [
      name,
      (input?: Record<string, unknown>) => {
        calls.push({ name, input });
        const { server: where, ...rest } = input ?? {};
        if (name === 'probeCluster' && scene.look) return Promise.resolve(scene.look(where as ServerRef | undefined));
        const asIs = input === undefined || name === 'repointApp' || name === 'recordLivePlace';
        return (activity as (input?: unknown) => Promise<unknown>)(asIs ? input : rest);
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
    const run = await server.client.workflow.start<typeof recoverQdrantCluster>('recoverQdrantCluster', {
      taskQueue: `recovery-${environment}`,
      workflowId: `qdrant-cluster/${randomUUID()}`,
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

async function until(run: Handle, wanted: (status: RunStatus) => boolean): Promise<RunStatus> {
  for (const deadline = Date.now() + 30_000; ; await pause(50)) {
    const seen = await run.query(statusQuery);
    if (wanted(seen)) return seen;
    if (Date.now() > deadline) throw new Error(`the run did not come to it: ${JSON.stringify(seen)}`);
  }
}

async function approve(run: Handle): Promise<void> {
  const { planHash = '' } = await until(run, ({ planHash }) => planHash !== undefined);
  await run.executeUpdate(approveUpdate, { args: [{ plan: planHash, approver: 'ann' }] });
}

async function complete(run: Handle): Promise<RunReport> {
  await approve(run);
  await until(run, ({ awaits }) => awaits === 'commit');
  await run.executeUpdate(commitUpdate, { args: [{ by: 'ann' }] });
  return run.result();
}

const STANDBY: ServerRef = { kind: 'standby' };
const WRITES = [
  'bringUpReplacement',
  'createCollection',
  'restoreInto',
  'reembedPoints',
  'dropPoints',
  'setAliases',
  'recordLivePlace',
  'repointApp',
  'revertAliases',
  'dropMade',
  'releaseReplacement',
];
const writesOf = (calls: readonly Call[]): string[] =>
  calls.filter(({ name }) => WRITES.includes(name)).map(({ name }) => name);

// First: the clock jumps only while nothing else of this server waits for anything.
describe('a run that waits', () => {
  test('nobody answers: people are told again and again until somebody does', async () => {
    const told: string[] = [];
    await withRun(
      {
        settings: { escalateMinutes: 10 },
        activities: { notify: async ({ event }) => void told.push(event) },
      },
      async (run) => {
        const report = await run.result().catch(() => undefined);
        expect(report?.outcome ?? 'expired').toBe('expired');
        expect(told.filter((event) => event === 'escalation')).toHaveLength(5);
      },
    );
  });

  test.each([
    ['is given up for the old one, when that is well', probeWith(), 'rolled-back'],
    ['is kept while the old one is no better: a person decides', GONE, 'recovered'],
  ])('in the commit window a new server that turns bad %s', async (_name, old, outcome) => {
    let [repointed, spoilt] = [false, false];
    await withRun(
      {
        activities: {
          repointApp: async ({ server: to }) => {
            repointed = to.kind === 'standby';
            return { repointed: true, said: '' };
          },
        },
        settings: { commitWindowMinutes: 5 },
        look: (where) => {
          if (where?.kind === 'primary') return old;
          if (!repointed) return GONE;
          return spoilt ? probeWith({ query: 'dummy-shard', app: 'unavailable' }) : probeWith();
        },
      },
      async (run) => {
        await approve(run);
        await until(run, ({ awaits }) => awaits === 'commit');
        spoilt = true;
        const report = await run.result();
        expect(report.outcome).toBe(outcome);
        if (outcome === 'rolled-back')
          expect(report.notes.join()).toMatch(/rolled back by itself: the new server .* 3 times/);
      },
    );
  });
});

describe('recovering a Qdrant cluster', () => {
  test('confirms, tells, restores beside, verifies, switches, and backs up', async () => {
    await withRun({}, async (run, calls) => {
      const report = await complete(run);
      expect(report).toMatchObject({ outcome: 'recovered', verdict: 'pass', scenario: 'qdrant-cluster' });
      expect(report.plan?.reason).toMatch(/^Qdrant is gone: nobody listens at its address/);
      expect(writesOf(calls)).toEqual([
        'bringUpReplacement',
        'createCollection',
        'createCollection',
        'restoreInto',
        'setAliases',
        'recordLivePlace',
        'repointApp',
      ]);
      expect(calls.find(({ name }) => name === 'recordLivePlace')?.input).toEqual({ epoch: 1, server: STANDBY });
      await until(run, ({ outcome }) => outcome !== undefined);
      const deadline = Date.now() + 20_000;
      while (!calls.some(({ name }) => name === 'planBackup') && Date.now() < deadline) await pause(50);
      expect(calls.map(({ name }) => name)).toContain('planBackup');
    });
  });

  test('everything before the switch is done on the replacement, and nothing of it on the live server', async () => {
    await withRun({}, async (run, calls) => {
      await complete(run);
      const there = ['createCollection', 'restoreInto', 'awaitOptimized', 'checkQueries', 'checkAccess', 'setAliases'];
      for (const { name, input } of calls.filter((call) => there.includes(call.name)))
        expect({ name, server: input?.['server'] }).toEqual({ name, server: STANDBY });
      const retrieval = calls.filter(({ name }) => name === 'checkRetrieval').map(({ input }) => input);
      expect(retrieval.map((input) => [input?.['server'], input?.['withoutApp']])).toEqual([
        [STANDBY, true],
        [undefined, undefined],
      ]);
    });
  });

  test('a blip is no failure: the gates prove that all is well, and nothing is written', async () => {
    await withRun({ probes: [GONE, GONE, probeWith()] }, async (run, calls) => {
      const report = await run.result();
      expect(report).toMatchObject({ outcome: 'nothing-to-do', verdict: 'pass' });
      expect(writesOf(calls)).toEqual([]);
      expect(calls.map(({ name }) => name)).not.toContain('publishMessage');
    });
  });

  test('a cluster that sleeps is woken, and not replaced', async () => {
    const asleep = { ...GONE, cloud: { phase: 'SUSPENDED' } };
    let woken = false;
    await withRun(
      {
        activities: {
          probeCluster: async () => (woken ? probeWith() : asleep),
          wakeCluster: async () => {
            woken = true;
            return { phase: 'HEALTHY' };
          },
        },
      },
      async (run, calls) => {
        const report = await run.result();
        expect(report).toMatchObject({ outcome: 'recovered', verdict: 'pass' });
        expect(writesOf(calls)).toEqual([]);
      },
    );
  });

  test.each([
    ['a lost key', probeWith({ key: 'denied', collection: 'denied', query: 'denied' }), /does not take our key/],
    ['too much load', probeWith({ query: 'busy' }), /too busy/],
    [
      'the network',
      { ...GONE, looks: GONE.looks.map((look) => (look.depth === 'app' ? { ...look, finding: 'ok' as const } : look)) },
      /it is the network/,
    ],
  ])(
    '%s asks for a hand, and is not replaced; when it is mended, nothing is to be done',
    async (_name, probe, words) => {
      let mended = false;
      await withRun(
        { activities: { probeCluster: async () => (mended ? probeWith() : probe) } },
        async (run, calls) => {
          const { awaiting } = await until(run, ({ awaits }) => awaits === 'operator');
          expect(awaiting).toMatch(words);
          expect(awaiting).toContain('replace: true');
          mended = true;
          await run.executeUpdate(retryStepUpdate, { args: [{ by: 'ann' }] });
          expect((await run.result()).outcome).toBe('nothing-to-do');
          expect(writesOf(calls)).toEqual([]);
        },
      );
    },
  );

  test('a lost key is replaced where that was asked for', async () => {
    const denied = probeWith({ key: 'denied', collection: 'denied', query: 'denied' });
    const report = await withRun({ probes: [denied], input: { replace: true } }, complete);
    expect(report).toMatchObject({ outcome: 'recovered', verdict: 'pass' });
  });

  test('the set is caught up with: newer texts are embedded, deleted ones left out, and the plan said so', async () => {
    const seen: string[] = [];
    let caughtUp = false;
    await withRun(
      {
        activities: {
          reconcileStack: async ({ as }) =>
            as === undefined && caughtUp ? damage({}) : damage({ unbacked: 3, orphan: 2 }, 0, 3, 2),
          reembedPoints: async ({ list }) => {
            seen.push(list.artifact.key);
            return { written: 3, newer: 0, unavailable: 0 };
          },
          dropPoints: async () => {
            caughtUp = true;
            return { written: 2, newer: 0 };
          },
        },
      },
      async (run) => {
        const report = await complete(run);
        expect(report.plan?.steps.map(({ what }) => what).join('\n')).toMatch(/embed 3 texts\nleave out 2 vectors/);
        expect(seen).toEqual(['reembed']);
        expect(report).toMatchObject({ verdict: 'pass', rpo: { chunksDamaged: 3, chunksLost: 0 } });
      },
    );
  });

  test('a model that has changed makes it a rebuild: no vector of the set is restored', async () => {
    const gate = {
      name: 'embedding space',
      verdict: 'fail' as const,
      expected: 'cosine 0.98',
      observed: 'least cosine 0.12',
    };
    await withRun(
      {
        activities: {
          checkEmbeddingSpace: async () => ({ gate, leastCosine: 0.12, looked: 32 }),
          reconcileStack: async ({ as }) => (as ? damage({ unbacked: 100 }, 0, 100) : damage({})),
          reembedPoints: async () => ({ written: 100, newer: 0, unavailable: 0 }),
        },
      },
      async (run, calls) => {
        const report = await complete(run);
        expect(report).toMatchObject({ outcome: 'recovered', verdict: 'pass' });
        expect(report.plan?.steps.find(({ step }) => step === 'rebuild')?.why).toContain('least cosine 0.12');
        expect(writesOf(calls)).not.toContain('restoreInto');
        expect(calls.find(({ name }) => name === 'reconcileStack')?.input).toMatchObject({ as: 'nothing' });
        // Neither its vectors nor what they found is anything to compare with.
        for (const { input } of calls.filter(({ name }) => name === 'reconcileStack' || name === 'checkRetrieval'))
          expect(input?.['set']).toBeUndefined();
      },
    );
  });

  test('without any set everything is rebuilt, and the verdict does not claim that the configuration is proven', async () => {
    await withRun(
      {
        activities: {
          chooseRecoverySet: async () => {
            throw new RecoveryError('NO_RECOVERY_SET', 'the store holds no recovery set');
          },
          reembedPoints: async () => ({ written: 100, newer: 0, unavailable: 0 }),
        },
      },
      async (run) => {
        await approve(run);
        const { awaiting } = await until(run, ({ awaits }) => awaits === 'operator');
        expect(awaiting).toContain('no recovery set says what they were');
        await run.signal(abortSignal, { by: 'ann' });
        expect((await run.result()).outcome).toBe('aborted');
      },
    );
  });

  test('without a set and without rows the source text is embedded, chunk by chunk', async () => {
    const embedded: unknown[] = [];
    await withRun(
      {
        settings: { hasRows: false },
        activities: {
          chooseRecoverySet: async () => {
            throw new RecoveryError('NO_RECOVERY_SET', 'the store holds no recovery set');
          },
          embedContent: async ({ list, collection, from }) => {
            embedded.push([list.count, collection, from]);
            return { written: 20 };
          },
        },
      },
      async (run, calls) => {
        await approve(run);
        const { plan } = await until(run, ({ awaits }) => awaits === 'operator');
        expect(plan?.steps.find(({ step }) => step === 'rebuild')?.what).toContain('embed 20 texts');
        expect(plan?.basis).toHaveProperty('content');
        expect(embedded).toEqual([[20, 'textbook-content', undefined]]);
        expect(calls.map(({ name }) => name)).toContain('checkContent');
        expect(calls.map(({ name }) => name)).not.toContain('reconcileStack');
        await run.signal(abortSignal, { by: 'ann' });
        expect((await run.result()).outcome).toBe('aborted');
      },
    );
  });

  test('without set, rows and source text it is refused, and says what is missing', async () => {
    await withRun(
      {
        settings: { hasRows: false },
        activities: {
          chooseRecoverySet: async () => {
            throw new RecoveryError('NO_RECOVERY_SET', 'the store holds no recovery set');
          },
          listContent: async () => {
            throw new RecoveryError('INVALID_CONFIGURATION', 'content: is not configured');
          },
        },
      },
      async (run, calls) => {
        await expect(run.result()).rejects.toMatchObject({
          cause: { type: 'NO_RECOVERY_SET', message: expect.stringContaining('content: is not configured') },
        });
        expect(writesOf(calls)).toEqual([]);
      },
    );
  });

  test('a replacement that does not fit is refused before the first write', async () => {
    const red = { ...green('version'), verdict: 'fail' as const, expected: '1.18 or 1.19', observed: '1.17.0' };
    await withRun(
      {
        activities: {
          surveyReplacement: async () => ({ server: STANDBY, what: 'the standby', gates: [red], unknown: [] }),
        },
      },
      async (run, calls) => {
        await expect(run.result()).rejects.toMatchObject({ cause: { type: 'REPLACEMENT_UNFIT' } });
        expect(writesOf(calls)).toEqual([]);
      },
    );
  });

  test('beside, on the same server: a name of its own, the alias repointed, and the app left alone', async () => {
    const broken = probeWith({ collection: 'dummy-shard', query: 'dummy-shard' });
    await withRun(
      {
        cluster: { replacement: 'none' },
        probes: [broken],
      },
      async (run, calls) => {
        await approve(run);
        await until(run, ({ awaits }) => awaits === 'commit');
        await run.executeUpdate(rollBackUpdate, { args: [{ by: 'ann' }] });
        expect((await run.result()).outcome).toBe('rolled-back');
        const created = calls.find(({ name }) => name === 'createCollection')?.input;
        expect(created).toMatchObject({ collection: expect.stringMatching(/^textbook-content-v1-r[0-9a-f]{8}$/) });
        expect(created).not.toHaveProperty('server');
        expect(writesOf(calls)).toEqual([
          'createCollection',
          'createCollection',
          'restoreInto',
          'setAliases',
          'revertAliases',
          'dropMade',
        ]);
        expect(calls.find(({ name }) => name === 'revertAliases')?.input).toEqual({
          before: [{ alias: 'textbook-content', collection: 'textbook-content-v1' }],
        });
      },
    );
  });

  test('a roll back points the app back, records the old server, and takes the replacement away', async () => {
    const calls = await withRun({}, async (run, all) => {
      await approve(run);
      await until(run, ({ awaits }) => awaits === 'commit');
      const before = all.length;
      await run.executeUpdate(rollBackUpdate, { args: [{ by: 'ann' }] });
      const report = await run.result();
      expect(report.outcome).toBe('rolled-back');
      expect(report.undo.map(({ outcome }) => outcome)).not.toContain('failed');
      return all.slice(before);
    });
    expect(writesOf(calls)).toEqual(['repointApp', 'revertAliases', 'dropMade', 'releaseReplacement']);
  });

  test('before the app was told, undo tells it nothing, and records the old server again', async () => {
    let epoch = 0;
    let live: ServerRef = { kind: 'primary' };
    await withRun(
      {
        activities: {
          readLivePlace: async () => ({ epoch, server: live, url: 'http://there' }),
          recordLivePlace: async (place) => {
            ({ epoch, server: live } = place);
            // Done, and the answer is lost.
            if (epoch === 1) throw new RecoveryError('APP_REFUSED', 'something stops the switch after the record');
            return { version: 1, ...place, since: '2026-01-02T00:00:00.000Z', workflowId: 'w', runId: 'r' };
          },
        },
      },
      async (run, calls) => {
        await approve(run);
        await until(run, ({ awaits }) => awaits === 'operator');
        await run.signal(abortSignal, { by: 'ann' });
        await run.result();
        expect(writesOf(calls)).not.toContain('repointApp');
        expect(writesOf(calls).slice(-4)).toEqual([
          'recordLivePlace',
          'revertAliases',
          'dropMade',
          'releaseReplacement',
        ]);
        expect({ epoch, live }).toEqual({ epoch: 2, live: { kind: 'primary' } });
      },
    );
  });

  test('what the app may still use is kept when the app cannot be pointed back', async () => {
    await withRun(
      {
        activities: {
          repointApp: async ({ server: to }) => {
            if (to.kind === 'primary') throw new RecoveryError('APP_REFUSED', 'the old server does not answer');
            return { repointed: true, said: '' };
          },
          probeCluster: async () => GONE,
        },
      },
      async (run, calls) => {
        await approve(run);
        await until(run, ({ awaits }) => awaits === 'operator');
        await run.signal(abortSignal, { by: 'ann' });
        const report = await run.result();
        expect(report.undo.find(({ title }) => title.startsWith('release'))?.outcome).toBe('failed');
        expect(writesOf(calls)).not.toContain('dropMade');
        expect(writesOf(calls)).not.toContain('releaseReplacement');
      },
    );
  });
});
