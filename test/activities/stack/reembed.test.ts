import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createSourceTexts } from '../../../activities/content/index.ts';
import { writeLines } from '../../../activities/lines.ts';
import { reembedPoints } from '../../../activities/stack/reembed.ts';
import type { ListRef } from '../../../domain/artifacts.ts';
import { findingLine } from '../../../domain/lines.ts';
import type { Finding } from '../../../domain/reconcile.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { fingerprint } from '../../support/recovery-set.ts';
import { testWork } from '../../support/work.ts';
import { chunks, COLLECTION, embed, setStage, type Stage, vectorOf } from './stage.ts';

let stage: Stage;
let lists = 0;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage.close());
beforeEach(() => stage.reset());

function finding(id: string, over: Partial<Finding> = {}): Finding {
  return {
    id,
    class: 'unbacked',
    remedy: 'reembed',
    section: 'a.md#s',
    text: fingerprint(`text ${id}`),
    live: '',
    set: '',
    ...over,
  };
}

function listOf(findings: readonly Finding[]): Promise<ListRef> {
  async function* once(): AsyncGenerator<readonly Finding[]> {
    yield findings;
  }
  return writeLines(stage.ports.store, `lists/${(lists += 1)}`, once(), findingLine);
}

async function run(
  findings: readonly Finding[],
  {
    scratch,
    ports = stage.ports,
    work = testWork(),
  }: { scratch?: string; ports?: Partial<Stage['ports']>; work?: ReturnType<typeof testWork> } = {},
): Promise<unknown> {
  return reembedPoints(
    { ...stage.ports, ...ports },
    { list: await listOf(findings), collection: COLLECTION, scratch },
    work,
  );
}

const embedded = (): string[] => stage.embeddings.heard.flatMap(({ body }) => (body as { input: string[] }).input);
const direction = (vector: number[]): number[] => {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
};
async function expectVector(id: string, text: string): Promise<void> {
  const { vector } = await stage.point(id);
  direction(vectorOf(text)).forEach((value, at) => expect(vector[at]).toBeCloseTo(value, 5));
}

