import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { RecoveryActivities } from '../../activities/contract.ts';
import type { AppLoad } from '../../domain/app-load.ts';
import type { AppProbe } from '../../domain/app-probe.ts';
import { RecoveryError } from '../../domain/failures.ts';
import type { RunStatus } from '../../domain/report.ts';
import type { AppServerInput } from '../../domain/run-input.ts';
import {
  abortSignal,
  approveUpdate,
  commitUpdate,
  retryStepUpdate,
  rollBackUpdate,
  skipStepUpdate,
  statusQuery,
} from '../../workflows/messages.ts';
import type { recoverAppServer } from '../../workflows/recover-app-server.ts';
import { fakeStack, settings } from '../support/fake-activities.ts';
import { appProbe, appServerSettings } from '../support/fake-app.ts';
import { timeSkippingServer } from '../support/temporal.ts';
import { type Call, recorded, runWorkflow } from '../support/workflow-run.ts';

type Handle = WorkflowHandleWithFirstExecutionRunId<typeof recoverAppServer>;
let server: TestWorkflowEnvironment;

beforeAll(async () => {
  server = await timeSkippingServer();
});

afterAll(async () => {
  await server?.teardown();
});

interface Scene {
  readonly input?: AppServerInput;
  readonly activities?: Partial<RecoveryActivities>;
}

function withRun<T>(scene: Scene, talk: (run: Handle, calls: Call[]) => Promise<T>): Promise<T> {
  const environment = `test-${randomUUID().slice(0, 8)}`;
  const calls: Call[] = [];
  const { activities } = fakeStack({
    openRun: async () => ({
      settings: { ...settings, environment, appServers: appServerSettings },
      initiator: { claimed: 'ann@host' },
    }),
    findLeaseHolder: async () => null,
    ...scene.activities,
  });
  const start = { server, environment, activities: recorded(activities, calls), type: 'recoverAppServer' };
  return runWorkflow<typeof recoverAppServer, T>({ ...start, input: scene.input ?? {} }, (run) => talk(run, calls));
}

async function until(run: Handle, wanted: (status: RunStatus) => boolean): Promise<RunStatus> {
  let last: RunStatus | undefined;
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; await pause(20)) {
    last = (await run.query(statusQuery).catch(() => undefined)) ?? last;
    if (last && wanted(last)) return last;
  }
  throw new Error(`the run did not come to it; it awaits ${last?.awaiting}`);
}

async function approve(run: Handle): Promise<RunStatus> {
  const status = await until(run, ({ planHash }) => planHash !== undefined);
  await run.executeUpdate(approveUpdate, { args: [{ plan: status.planHash ?? '', approver: 'ann' }] });
  return status;
}

async function commit(run: Handle): Promise<void> {
  await until(run, ({ awaits }) => awaits === 'commit');
  await run.executeUpdate(commitUpdate, { args: [{ by: 'ann' }] });
}

const WRITES = /^(deployApp|stopApp|pointTraffic|fenceApp|recordRelease)$/;
const writes = (calls: readonly Call[]): string[] =>
  calls
    .filter(({ name }) => WRITES.test(name))
    .map(({ name, input }) => `${name} ${typeof input?.['name'] === 'string' ? input['name'] : ''}`.trim());

const load = (failed: number): AppLoad => ({ at: '2026-01-01T00:00:00Z', requests: 5, failed, p95: 20, said: '500' });
const erring = (name: string): AppProbe =>
  appProbe(name, { depth: 'question', finding: 'error', said: '/ask: 500', milliseconds: 5 });

/** Three rounds that agreed it had failed; whoever looks later finds it well. */
function wellAgain(): Pick<RecoveryActivities, 'probeApp'> {
  let asked = 0;
  return {
    probeApp: async ({ name }) => {
      asked += 1;
      return asked <= 3 ? erring(name) : appProbe(name);
    },
  };
}

