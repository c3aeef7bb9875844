import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { alignRows, removeGoneRows, revertRows } from '../../../activities/stack/align-rows.ts';
import { compareContent } from '../../../activities/stack/compare-content.ts';
import type { ContentSource } from '../../../activities/stack/content-source.ts';
import { listContent } from '../../../activities/stack/list-content.ts';
import { checkContent, embedContent } from '../../../activities/stack/reindex.ts';
import type { Chunk as SourceChunk } from '../../../domain/chunking.ts';
import type { ContentChange, ContentList } from '../../../domain/reindex.ts';
import { createRowWriter } from '../../../workers/compose-postgres.ts';
import { testWork } from '../../support/work.ts';
import { chunks, COLLECTION, setStage, type Stage } from './stage.ts';

let stage: Stage;
let folders = 0;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage.close());
beforeEach(() => stage.reset());

const folder = (): string => `runs/${(folders += 1)}`;
const FRESH = 'scratch';
const ALL = { sections: [], keepGone: false, onlySource: false };

/** A source of one file; ids are what follows `text ` unless it is new. */
function source(texts: readonly string[], idOf?: ContentSource['idOf']): ContentSource {
  const file = texts.map((text, at): SourceChunk => {
    const digit = /(\d)$/.exec(text)?.[1] ?? '0';
    return { source: `a.md#s${digit}`, index: at, heading: `Heading ${digit}`, text };
  });
  return {
    read: async function* () {
      yield file;
    },
    idOf,
    ownId: ({ index }) => String(1_000 + index),
    headingField: 'heading',
  };
}

const byPlace = ({ text }: SourceChunk): string => /(\d+)$/.exec(text)?.[1] ?? '0';
const ports = (content: ContentSource) => ({ ...stage.ports, content, headingField: content.headingField });
const list = (content: ContentSource, sections: string[] = []): Promise<ContentList & { unknown: string[] }> =>
  listContent(ports(content), { collection: COLLECTION, sections, folder: folder() }, testWork());
const compare = (content: ContentList, scope = ALL): Promise<ContentChange> =>
  compareContent(stage.ports, { collection: COLLECTION, content, scope, folder: folder() }, testWork());

describe('the list of what the source says', () => {
  test('keeps the ids under which rows hold the same texts, and gives the others ids of their own', async () => {
    await stage.putRows(chunks(3));
    const { list: ref, unknown } = await list(source(['text 1', 'text 3', 'newly written 4']));
    expect(unknown).toEqual([]);
    expect(ref.count).toBe(3);
    const change = await compare({ list: ref, files: 1, sections: 3, characters: 1 });
    expect(change.rows).toMatchObject({ changed: 0, fresh: 1, gone: 1 });
  });

  test('refuses two chunks of one id that say different things, and takes equal ones once', async () => {
    const same = source(['text 1', 'text 1'], () => '7');
    expect((await list(same)).list.count).toBe(1);
    await expect(list(source(['text 1', 'text 2'], () => '7'))).rejects.toMatchObject({
      code: 'INVALID_CONFIGURATION',
      message: expect.stringContaining('content.ids'),
    });
  });

  test('tells sections that the source does not have', async () => {
    const { list: ref, unknown } = await list(source(['text 1', 'text 2'], byPlace), ['a.md#s1', 'b.md', 'a.md#s9']);
    expect(ref.count).toBe(1);
    expect(unknown).toEqual(['b.md', 'a.md#s9']);
  });
});

describe('a fresh collection', () => {
  test('gets the listed chunks with what else their points carried, and costs nothing the second time', async () => {
    await stage.putPoints(chunks(6));
    const content = source(['text 1', 'text 2', 'edited text 3', 'new text 9'], byPlace);
    const listed = await list(content);
    const task = { list: listed.list, collection: FRESH, from: COLLECTION };
    expect(await embedContent(ports(content), task, testWork())).toEqual({ written: 4 });
    const asked = stage.embeddings.heard.length;
    expect(await embedContent(ports(content), task, testWork())).toEqual({ written: 4 });
    expect(stage.embeddings.heard.length).toBe(asked);
    const gates = await checkContent(stage.ports, { list: listed.list, collection: FRESH }, testWork());
    expect(gates).toMatchObject([{ verdict: 'pass' }]);
    const [point] = await stage.ports.vectors.retrieve(FRESH, ['3']);
    expect(point?.payload).toMatchObject({ text: 'edited text 3', kept: 'as it was', heading: 'Heading 3' });
  });

  test('goes on where an attempt ended', async () => {
    const content = source(['text 1', 'text 2', 'text 3', 'text 4', 'text 5', 'text 6'], byPlace);
    const { list: ref } = await list(content);
    const work = testWork();
    const resume = { phase: 'embed', done: 4, total: 6, cursor: '4' };
    await embedContent(ports(content), { list: ref, collection: FRESH }, { ...work, resume });
    expect((await stage.index(FRESH)).map(({ id }) => id)).toEqual(['5', '6']);
    const [gate] = await checkContent(stage.ports, { list: ref, collection: FRESH }, testWork());
    expect(gate).toMatchObject({ verdict: 'fail', observed: expect.stringContaining('4 chunks absent') });
  });
});

