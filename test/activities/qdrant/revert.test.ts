import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { wayBack } from '../../../activities/qdrant/revert.ts';
import { fingerprint } from '../../../activities/fingerprint.ts';
import type { IndexEntry } from '../../../domain/index-entry.ts';
import type { Finding } from '../../../domain/reconcile.ts';
import { BIG, copyFinding, fill, point, put, setStage, type Stage, UUID } from './stage.ts';

describe('putting points back to what they were before the run', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await setStage();
  });
  afterAll(() => stage.close());

  /** A damaged collection: 2 and UUID absent, 3 and BIG stale, 900 and 901 orphans; and what heals it. */
  async function damage(): Promise<{
    set: IndexEntry[];
    damaged: IndexEntry[];
    findings: Record<'copy' | 'reembed' | 'drop', Finding[]>;
  }> {
    for (const name of ['dr-set', 'live', 'dr-before']) await stage.qdrant.call('DELETE', `/collections/${name}`);
    await fill(
      stage,
      'dr-set',
      ['1', '2', '3', BIG, UUID].map((id, i) => point(id, i)),
    );
    await fill(stage, 'live', [point('1', 0), point('3', 50), point(BIG, 51), point('900', 60), point('901', 61)]);
    const [set, damaged] = [await stage.index('dr-set'), await stage.index('live')];
    const now = new Map(damaged.map((entry) => [entry.id, entry]));
    const heal = (id: string): Finding => copyFinding(now.get(id), set.find((entry) => entry.id === id) as IndexEntry);
    const drop = ['900', '901'].map((id): Finding => ({
      id,
      class: 'orphan',
      remedy: 'drop',
      section: '',
      text: '',
      live: now.get(id)?.body ?? '',
      set: '',
    }));
    const text = fingerprint('written anew');
    const anew: Finding = { id: '5', class: 'unbacked', remedy: 'reembed', section: '', text, live: '', set: '' };
    return { set, damaged, findings: { copy: ['2', '3', BIG, UUID].map(heal), reembed: [anew], drop } };
  }

  test('gives back exactly the collection that it was', async () => {
    const { damaged, findings } = await damage();
    const snapshot = await stage.run((act) => act.captureCollection({ collection: 'live', folder: 'before' }));
    const [copy, reembed, drop] = [
      await stage.list(findings.copy),
      await stage.list(findings.reembed),
      await stage.list(findings.drop),
    ];
    await stage.run((act) => act.copyPoints({ list: copy, from: 'dr-set', to: 'live' }));
    await put(stage, 'live', [point('5', 5, { text: 'written anew' })]);
    expect(await stage.run((act) => act.dropPoints({ list: drop, from: 'live' }))).toEqual({ written: 2, newer: 0 });
    expect((await stage.index('live')).map(({ id }) => id)).toEqual(['1', '2', '3', '5', BIG, UUID]);

    await stage.run((act) => act.restoreBeside({ snapshot, scratch: 'dr-before' }));
    const lists = [copy, reembed, drop];
    const revert = () => stage.run((act) => act.revertPoints({ lists, collection: 'live', before: 'dr-before' }));
    expect(await revert()).toEqual({ written: 7, newer: 0 });
    expect(await stage.index('live')).toEqual(damaged);
    expect(await revert()).toEqual({ written: 7, newer: 0 });
    expect(await stage.index('live')).toEqual(damaged);
  });

  test('leaves alone what somebody wrote after the repair', async () => {
    const { findings } = await damage();
    const list = await stage.list(findings.copy);
    await stage.run((act) => act.copyPoints({ list, from: 'dr-set', to: 'live' }));
    await put(stage, 'live', [point('2', 700), point('3', 701)]);
    const wanted = (await stage.index('live')).filter(({ id }) => id === '2' || id === '3');
    await fill(stage, 'dr-before', [point('3', 50), point(BIG, 51)]);
    expect(
      await stage.run((act) => act.revertPoints({ lists: [list], collection: 'live', before: 'dr-before' })),
    ).toEqual({ written: 2, newer: 2 });
    const after = await stage.index('live');
    expect(after.filter(({ id }) => id === '2' || id === '3')).toEqual(wanted);
    expect(after.some(({ id }) => id === UUID)).toBe(false);
  });

  test('an orphan that has changed since the assessment is not dropped', async () => {
    const { findings } = await damage();
    await put(stage, 'live', [point('900', 99)]);
    const list = await stage.list(findings.drop);
    expect(await stage.run((act) => act.dropPoints({ list, from: 'live' }))).toEqual({ written: 1, newer: 1 });
    expect((await stage.index('live')).map(({ id }) => id)).toEqual(['1', '3', '900', BIG]);
  });
});

describe('the way back of one point', () => {
  const copied: Finding = { id: '1', class: 'stale', remedy: 'copy', section: '', text: 't', live: 'old', set: 'set' };
  const at = (body: string, text = 't', fault?: 'zero'): IndexEntry => ({
    id: '1',
    text,
    body,
    vector: '',
    ...(fault && { fault }),
  });
  const absentBefore: Finding = { ...copied, live: '' };
  const anew: Finding = { ...copied, remedy: 'reembed', set: '' };
  const dropped: Finding = { ...copied, remedy: 'drop', set: '' };

  test.each([
    ['copied, was absent', absentBefore, at('set'), 'delete'],
    ['copied, was absent, is again', absentBefore, undefined, 'nothing'],
    ['copied, was absent, changed since', absentBefore, at('other'), 'leave'],
    ['copied over another', copied, at('set'), 'overwrite'],
    ['never copied', copied, at('old'), 'nothing'],
    ['copied, changed since', copied, at('other'), 'leave'],
    ['copied, deleted since', copied, undefined, 'leave'],
    ['embedded anew over another', anew, at('any'), 'overwrite'],
    ['embedded anew, text changed since', anew, at('any', 'u'), 'leave'],
    ['embedded anew, broken since', anew, at('any', 't', 'zero'), 'leave'],
    ['embedded anew, was absent', { ...anew, live: '' }, at('any'), 'delete'],
    ['dropped', dropped, undefined, 'insert'],
    ['never dropped', dropped, at('old'), 'nothing'],
    ['dropped, written anew since', dropped, at('other'), 'leave'],
    ['dropped without having been read', { ...dropped, live: '' }, at('other'), 'nothing'],
  ] as const)('%s', (_case, finding, now, way) => {
    expect(wayBack(finding, now)).toBe(way);
  });
});
