import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createStackActivities } from '../../../activities/stack/index.ts';
import { reconcileStack } from '../../../activities/stack/reconcile.ts';
import type { Damage } from '../../../domain/damage.ts';
import type { RecoverySet } from '../../../domain/recovery-set.ts';
import type { Depth } from '../../../domain/vector-store.ts';
import { fingerprint, makeSet } from '../../support/recovery-set.ts';
import { testWork } from '../../support/work.ts';
import { chunks, COLLECTION, setStage, type Stage } from './stage.ts';

let stage: Stage;
let folders = 0;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage.close());
beforeEach(() => stage.reset());

/** The set of what Qdrant holds now. */
function takeSet(): Promise<RecoverySet> {
  folders += 1;
  return stage
    .index()
    .then((index) =>
      makeSet(stage.ports.store, { id: `set-20260101T000000Z-${String(folders).padStart(6, '0')}`, index }),
    );
}

function run(
  set: RecoverySet,
  { depth = 'content', ports = stage.ports }: { depth?: Depth; ports?: Stage['ports'] } = {},
): Promise<Damage> {
  return reconcileStack(ports, { collection: COLLECTION, set, depth, folder: `runs/${(folders += 1)}` }, testWork());
}

const idsOf = async (list: Damage['copy']): Promise<string[]> => (await stage.findings(list)).map(({ id }) => id);

describe('reconciling the stack', () => {
  test('finds nothing where nothing is wrong, on any kind of id', async () => {
    const all = [...chunks(50), { id: '18446744073709551615', text: 'the last' }];
    await stage.putRows(all);
    await stage.putPoints(all);
    const damage = await run(await takeSet());
    expect(damage).toMatchObject({
      tally: { live: 51, rows: 51, set: 51, retired: 0 },
      counts: { missing: 0, unbacked: 0, stale: 0, malformed: 0, orphan: 0 },
      sections: [],
    });
    expect([damage.copy.count, damage.reembed.count, damage.drop.count]).toEqual([0, 0, 0]);
  });

  test('sorts every kind of damage into the list that mends it', async () => {
    await stage.putPoints(chunks(9));
    const set = await takeSet();
    await stage.putRows(chunks(8));
    await stage.putRows([
      { id: '20', text: 'new and lost' },
      { id: '21', text: 'new' },
    ]);
    await stage.putPoints([{ id: '21', text: 'new' }]);
    await stage.deletePoints(['1', '2']);
    await stage.sql(`UPDATE chunks SET text = 'edited' WHERE id = 2`);
    await stage.putPoints([{ id: '3', text: 'somebody else’s text' }]);
    await stage.qdrant.call('PUT', `/collections/${COLLECTION}/points/vectors?wait=true`, {
      points: [{ id: 4, vector: [1, 1, 1, 1, 1, 1, 1, 1] }],
    });

    const damage = await run(set);
    expect(damage.counts).toEqual({ missing: 2, unbacked: 1, stale: 2, malformed: 0, orphan: 1 });
    expect(await idsOf(damage.copy)).toEqual(['1', '3', '4']);
    expect(await idsOf(damage.reembed)).toEqual(['2', '20']);
    expect(await idsOf(damage.drop)).toEqual(['9']);
    expect(damage.sections).toContainEqual({ section: 'a.md#s3', findings: 1 });
    expect((await stage.findings(damage.reembed))[0]).toMatchObject({
      class: 'missing',
      text: fingerprint('edited'),
      live: '',
      set: '',
    });
  });

  test('leaves alone what was edited in both stores since the set, or in fields that are not mapped', async () => {
    await stage.putRows(chunks(4));
    await stage.putPoints(chunks(4));
    const set = await takeSet();
    const setPayload = (id: number, payload: object, key?: string): Promise<unknown> =>
      stage.qdrant.call('POST', `/collections/${COLLECTION}/points/payload?wait=true`, { points: [id], payload, key });
    await stage.sql(`UPDATE chunks SET source = 'renamed.md#s1' WHERE id = 1`);
    await setPayload(1, { source: 'renamed.md#s1' }, 'meta');
    await setPayload(2, { added: 'later' });
    await setPayload(2, { index: 5 }, 'meta');
    expect(await run(set)).toMatchObject({ counts: { missing: 0, stale: 0 }, copy: { count: 0 } });

    await setPayload(3, { source: 'renamed.md#s3' }, 'meta');
    await stage.sql(`UPDATE chunks SET source = 'renamed.md#s4' WHERE id = 4`);
    await stage.deletePoints(['1']);
    const damage = await run(set);
    expect(damage.counts).toMatchObject({ missing: 1, stale: 2 });
    expect(await idsOf(damage.copy)).toEqual(['3']);
    expect(await idsOf(damage.reembed)).toEqual(['1', '4']);
  });

  test('by ids alone sees absence and no corruption, and still knows what the set heals', async () => {
    await stage.putRows(chunks(4));
    await stage.putPoints(chunks(4));
    const set = await takeSet();
    await stage.deletePoints(['1']);
    await stage.putPoints([{ id: '2', text: 'wrong' }]);
    const damage = await run(set, { depth: 'ids' });
    expect(damage.counts).toMatchObject({ missing: 1, stale: 0 });
    expect(await idsOf(damage.copy)).toEqual(['1']);
  });

  test('without rows goes by the set, and takes another text or a point that the set lacks for a newer one', async () => {
    await stage.putPoints(chunks(4));
    const set = await takeSet();
    await stage.deletePoints(['1']);
    await stage.putPoints([
      { id: '2', text: 'edited' },
      { id: '99', text: 'newer' },
    ]);
    await stage.qdrant.call('PUT', `/collections/${COLLECTION}/points/vectors?wait=true`, {
      points: [{ id: 3, vector: [1, 1, 1, 1, 1, 1, 1, 1] }],
    });
    const { rows: _rows, ...ports } = stage.ports;
    const damage = await run(set, { ports });
    expect(damage.counts).toEqual({ missing: 1, unbacked: 0, stale: 1, malformed: 0, orphan: 0 });
    expect(damage.tally).toEqual({ live: 4, rows: 4, set: 4, retired: 0 });
    expect(await idsOf(damage.copy)).toEqual(['1', '3']);
  });

  test('as an activity tells how far it is, and leaves lists of its own at every attempt', async () => {
    await stage.putRows(chunks(3));
    await stage.putPoints(chunks(3));
    const set = await takeSet();
    const beats: unknown[] = [];
    const environment = new MockActivityEnvironment();
    environment.on('heartbeat', (beat: unknown) => beats.push(beat));
    const activities = createStackActivities(stage.ports);
    const input = { collection: COLLECTION, set, depth: 'content' as const, folder: 'runs/twice' };
    const attempt = (): Promise<Damage> => environment.run(() => activities.reconcileStack(input));
    const damages = [await attempt(), await attempt()];
    expect(beats).toContainEqual({ phase: 'reconcile (points read)', done: 3, total: 3 });
    const keys = damages.flatMap(({ copy, reembed, drop }) =>
      [copy, reembed, drop].map(({ artifact }) => artifact.key),
    );
    expect(new Set(keys).size).toBe(6);
  });
});