describe('an app server that has failed', () => {
  test('is replaced: deployed and verified beside, traffic sent, watched, and the old one stopped after the commit', async () => {
    await withRun({}, async (run, calls) => {
      const { plan } = await approve(run);
      expect(plan).toMatchObject({
        reason: expect.stringMatching(/primary is gone.*seen 3 times/),
        target: 'backup (http://127.0.0.1:8001)',
        basis: { from: 'primary', to: 'backup', release: `v1@${'a'.repeat(40)}` },
      });
      await until(run, ({ awaits }) => awaits === 'commit');
      expect(writes(calls)).toEqual(['deployApp backup', 'pointTraffic backup']);
      await commit(run);
      const report = await run.result();
      expect(report).toMatchObject({ outcome: 'recovered', verdict: 'pass' });
      expect(writes(calls).slice(-2)).toEqual(['recordRelease', 'fenceApp primary']);
      expect(report.steps.map(({ state }) => state)).not.toContain('pending');
    });
  });

  test('that answers as it should is left alone: the gates prove it', async () => {
    await withRun({ activities: { probeApp: async ({ name }) => appProbe(name) } }, async (run, calls) => {
      expect(await run.result()).toMatchObject({ outcome: 'nothing-to-do', verdict: 'pass' });
      expect(writes(calls)).toEqual([]);
    });
  });

  test('that answers as it should is moved when somebody says so: failing back', async () => {
    let live = '127.0.0.1:8001';
    const activities: Partial<RecoveryActivities> = {
      probeApp: async ({ name }) => appProbe(name),
      readTraffic: async () => ({ what: 'the router', state: { targets: [live], revision: null } }),
      pointTraffic: async () => {
        live = '127.0.0.1:8000';
        return { switched: true, state: { targets: [live], revision: null } };
      },
    };
    await withRun({ activities, input: { move: true, commitWindowMinutes: 0 } }, async (run, calls) => {
      const { plan } = await approve(run);
      expect(plan?.basis).toMatchObject({ from: 'backup', to: 'primary' });
      expect(await run.result()).toMatchObject({ outcome: 'recovered' });
      expect(writes(calls)).toEqual(['deployApp primary', 'pointTraffic primary', 'recordRelease', 'fenceApp backup']);
    });
  });

  test('for what all servers stand on is not moved: it asks for a hand, and when that is mended there is nothing to do', async () => {
    let down = true;
    const probeApp = async ({ name }: { name: string }): Promise<AppProbe> => ({
      ...appProbe(name),
      dependencies: [{ name: 'the embedding API', ok: !down, said: 'ECONNREFUSED' }],
    });
    await withRun({ activities: { probeApp } }, async (run, calls) => {
      const { awaiting } = await until(run, ({ awaits }) => awaits === 'operator');
      expect(awaiting).toContain('the embedding API: ECONNREFUSED');
      down = false;
      await run.executeUpdate(retryStepUpdate, { args: [{}] });
      expect(await run.result()).toMatchObject({ outcome: 'nothing-to-do' });
      expect(writes(calls)).toEqual([]);
    });
  });

  test('by its release gets an older one that has passed its gates', async () => {
    const candidates = [
      { ref: 'v3', pinned: 'c'.repeat(40), proven: 'it was live when set-2 was taken' },
      { ref: 'v2', pinned: 'b'.repeat(40), proven: null },
      { ref: 'v1', pinned: 'a'.repeat(40), proven: 'it has passed the gates of a run' },
    ];
    const activities = {
      probeApp: async ({ name }: { name: string }) => (name === 'primary' ? erring(name) : appProbe(name)),
      listReleases: async () => ({ candidates, live: 'c'.repeat(40) }),
    };
    await withRun({ activities }, async (run, calls) => {
      const { plan } = await approve(run);
      expect(plan?.steps[0]?.why).toMatch(/v3 is passed over/);
      await commit(run);
      await run.result();
      expect(calls.find(({ name }) => name === 'deployApp')?.input).toMatchObject({ release: { ref: 'v1' } });
    });
  });

  test('by its only release is not replaced by the same: the run is refused before anything is written', async () => {
    const activities = {
      probeApp: async ({ name }: { name: string }) => erring(name),
      listReleases: async () => ({ candidates: [{ ref: 'v1', pinned: 'a', proven: null }], live: 'a' }),
    };
    await withRun({ activities }, async (run, calls) => {
      await expect(run.result()).rejects.toMatchObject({ cause: { type: 'NO_RELEASE' } });
      expect(writes(calls)).toEqual([]);
    });
  });
});

