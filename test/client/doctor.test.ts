import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { createArtifactStore } from '../../activities/store/index.ts';
import { withFailures } from '../../activities/fail.ts';
import type { Finding } from '../../domain/freshness.ts';
import { scheduleIdOf } from '../../domain/names.ts';
import { fakeStack } from '../support/fake-activities.ts';
import { temporaryFolder } from '../support/folder.ts';
import { makeSet, putManifest, putText, putVerification } from '../support/recovery-set.ts';
import { program, workflowBundle } from '../support/temporal.ts';
import { dr } from './terminal.ts';

let server: TestWorkflowEnvironment;

beforeAll(async () => {
  const executable = { type: 'existing-path', path: program('temporal') } as const;
  server = await TestWorkflowEnvironment.createLocal({ server: { executable } });
});

afterAll(async () => {
  await server?.teardown();
});

async function storeWith(hoursOld: number, environment: string): Promise<string> {
  const directory = temporaryFolder('doctor');
  const store = createArtifactStore({ directory });
  const takenAt = new Date(Date.now() - hoursOld * 3_600_000).toISOString();
  const id = `set-${takenAt.replace(/[-:]|\.\d+/g, '')}-aaaaaa`;
  const set = { ...(await makeSet(store, { id })), takenAt, environment };
  await putVerification(store, id, await putManifest(store, set), { at: takenAt });
  return directory;
}

/** As a run records it that has replaced Qdrant. */
async function replaceQdrant(directory: string): Promise<void> {
  const place = {
    version: 1,
    epoch: 1,
    server: { kind: 'standby' },
    since: '2026-11-24T02:30:00.000Z',
    workflowId: 'qdrant-cluster/production/1',
    runId: 'run',
  };
  await putText(createArtifactStore({ directory }), 'places/qdrant/000001.json', JSON.stringify(place));
}

async function examined(env: NodeJS.ProcessEnv): Promise<{ code: number; found: Map<string, Finding> }> {
  const { code, out } = await dr(['doctor', '--json'], { env });
  const { findings } = JSON.parse(out) as { findings: Finding[] };
  return { code, found: new Map(findings.map((finding) => [finding.name, finding])) };
}

async function withWorker(environment: string, talk: () => Promise<void>): Promise<void> {
  const worker = await Worker.create({
    connection: server.nativeConnection,
    taskQueue: `recovery-${environment}`,
    workflowBundle: await workflowBundle(),
    activities: withFailures(fakeStack({}, environment).activities),
  });
  await worker.runUntil(talk);
}

describe('dr doctor', () => {
  test('finds nothing wrong where everything is there, and exits with 0', async () => {
    const environment = 'well';
    const env = {
      DR_ENVIRONMENT: environment,
      TEMPORAL_ADDRESS: server.address,
      STORE_DIRECTORY: await storeWith(3, environment),
    };
    await withWorker(environment, async () => {
      expect((await dr(['schedules', 'apply'], { env })).code).toBe(0);
      // A worker is known once it has asked for work.
      for (const deadline = Date.now() + 20_000; (await examined(env)).found.get('worker')?.state !== 'ok';)
        if (Date.now() > deadline) throw new Error('the worker was never seen');
      const { code, found } = await examined(env);
      expect([...found.values()].filter(({ state }) => state !== 'ok')).toEqual([]);
      expect(code).toBe(0);
      expect([...found.keys()]).toEqual([
        'settings',
        'Temporal',
        'worker',
        'schedule backup',
        'schedule verification',
        'hazards',
        'store',
        'newest set',
        'newest verified set',
      ]);
      const page = await dr(['doctor'], { env });
      expect(page.out).toMatch(/^ok {7}settings: /);

      await dr(['schedules', 'pause', 'backup', '--note', 'moving'], { env });
      await server.client.schedule.getHandle(scheduleIdOf(environment, 'verification')).update((there) => ({
        ...there,
        spec: { calendars: [{ hour: 5 }], timezone: 'UTC' },
      }));
      const warned = await examined(env);
      expect(warned.code).toBe(0);
      expect(warned.found.get('schedule backup')).toMatchObject({
        state: 'warning',
        message: expect.stringContaining('moving'),
      });
      expect(warned.found.get('schedule verification')?.message).toContain('times (minute hour day month weekday)');
    });
  });

  test('says of everything that is not there what to do, and exits with 1', async () => {
    const env = {
      DR_ENVIRONMENT: 'bare',
      TEMPORAL_ADDRESS: server.address,
      STORE_DIRECTORY: temporaryFolder('doctor'),
    };
    const { code, found } = await examined(env);
    expect(code).toBe(1);
    expect(found.get('worker')).toMatchObject({ state: 'broken', next: expect.stringContaining('npm run worker') });
    expect(found.get('schedule backup')).toMatchObject({
      state: 'warning',
      next: expect.stringContaining('dr schedules apply'),
    });
    expect(found.get('newest set')).toMatchObject({ state: 'broken', next: expect.stringContaining('dr backup') });
    expect(found.get('newest verified set')?.state).toBe('broken');
  });

  test('notices backups that do not come, though the scheduler says nothing', async () => {
    const env = {
      DR_ENVIRONMENT: 'old',
      TEMPORAL_ADDRESS: server.address,
      STORE_DIRECTORY: await storeWith(24 * 12, 'old'),
    };
    const { code, found } = await examined(env);
    expect(code).toBe(1);
    expect(found.get('newest set')?.message).toContain(
      '12 days old: a recovery now would lose more than the RPO of 24 hours',
    );
    expect(found.get('newest verified set')?.message).toContain('must not be more than 8 days');
  });

  test('says which Qdrant is the live one where a run has replaced it', async () => {
    const directory = await storeWith(3, 'replaced');
    const env = { DR_ENVIRONMENT: 'replaced', TEMPORAL_ADDRESS: server.address, STORE_DIRECTORY: directory };
    expect((await examined(env)).found.has('live Qdrant')).toBe(false);
    await replaceQdrant(directory);
    expect((await examined(env)).found.get('live Qdrant')).toEqual({
      name: 'live Qdrant',
      state: 'ok',
      message: 'the standby, since 2026-11-24T02:30Z by qdrant-cluster/production/1',
    });
  });

  test('without Temporal still looks at the store, and the other way round', async () => {
    const store = await storeWith(1, 'apart');
    const gone = await examined({ DR_ENVIRONMENT: 'apart', TEMPORAL_ADDRESS: '127.0.0.1:1', STORE_DIRECTORY: store });
    expect(gone.code).toBe(1);
    expect(gone.found.get('Temporal')).toMatchObject({
      state: 'broken',
      message: expect.stringContaining('127.0.0.1:1'),
    });
    expect(gone.found.get('newest set')?.state).toBe('ok');
    const bucket = { STORE_S3_BUCKET: 'none', STORE_S3_REGION: 'us-east-1', STORE_S3_ENDPOINT: 'http://127.0.0.1:1' };
    const keys = { STORE_S3_ACCESS_KEY_ID: 'a', STORE_S3_SECRET_ACCESS_KEY: 'b' };
    const { found } = await examined({ DR_ENVIRONMENT: 'apart', TEMPORAL_ADDRESS: server.address, ...bucket, ...keys });
    expect(found.get('Temporal')?.state).toBe('ok');
    expect(found.get('store')).toMatchObject({ state: 'broken', next: expect.any(String) });
  });
});