describe('reconciling the stack refuses', () => {
  test('an empty table, rather than call every vector an orphan', async () => {
    await stage.putPoints(chunks(3));
    await expect(run(await takeSet())).rejects.toMatchObject({
      code: 'UNEXPECTED_SCHEMA',
      message: expect.stringMatching(/postgres\.tables\.chunks: .* Qdrant holds 3 points and set-\S+ holds 3/),
    });
    expect(await stage.ports.store.list(`runs/${folders}/`)).toEqual([]);
  });

  test('a disk that could not hold the run, with both numbers', async () => {
    await stage.putRows(chunks(1));
    const set = await takeSet();
    const huge = { ...set, qdrant: { ...set.qdrant, snapshot: { ...set.qdrant.snapshot, bytes: 2 ** 52 } } };
    await expect(run(huge)).rejects.toMatchObject({
      code: 'DISK_SHORT',
      message: expect.stringContaining('may need 9,007,199,254,740,992'),
    });
  });

  test('an index that was changed, and leaves no list', async () => {
    await stage.putRows(chunks(3));
    await stage.putPoints(chunks(3));
    const set = await takeSet();
    const lied = { ...set, qdrant: { ...set.qdrant, index: { ...set.qdrant.index, sha256: '0'.repeat(64) } } };
    await expect(run(lied)).rejects.toMatchObject({ code: 'SET_TAMPERED' });
    expect(await stage.ports.store.list(`runs/${folders}/`)).toEqual([]);
  });

  test('a collection that is not there', async () => {
    await stage.putRows(chunks(1));
    const set = await takeSet();
    const question = { collection: 'absent', set, depth: 'content' as const, folder: `runs/${(folders += 1)}` };
    await expect(reconcileStack(stage.ports, question, testWork())).rejects.toMatchObject({ code: 'QDRANT_REFUSED' });
  });
});