describe('what is there already', () => {
  test('is counted by what becomes of it, points and rows alike', async () => {
    const elsewhere = { id: '50', text: 'text 50', source: 'b.md#x' };
    await stage.putPoints([...chunks(5), elsewhere]);
    await stage.putRows([...chunks(5), elsewhere]);
    const listed = await list(source(['text 1', 'edited text 2', 'new text 9'], byPlace));
    const change = await compare(listed);
    expect(change).toMatchObject({ same: 1, changed: 1, fresh: 1, gone: 3, kept: { count: 1 } });
    expect(change.rows).toMatchObject({ changed: 1, fresh: 1, gone: 3 });
    expect((await stage.findings(change.kept)).map(({ id }) => id)).toEqual(['50']);
  });
});

describe('rows', () => {
  const writer = () => createRowWriter(stage.postgres);
  const rows = (): Promise<Record<string, unknown>[]> => stage.sql('SELECT * FROM chunks ORDER BY id');

  async function prepared(): Promise<{ listed: ContentList; change: ContentChange }> {
    await stage.putPoints(chunks(3));
    await stage.putRows(chunks(3));
    const content = source(['text 1', 'edited text 2', 'new text 9'], byPlace);
    const listed = await list(content);
    const change = await compare(listed);
    await embedContent(ports(content), { list: listed.list, collection: FRESH, from: COLLECTION }, testWork());
    return { listed, change };
  }

  test('are changed and written in one go, doing it again changes nothing, and all of it can be put back', async () => {
    const { listed, change } = await prepared();
    const before = await rows();
    const at = folder();
    const task = { list: listed.list, then: change.rows?.then ?? listed.list, collection: FRESH, folder: at };
    const all = { ...stage.ports, rowWriter: writer() };
    expect(await alignRows(all, task, testWork())).toEqual({ changed: 1, written: 1, newer: 0 });
    const after = await rows();
    expect(after.map(({ id, text, page }) => [id, text, page])).toEqual([
      ['1', 'text 1', null],
      ['2', 'edited text 2', 7],
      ['3', 'text 3', null],
      ['9', 'new text 9', null],
    ]);
    expect(await alignRows(all, task, testWork())).toEqual({ changed: 0, written: 0, newer: 0 });
    expect(await revertRows(all, { folder: at }, testWork())).toEqual({ reverted: 2, newer: 0 });
    expect(await rows()).toEqual(before);
    // Once more is harmless.
    expect(await revertRows(all, { folder: at }, testWork())).toMatchObject({ reverted: 0 });
    expect(await rows()).toEqual(before);
  });

  test('that somebody has changed meanwhile are left alone, on the way there and on the way back', async () => {
    const { listed, change } = await prepared();
    const at = folder();
    const task = { list: listed.list, then: change.rows?.then ?? listed.list, collection: FRESH, folder: at };
    const all = { ...stage.ports, rowWriter: writer() };
    await stage.sql(`UPDATE chunks SET text = 'somebody else was here' WHERE id = 2`);
    expect(await alignRows(all, task, testWork())).toEqual({ changed: 0, written: 1, newer: 1 });
    await stage.sql(`UPDATE chunks SET text = 'and here' WHERE id = 9`);
    expect(await revertRows(all, { folder: at }, testWork())).toEqual({ reverted: 0, newer: 1 });
    expect((await rows()).map(({ text }) => text)).toEqual(['text 1', 'somebody else was here', 'text 3', 'and here']);
  });

  test('that are gone are taken away, but for those that have a point again', async () => {
    const { listed } = await prepared();
    const change = await compare(listed);
    expect(change.goneIds.count).toBe(1);
    const all = { ...stage.ports, rowWriter: writer() };
    expect(await removeGoneRows(all, { goneIds: change.goneIds, collection: COLLECTION }, testWork())).toEqual({
      removed: 0,
    });
    expect(await removeGoneRows(all, { goneIds: change.goneIds, collection: FRESH }, testWork())).toEqual({
      removed: 1,
    });
    expect((await rows()).map(({ id }) => id)).toEqual(['1', '2']);
  });

  test('that would take others with them are told before anything is done', async () => {
    await stage.sql('CREATE TABLE notes (chunk numeric(20) REFERENCES chunks (id) ON DELETE CASCADE)');
    expect(await writer().cascading()).toEqual(['notes']);
    await stage.sql('DROP TABLE notes');
    expect(await writer().cascading()).toEqual([]);
  });
});
