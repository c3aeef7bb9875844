import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type CollectionStage, setCollectionStage } from './collection-stage.ts';
import { fill } from './stage.ts';

describe('pointing aliases', () => {
  let stage: CollectionStage;
  beforeAll(async () => {
    stage = await setCollectionStage();
    for (const name of ['old', 'new']) await fill(stage, name, []);
  });
  afterAll(() => stage.close());
  afterEach(async () => {
    await stage.qdrant.noFaults();
    const actions = ['current', 'also'].map((alias_name) => ({ delete_alias: { alias_name } }));
    await stage.qdrant.call('POST', '/collections/aliases', { actions });
  });

  const point = (collection: string, alias_name = 'current') =>
    stage.qdrant.call('POST', '/collections/aliases', {
      actions: [{ create_alias: { collection_name: collection, alias_name } }],
    });
  const set = (aliases = ['current', 'also']) => stage.make((act) => act.setAliases({ collection: 'new', aliases }));
  const before = [
    { alias: 'current', collection: 'old' },
    { alias: 'also', collection: null },
  ];

  test('repoints what is there, makes what is not, tells what was, and puts it back', async () => {
    await point('old');
    expect(await set()).toEqual({ before });
    expect(await stage.aliases()).toEqual({ current: 'new', also: 'new' });
    for (const _ of [1, 2]) await stage.make((act) => act.revertAliases({ before }));
    expect(await stage.aliases()).toEqual({ current: 'old' });
  });

  test('an attempt after one whose answer was lost still tells what was before it', async () => {
    await point('old');
    await stage.qdrant.fault('lost-response', { path: 'aliases', method: 'POST' });
    await expect(set()).rejects.toMatchObject({ type: 'QDRANT_UNREACHABLE' });
    await stage.qdrant.noFaults();
    expect(await stage.aliases()).toEqual({ current: 'new', also: 'new' });
    expect(await set()).toEqual({ before });
  });

  test('what an earlier run did is what was before', async () => {
    await point('new');
    await stage.qdrant.call('PATCH', '/collections/new', {
      metadata: { dr_aliases_before: JSON.stringify({ run: 'an earlier one', before }) },
    });
    expect(await set(['current'])).toEqual({ before: [{ alias: 'current', collection: 'new' }] });
  });

  test('a collection of that name is in the way, unless it is the collection itself', async () => {
    await expect(set(['current', 'old'])).rejects.toMatchObject({ type: 'NAME_TAKEN' });
    expect(await stage.aliases()).toEqual({});
    expect(await set(['new'])).toEqual({ before: [] });
  });
});
