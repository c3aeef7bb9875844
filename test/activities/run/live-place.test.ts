import { chmod, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { recordLivePlace } from '../../../activities/run/live-place.ts';
import { createArtifactStore } from '../../../activities/store/index.ts';
import type { ArtifactStore } from '../../../domain/artifacts.ts';
import { readLivePlace } from '../../../domain/live-place.ts';
import type { LivePlace, ServerRef } from '../../../domain/servers.ts';
import { temporaryFolder } from '../../support/folder.ts';

const STANDBY: ServerRef = { kind: 'standby' };
let directory: string;
let store: ArtifactStore;

beforeEach(() => {
  directory = temporaryFolder('places');
  store = createArtifactStore({ directory });
});

const record = (epoch: number, server: ServerRef, workflowId = 'one'): Promise<LivePlace> =>
  new MockActivityEnvironment({ workflowExecution: { workflowId, runId: `${workflowId}-run` } }).run(() =>
    recordLivePlace(store, { epoch, server }),
  );

describe('which server is the live one', () => {
  test('is the primary one before anybody has recorded another', async () => {
    expect(await readLivePlace(store)).toEqual({ epoch: 0, server: { kind: 'primary' } });
  });

  test('is what was recorded last, however often it changed', async () => {
    await record(1, STANDBY);
    await record(2, { kind: 'primary' }, 'two');
    expect(await readLivePlace(store)).toMatchObject({ epoch: 2, server: { kind: 'primary' }, workflowId: 'two' });
    for (let epoch = 3; epoch <= 12; epoch += 1) await record(epoch, STANDBY);
    expect(await readLivePlace(store)).toMatchObject({ epoch: 12 });
  });

  test('recorded twice by one run is one record', async () => {
    const first = await record(1, STANDBY);
    expect(await record(1, STANDBY)).toEqual(first);
    expect(await readdir(join(directory, 'places/qdrant'))).toHaveLength(1);
  });

  test('cannot be recorded over what somebody else has recorded', async () => {
    await record(1, STANDBY);
    const refused = { code: 'STALE_PLAN', message: expect.stringContaining('by one') };
    await expect(record(1, STANDBY, 'two')).rejects.toMatchObject(refused);
    await record(2, { kind: 'primary' });
    await expect(record(1, STANDBY)).rejects.toMatchObject({ code: 'STALE_PLAN' });
  });

  test('of two at once one wins', async () => {
    const both = await Promise.allSettled([record(1, STANDBY, 'one'), record(1, STANDBY, 'two')]);
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('is never guessed: a record that was changed is refused', async () => {
    await record(1, STANDBY);
    const path = join(directory, 'places/qdrant/000001.json');
    await chmod(path, 0o644);
    await writeFile(path, '{"epoch": 1}');
    await expect(readLivePlace(store)).rejects.toMatchObject({ code: 'SET_TAMPERED' });
  });
});
