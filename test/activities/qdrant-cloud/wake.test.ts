import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createPhaseReader } from '../../../activities/qdrant-cloud/index.ts';
import { eventually } from '../../support/qdrant-cloud.ts';
import { setStage, type Stage } from './stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage?.close());
afterEach(() => stage.cloud.noFaults());

const phase = async (): Promise<string> =>
  (await createPhaseReader(stage.cloud.config())(AbortSignal.timeout(5_000))).phase;

async function suspend(): Promise<void> {
  await stage.cloud.clusters('POST', `/clusters/${stage.cloud.clusterId}/suspend`);
  await eventually(phase, (now) => now === 'SUSPENDED');
}

describe('a cluster of Qdrant Cloud that sleeps', () => {
  test('says so, is woken, and is waited for', async () => {
    await suspend();
    expect(await stage.run((act) => act.wakeCluster({}))).toEqual({ phase: 'HEALTHY' });
    expect(await phase()).toBe('HEALTHY');
    expect(stage.beats.at(-1)?.phase).toBe('wake the cluster: HEALTHY');
  });

  test('is woken once, though the answer was lost', async () => {
    await suspend();
    await stage.cloud.fault('lost-response', { count: 1, path: 'unsuspend' });
    await expect(stage.run((act) => act.wakeCluster({}))).rejects.toMatchObject({ type: 'QDRANT_CLOUD_UNREACHABLE' });
    expect(await stage.run((act) => act.wakeCluster({}))).toEqual({ phase: 'HEALTHY' });
  });

  test('is left alone when it is awake', async () => {
    expect(await stage.run((act) => act.wakeCluster({}))).toEqual({ phase: 'HEALTHY' });
  });

  test('that does not come up is told, and not waited for', async () => {
    await suspend();
    await stage.cloud.fault('resume-fails', { count: 1 });
    await expect(stage.run((act) => act.wakeCluster({}))).rejects.toMatchObject({
      type: 'REPLACEMENT_FAILED',
      message: expect.stringContaining('FAILED_TO_RESUME'),
    });
  });
});