describe('the server that takes over', () => {
  test('gets no reader while a gate is red, and is stopped when the run is aborted', async () => {
    const red = {
      name: 'CORS',
      verdict: 'fail',
      expected: 'the pages may ask',
      observed: '204, allows no origin',
    } as const;
    await withRun({ activities: { checkAppSecurity: async () => [red] } }, async (run, calls) => {
      await approve(run);
      const { awaiting } = await until(run, ({ awaits }) => awaits === 'operator');
      expect(awaiting).toContain('CORS');
      await run.signal(abortSignal, { by: 'ann' });
      await expect(run.result()).resolves.toMatchObject({ outcome: 'aborted' });
      expect(writes(calls)).toEqual(['deployApp backup', 'stopApp backup']);
    });
  });

  test('that ran before is left running when the run is taken back', async () => {
    const activities = {
      ...wellAgain(),
      findApp: async () => ({ state: 'running', release: 'a'.repeat(40), id: 'x' }) as const,
    };
    await withRun({ activities }, async (run, calls) => {
      await approve(run);
      await until(run, ({ awaits }) => awaits === 'commit');
      await run.executeUpdate(rollBackUpdate, { args: [{ by: 'ann' }] });
      expect(await run.result()).toMatchObject({ outcome: 'rolled-back' });
      expect(writes(calls)).toEqual(['deployApp backup', 'pointTraffic backup', 'pointTraffic primary']);
    });
  });

  test('is given up by itself when its answers go bad and the one before is well again', async () => {
    const activities = { ...wellAgain(), watchApp: async () => load(5) };
    await withRun({ activities }, async (run, calls) => {
      await approve(run);
      const report = await run.result();
      expect(report).toMatchObject({ outcome: 'rolled-back' });
      expect(report.notes.join()).toMatch(/by itself: backup: 3 looks in a row: 5 of 5 requests failed \(500\)/);
      expect(writes(calls).slice(-2)).toEqual(['pointTraffic primary', 'stopApp backup']);
    });
  });

  test('is kept while the one before is no better: people are told, the clock commits nothing, and it is no success', async () => {
    const activities = { watchApp: async () => load(5) };
    await withRun({ activities, input: { commitWindowMinutes: 0.02 } }, async (run, calls) => {
      await approve(run);
      const looked = (): number => calls.filter(({ name }) => name === 'watchApp').length;
      const result = run.result();
      for (const deadline = Date.now() + 20_000; looked() < 8 && Date.now() < deadline;) await pause(20);
      await run.executeUpdate(commitUpdate, { args: [{ by: 'ann' }] });
      const report = await result;
      expect(report).toMatchObject({ outcome: 'recovered', verdict: 'fail' });
      expect(report.gates.find(({ name }) => name === 'readers')?.verdict).toBe('fail');
      expect(report.notes.join()).toContain('primary is no better, so nothing is put back');
      expect(report.notes.join()).toContain('v1 is not kept as proven');
      expect(calls.filter(({ input }) => input?.['event'] === 'app-still-bad')).toHaveLength(1);
      expect(writes(calls)).not.toContain('recordRelease');
    });
  });

  test('that cannot be looked at is left alone, and people are told', async () => {
    let looks = 0;
    const activities: Partial<RecoveryActivities> = {
      watchApp: async () => {
        looks += 1;
        if (looks < 3) throw new RecoveryError('STORE_UNREACHABLE', 'the store is away');
        return load(0);
      },
    };
    await withRun({ activities, input: { commitWindowMinutes: 0.03 } }, async (run, calls) => {
      await approve(run);
      const report = await run.result();
      expect(report).toMatchObject({ outcome: 'recovered', verdict: 'pass' });
      expect(report.notes.join()).toContain('could not be looked at: the store is away');
      expect(writes(calls)).not.toContain('pointTraffic primary');
    });
  });

  test('keeps its readers when the run is taken back to a server that has failed', async () => {
    await withRun({}, async (run, calls) => {
      await approve(run);
      await until(run, ({ awaits }) => awaits === 'commit');
      await run.executeUpdate(rollBackUpdate, { args: [{ by: 'ann' }] });
      const { undo } = await run.result();
      expect(undo.map(({ outcome }) => outcome)).toEqual(['failed', 'failed']);
      expect(undo[0]?.message).toContain('primary is not well');
      expect(writes(calls)).toEqual(['deployApp backup', 'pointTraffic backup']);
    });
  });
});

