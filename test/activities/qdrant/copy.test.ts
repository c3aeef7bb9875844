import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Progress } from '../../../activities/contract.ts';
import type { IndexEntry } from '../../../domain/index-entry.ts';
import { activityEnvironment, BIG, copyFinding, fill, point, put, setStage, type Stage, UUID } from './stage.ts';

const IDS = [...Array.from({ length: 700 }, (_, i) => String(i)), BIG, UUID];

describe('copying points from a restored set', () => {
  let stage: Stage;
  let set: IndexEntry[];
  let live: string;
  let turn = 0;
  beforeAll(async () => {
    stage = await setStage();
    await fill(
      stage,
      'dr-set',
      IDS.map((id, i) => point(id, i)),
    );
    set = await stage.index('dr-set');
  });
  afterAll(() => stage.close());
  beforeEach(() => {
    turn += 1;
    live = `live-${turn}`;
  });

  const copy = async (findings: Parameters<Stage['list']>[0], resume?: Progress) => {
    const list = await stage.list(findings);
    return stage.run((act) => act.copyPoints({ list, from: 'dr-set', to: live, resume }));
  };

  test('a point that was written after the assessment is left as it is, and counted', async () => {
    await fill(stage, live, []);
    const findings = set.map((entry) => copyFinding(undefined, entry));
    await put(stage, live, [point(BIG, 1_000), point('5', 1_001)]);
    const newer = await stage.index(live);
    expect(await copy(findings)).toEqual({ written: 700, newer: 2 });
    const after = new Map((await stage.index(live)).map((entry) => [entry.id, entry]));
    expect(after.size).toBe(702);
    for (const entry of newer) expect(after.get(entry.id)).toEqual(entry);
    expect(after.get(UUID)).toEqual(set.find(({ id }) => id === UUID));
  });

  test('a stale point is replaced only while it is what was assessed', async () => {
    const stale = ['3', '4', BIG, UUID];
    await fill(
      stage,
      live,
      stale.map((id) => point(id, 2_000)),
    );
    const assessed = new Map((await stage.index(live)).map((entry) => [entry.id, entry]));
    const findings = set
      .filter(({ id }) => stale.includes(id))
      .map((entry) => copyFinding(assessed.get(entry.id), entry));
    await put(stage, live, [point('4', 3_000)]);
    await stage.qdrant.call('POST', `/collections/${live}/points/delete?wait=true`, { points: [UUID] });
    expect(await copy(findings)).toEqual({ written: 2, newer: 2 });
    const after = await stage.index(live);
    expect(after.map(({ id }) => id)).toEqual(['3', '4', BIG]);
    expect(after.filter(({ id }) => id !== '4')).toEqual(set.filter(({ id }) => id === '3' || id === BIG));
    expect(after[1]).not.toEqual(set.find(({ id }) => id === '4'));
  });

  test('doing it all again changes nothing and counts the same', async () => {
    await fill(stage, live, [point('1', 2_000)]);
    const [wrong] = await stage.index(live);
    const findings = set.map((entry) => copyFinding(entry.id === '1' ? wrong : undefined, entry));
    expect(await copy(findings)).toEqual({ written: 702, newer: 0 });
    expect(await copy(findings)).toEqual({ written: 702, newer: 0 });
    expect(await stage.index(live)).toEqual(set);
  });

  test('an attempt goes on where the heartbeat of the one before left it', async () => {
    await fill(stage, live, []);
    const list = await stage.list(set.map((entry) => copyFinding(undefined, entry)));
    const first = activityEnvironment();
    const beats: Progress[] = [];
    first.on('heartbeat', (details) => beats.push(details as Progress));
    await stage.run((act) => act.copyPoints({ list, from: 'dr-set', to: live }), first);
    expect(beats.map(({ done }) => done)).toEqual([0, 256, 512, 702]);
    expect(beats.every(({ total }) => total === 702)).toBe(true);

    await stage.qdrant.call('DELETE', `/collections/${live}`);
    await fill(stage, live, []);
    const second = activityEnvironment({ heartbeatDetails: beats[2] });
    const counts = await stage.run((act) => act.copyPoints({ list, from: 'dr-set', to: live }), second);
    expect(counts).toEqual({ written: 702, newer: 0 });
    expect((await stage.index(live)).map(({ id }) => id)).toEqual(IDS.slice(512));
  });

  test('a failure carries how far it came, and that is where a repeated step begins', async () => {
    await fill(stage, live, []);
    const findings = set.map((entry) => copyFinding(undefined, entry));
    const list = await stage.list(findings);
    const act = stage.activities({ config: { parallel: 1 } });
    let writes = 0;
    const environment = activityEnvironment();
    environment.on('heartbeat', (details) => {
      if ((details as Progress).done === 256 && writes++ === 0)
        void stage.qdrant.fault('dummy-shard', { path: '/points' });
    });
    const failure = await stage
      .run(() => act.copyPoints({ list, from: 'dr-set', to: live }), environment)
      .then(
        () => undefined,
        (error: unknown) => error,
      );
    await stage.qdrant.noFaults();
    expect(failure).toMatchObject({ type: 'QDRANT_REFUSED', details: [{ progress: { total: 702 } }] });
    const { progress } = (failure as { details: [{ progress: Progress }] }).details[0];
    expect(progress.done).toBeGreaterThanOrEqual(256);
    expect(progress.done).toBeLessThan(702);
    expect(await copy(findings, progress)).toEqual({ written: 702, newer: 0 });
    expect(await stage.index(live)).toEqual(set);
  });

  test('a point that the restored set lacks is named, and no other of its batch is written', async () => {
    await fill(stage, live, []);
    const absent = { ...copyFinding(undefined, set[0] as IndexEntry), id: '424242' };
    await expect(
      copy([...set.slice(0, 10).map((entry) => copyFinding(undefined, entry)), absent]),
    ).rejects.toMatchObject({
      type: 'RESTORE_INCOMPLETE',
      message: expect.stringContaining('424242'),
    });
    expect(await stage.vectors.count(live)).toBe(0);
  });

  test('a changed list is refused before anything is written', async () => {
    await fill(stage, live, []);
    const list = await stage.list(set.map((entry) => copyFinding(undefined, entry)));
    const path = join(stage.directory, list.artifact.key);
    await chmod(path, 0o644);
    await writeFile(path, Buffer.alloc(list.artifact.bytes, '{'));
    await expect(stage.run((act) => act.copyPoints({ list, from: 'dr-set', to: live }))).rejects.toMatchObject({
      type: 'SET_TAMPERED',
      message: expect.stringContaining(list.artifact.key),
    });
    expect(await stage.vectors.count(live)).toBe(0);
  });

  test('a cancelled copy ends as cancelled, with nothing left in flight', async () => {
    await fill(stage, live, []);
    const list = await stage.list(set.map((entry) => copyFinding(undefined, entry)));
    const environment = activityEnvironment();
    environment.once('heartbeat', () => environment.cancel('CANCELLED'));
    await expect(
      stage.run((act) => act.copyPoints({ list, from: 'dr-set', to: live }), environment),
    ).rejects.toMatchObject({ name: 'CancelledFailure' });
  });
});