describe('embedding again', () => {
  test('writes vector and payload from the row where there was nothing', async () => {
    await stage.putRows(chunks(10));
    expect(await run(chunks(10).map(({ id }) => finding(id)))).toEqual({ written: 10, newer: 0, unavailable: 0 });
    expect((await stage.point('7')).payload).toEqual({
      text: 'text 7',
      meta: { source: 'a.md#s7', index: 0 },
      hash: 'h7',
    });
    await expectVector('7', 'text 7');
    expect(stage.embeddings.heard.map(({ body }) => (body as { input: string[] }).input.length)).toEqual([4, 4, 2]);
  });

  test('keeps what only the payload knows, and lets the row have the rest', async () => {
    await stage.putRows(chunks(2));
    await stage.putPoints([{ id: '1', text: 'old', source: 'old.md#x' }]);
    await stage.putPoints([{ id: '2', text: 'older', source: 'old.md#x' }], 'scratch');
    const [live] = await stage.index();
    const counts = await run(
      [finding('1', { class: 'stale', live: live?.body ?? '' }), finding('2', { class: 'missing' })],
      { scratch: 'scratch' },
    );
    expect(counts).toEqual({ written: 2, newer: 0, unavailable: 0 });
    for (const id of ['1', '2']) {
      expect((await stage.point(id)).payload).toEqual({
        text: `text ${id}`,
        meta: { source: `a.md#s${id}`, index: 0, page: 7 },
        hash: `h${id}`,
        kept: 'as it was',
      });
      await expectVector(id, `text ${id}`);
    }
  });

  test('leaves alone what somebody changed after the assessment, in either store', async () => {
    await stage.putRows(chunks(4));
    await stage.sql(`UPDATE chunks SET text = 'edited since' WHERE id = 1; DELETE FROM chunks WHERE id = 2`);
    await stage.putPoints([{ id: '3', text: 'written since' }]);
    const gone = finding('4', { class: 'stale', live: 'abcdefabcdefabcd' });
    expect(await run([finding('1'), finding('2'), finding('3'), gone])).toEqual({
      written: 0,
      newer: 4,
      unavailable: 0,
    });
    expect(embedded()).toEqual([]);
    expect((await stage.index()).map(({ id }) => id)).toEqual(['3']);
  });

  test('does not embed twice what is mended already', async () => {
    await stage.putRows(chunks(2));
    await stage.putPoints(chunks(1));
    expect(await run([finding('1'), finding('2')])).toEqual({ written: 2, newer: 0, unavailable: 0 });
    expect(embedded()).toEqual(['text 2']);
  });

  test('goes on where the attempt before left off, and counts the whole', async () => {
    await stage.putRows(chunks(10));
    const list = await listOf(chunks(10).map(({ id }) => finding(id)));
    const work = testWork();
    let requests = 0;
    stage.embeddings.answer((request) => ((requests += 1) === 2 ? { status: 503, body: 'out' } : embed(request)));
    const attempt = (of: typeof work): Promise<unknown> =>
      reembedPoints(stage.ports, { list, collection: COLLECTION }, of);
    await expect(attempt(work)).rejects.toMatchObject({ code: 'EMBEDDINGS_UNREACHABLE' });
    const last = work.reported.at(-1);
    expect(last).toMatchObject({ phase: 'embed again', done: 4, total: 10 });
    stage.embeddings.heard.length = 0;
    expect(await attempt(testWork(last))).toEqual({ written: 10, newer: 0, unavailable: 0 });
    expect(embedded()).toEqual(chunks(6, 5).map(({ text }) => text));
  });

  test('stops at once when it is cancelled', async () => {
    await stage.putRows(chunks(10));
    const work = testWork();
    stage.embeddings.answer((request) => {
      work.cancel();
      return embed(request);
    });
    await expect(
      run(
        chunks(10).map(({ id }) => finding(id)),
        { work },
      ),
    ).rejects.toThrow('cancelled');
    expect(stage.embeddings.heard).toHaveLength(1);
  });

  test('reads the list whole before it writes: a changed one changes nothing', async () => {
    await stage.putRows(chunks(1));
    const { artifact, count } = await listOf([finding('1')]);
    const list = { artifact: { ...artifact, sha256: '0'.repeat(64) }, count };
    await expect(reembedPoints(stage.ports, { list, collection: COLLECTION }, testWork())).rejects.toMatchObject({
      code: 'SET_TAMPERED',
    });
    expect(await stage.index()).toEqual([]);
  });
});

describe('a text that Postgres does not have', () => {
  test('is counted as unavailable, and the others are written all the same', async () => {
    await stage.putRows(chunks(2));
    await stage.sql('UPDATE chunks SET text = NULL WHERE id = 2');
    expect(await run([finding('1'), finding('2', { text: '' })])).toEqual({ written: 1, newer: 0, unavailable: 1 });
  });

  test('comes, in a stack without rows, from a payload that still says it, else from the source files', async () => {
    const folder = temporaryFolder('texts');
    await writeFile(join(folder, 'a.md'), '# A\n\ntext 3\n');
    const sources = createSourceTexts({ directory: folder, glob: '*.md' });
    await stage.putPoints([{ id: '1', text: 'text 1' }], 'scratch');
    await stage.putPoints([{ id: '2', text: 'other' }], 'scratch');
    const findings = ['1', '2', '3'].map((id) => finding(id, { section: `s.md#${id}` }));
    const counts = await run(findings, { scratch: 'scratch', ports: { rows: undefined, sources } });
    expect(counts).toEqual({ written: 2, newer: 0, unavailable: 1 });
    expect((await stage.point('1')).payload).toMatchObject({ text: 'text 1', kept: 'as it was' });
    expect((await stage.point('3')).payload).toEqual({ text: 'text 3', meta: { source: 's.md#3' } });
  });
});