describe('a router', () => {
  test('that somebody else has changed is left as it is', async () => {
    let elsewhere = false;
    const changed = new RecoveryError('TRAFFIC_CHANGED', 'the router sends the traffic to 127.0.0.1:9999');
    const activities: Partial<RecoveryActivities> = {
      readTraffic: async () => ({
        what: 'the router',
        state: { targets: [elsewhere ? '127.0.0.1:9999' : '127.0.0.1:8000'], revision: null },
      }),
      pointTraffic: async () => {
        elsewhere = true;
        throw changed;
      },
    };
    await withRun({ activities }, async (run, calls) => {
      await approve(run);
      const { awaiting } = await until(run, ({ awaits }) => awaits === 'operator');
      expect(awaiting).toContain('127.0.0.1:9999');
      await run.signal(abortSignal, { by: 'ann' });
      await run.result();
      expect(writes(calls)).toEqual(['deployApp backup', 'pointTraffic backup', 'stopApp backup']);
    });
  });

  test('that is restarted in the middle is waited for', async () => {
    let [tries, live] = [0, '127.0.0.1:8000'];
    const activities: Partial<RecoveryActivities> = {
      readTraffic: async () => ({ what: 'the router', state: { targets: [live], revision: null } }),
      pointTraffic: async () => {
        tries += 1;
        if (tries < 3) throw new RecoveryError('TRAFFIC_UNREACHABLE', 'the router: ECONNREFUSED');
        live = '127.0.0.1:8001';
        return { switched: true, state: { targets: [live], revision: null } };
      },
    };
    await withRun({ activities }, async (run) => {
      await approve(run);
      await commit(run);
      expect(await run.result()).toMatchObject({ outcome: 'recovered', verdict: 'pass' });
      expect(tries).toBe(3);
    });
  });

  test('that sends the traffic to a server nobody knows is a question for people', async () => {
    const state = { targets: ['10.0.0.7:80'], revision: null };
    await withRun({ activities: { readTraffic: async () => ({ what: 'the router', state }) } }, async (run) => {
      const { awaiting } = await until(run, ({ awaits }) => awaits === 'operator');
      expect(awaiting).toMatch(/10\.0\.0\.7:80; appServers\.servers knows primary \(127\.0\.0\.1:8000\)/);
      await run.signal(abortSignal, {});
      await run.result();
    });
  });
});

describe('a server with readers', () => {
  test('is not stopped by an undo that could not send them back', async () => {
    let live = '127.0.0.1:8000';
    const activities: Partial<RecoveryActivities> = {
      ...wellAgain(),
      readTraffic: async () => ({ what: 'the router', state: { targets: [live], revision: null } }),
      pointTraffic: async ({ name }) => {
        if (name === 'primary') throw new RecoveryError('TRAFFIC_REFUSED', 'the router: 403');
        live = '127.0.0.1:8001';
        return { switched: true, state: { targets: [live], revision: null } };
      },
    };
    await withRun({ activities }, async (run, calls) => {
      await approve(run);
      await until(run, ({ awaits }) => awaits === 'commit');
      await run.executeUpdate(rollBackUpdate, { args: [{ by: 'ann' }] });
      const report = await run.result();
      expect(report.undo.map(({ outcome }) => outcome)).toEqual(['failed', 'failed']);
      expect(report.undo[1]?.message).toContain('sends the traffic to backup');
      expect(writes(calls)).not.toContain('stopApp backup');
    });
  });

  test('is not deployed to, when somebody has sent the traffic there since the plan', async () => {
    let live = '127.0.0.1:8000';
    const readTraffic = async () => ({ what: 'the router', state: { targets: [live], revision: null } });
    await withRun({ activities: { readTraffic } }, async (run, calls) => {
      await until(run, ({ planHash }) => planHash !== undefined);
      live = '127.0.0.1:8001';
      await approve(run);
      const { awaiting } = await until(run, ({ awaits }) => awaits === 'operator');
      expect(awaiting).toContain('it is not touched');
      await run.signal(abortSignal, { by: 'ann' });
      await run.result();
      expect(writes(calls)).toEqual([]);
    });
  });

  test('is not fenced, when somebody has sent the traffic back to it in the window', async () => {
    let live = '127.0.0.1:8000';
    const activities: Partial<RecoveryActivities> = {
      readTraffic: async () => ({ what: 'the router', state: { targets: [live], revision: null } }),
      pointTraffic: async () => {
        live = '127.0.0.1:8001';
        return { switched: true, state: { targets: [live], revision: null } };
      },
    };
    await withRun({ activities }, async (run, calls) => {
      await approve(run);
      await until(run, ({ awaits }) => awaits === 'commit');
      live = '127.0.0.1:8000';
      await commit(run);
      await until(run, ({ awaits }) => awaits === 'operator');
      expect(writes(calls)).not.toContain('fenceApp primary');
      await run.executeUpdate(skipStepUpdate, { args: [{ by: 'ann', reason: 'it serves again' }] });
      expect(await run.result()).toMatchObject({ outcome: 'recovered', verdict: 'unproven' });
    });
  });
});

describe('after the commit', () => {
  test('a server that still takes writes is put before a person, who may say that it is off', async () => {
    const red = { name: 'stale write', verdict: 'fail', expected: 'nobody', observed: '201: it was accepted' } as const;
    await withRun({ activities: { fenceApp: async () => [red] } }, async (run) => {
      await approve(run);
      await commit(run);
      await until(run, ({ awaits }) => awaits === 'operator');
      await run.executeUpdate(skipStepUpdate, { args: [{ by: 'ann', reason: 'the machine is unplugged' }] });
      expect(await run.result()).toMatchObject({ outcome: 'recovered', verdict: 'fail' });
    });
  });
});

describe('an input', () => {
  test.each([
    [{ to: 'third' }, /to: there is no server third; there are backup/],
    [{ to: 'primary' }, /to: primary is where the traffic goes already/],
    [{ release: '' }, /release/],
    [{ release: '--upload-pack=x' }, /release: must be a tag/],
    [{ move: 'yes' }, /move/],
    [{ server: 'backup' }, /server: Unrecognized key/],
    [{ commitWindowMinutes: -1 }, /commitWindowMinutes/],
  ])('of %j is refused by name, before anything is looked at twice', async (input, words) => {
    await withRun({ input: input as AppServerInput }, async (run, calls) => {
      await expect(run.result()).rejects.toMatchObject({
        cause: { type: 'INVALID_INPUT', message: expect.stringMatching(words) },
      });
      expect(calls.filter(({ name }) => name === 'probeApp')).toEqual([]);
      expect(writes(calls)).toEqual([]);
    });
  });
});
