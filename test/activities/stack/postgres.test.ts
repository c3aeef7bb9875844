import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { writeLines } from '../../../activities/lines.ts';
import { insertMissing } from '../../../activities/postgres/recovery/rebuild.ts';
import { createTraceStore } from '../../../activities/postgres/recovery/traces.ts';
import { judgeLostChunks } from '../../../activities/stack/lost-chunks.ts';
import { probeMoment } from '../../../activities/stack/probe.ts';
import { rebuildRows } from '../../../activities/stack/rebuild.ts';
import { checkTraceability, type TracePorts } from '../../../activities/stack/traceability.ts';
import type { ListRef } from '../../../domain/artifacts.ts';
import type { Carried, TableDiff } from '../../../domain/database-state.ts';
import { findingLine } from '../../../domain/lines.ts';
import type { GoldenAnswer, RecoverySet } from '../../../domain/recovery-set.ts';
import { recoverySet } from '../../support/fake-activities.ts';
import { fingerprint } from '../../support/recovery-set.ts';
import { testWork } from '../../support/work.ts';
import { chunks, COLLECTION, setStage, type Stage } from './stage.ts';

let stage: Stage;
let names = 0;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage.close());
beforeEach(async () => {
  await stage.reset();
  await stage.sql(`DROP TABLE IF EXISTS citations, messages, sessions;
    CREATE TABLE sessions (id int PRIMARY KEY);
    CREATE TABLE messages (id int PRIMARY KEY, session_id int, role text, content text);
    CREATE TABLE citations (message_id int, chunk_id numeric(20))`);
});

function listOf(lines: readonly string[]): Promise<ListRef> {
  async function* once(): AsyncGenerator<readonly string[]> {
    yield lines;
  }
  return writeLines(stage.ports.store, `lists/${(names += 1)}`, once(), (line) => line);
}

async function linesOf({ artifact }: ListRef): Promise<string[]> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stage.ports.store.open(artifact)) pieces.push(piece);
  return Buffer.concat(pieces).toString('utf8').split('\n').filter(Boolean);
}

const chunkLine = (id: string, text: string): string => `${id}\t123\t${id}\t${fingerprint(text)}`;

describe('which lost chunks are damage', () => {
  async function judge(diff: {
    removed?: string[];
    changed?: string[];
  }): Promise<{ removed: string[]; changed: string[] }> {
    const [removed, changed, added] = [
      await listOf(diff.removed ?? []),
      await listOf(diff.changed ?? []),
      await listOf([]),
    ];
    const whole: TableDiff = { table: 'chunks', same: 0, removed, changed, added };
    const question = { diff: whole, collection: COLLECTION, folder: `judged-${(names += 1)}` };
    const judged = await judgeLostChunks(stage.ports, question, testWork());
    const ids = async (list: ListRef): Promise<string[]> =>
      list.count === 0 ? [] : (await linesOf(list)).map((line) => line.split('\t')[0] ?? '');
    return { removed: await ids(judged.removed), changed: await ids(judged.changed) };
  }

  test('a row that is gone and whose point is there is damage, and one whose point is gone too is not', async () => {
    await stage.putPoints(chunks(2));
    const removed = ['1', '2', '3'].map((id) => chunkLine(id, `text ${id}`));
    expect(await judge({ removed })).toEqual({ removed: ['1', '2'], changed: [] });
  });

  test('a row that says what its point says was edited, and one that says another thing is damage', async () => {
    await stage.putPoints([
      { id: '1', text: 'new' },
      { id: '2', text: 'old' },
      { id: '3', text: 'same' },
    ]);
    await stage.putRows([
      { id: '1', text: 'new' },
      { id: '2', text: 'nonsense' },
      { id: '3', text: 'same' },
    ]);
    const changed = [chunkLine('1', 'old'), chunkLine('2', 'old'), chunkLine('3', 'same')];
    // The text of the third is what it was: something that points do not tell has changed.
    expect(await judge({ changed })).toEqual({ removed: [], changed: ['2', '3'] });
  });

  test('works through more than one batch', async () => {
    await stage.putPoints(chunks(1_500));
    const removed = chunks(1_600).map(({ id, text }) => chunkLine(id, text));
    expect((await judge({ removed })).removed).toHaveLength(1_500);
  });
});

describe('rebuilding rows from points', () => {
  const rebuild = async (ids: readonly string[], payload = { page: 'meta.page' }) => {
    const findings = ids.map((id) =>
      findingLine({ id, class: 'orphan', remedy: 'drop', section: '', text: '', live: '', set: '' }),
    );
    const { postgres, ports } = stage;
    const rowWriter = {
      payload,
      insertMissing: (rows: Parameters<typeof insertMissing>[1]) => insertMissing(postgres, rows),
    };
    return rebuildRows({ ...ports, rowWriter }, { list: await listOf(findings), collection: COLLECTION }, testWork());
  };

  test('writes what the point carries, further columns too', async () => {
    await stage.putPoints([{ id: '7', text: 'seven', source: 'a.md#x' }]);
    expect(await rebuild(['7'])).toEqual({ written: 1, newer: 0, unavailable: 0 });
    expect(await stage.sql('SELECT id::text, text, source, at, hash, page FROM chunks')).toEqual([
      { id: '7', text: 'seven', source: 'a.md#x', at: 0, hash: 'h7', page: 7 },
    ]);
  });

  test('leaves a row that is there alone, and doing it again writes nothing', async () => {
    await stage.putPoints(chunks(3));
    await stage.putRows([{ id: '2', text: 'mine' }]);
    expect(await rebuild(['1', '2', '3'])).toEqual({ written: 2, newer: 1, unavailable: 0 });
    expect(await rebuild(['1', '2', '3'])).toEqual({ written: 0, newer: 3, unavailable: 0 });
    expect(await stage.sql(`SELECT text FROM chunks WHERE id = 2`)).toEqual([{ text: 'mine' }]);
  });

  test('counts points that are gone, or have no text', async () => {
    await stage.putPoints([{ id: '1', text: '  ' }]);
    expect(await rebuild(['1', '2'])).toEqual({ written: 0, newer: 0, unavailable: 2 });
  });

  test('names a column that would have no value, before anything is written', async () => {
    await stage.sql('ALTER TABLE chunks ADD COLUMN chapter text NOT NULL');
    await stage.putPoints(chunks(1));
    await expect(rebuild(['1'])).rejects.toMatchObject({
      code: 'UNEXPECTED_SCHEMA',
      message: expect.stringContaining('postgres.tables.chunks.payload'),
    });
    await expect(rebuild(['1'])).rejects.toThrow(/chapter/);
    expect(await stage.sql('SELECT id FROM chunks')).toEqual([]);
  });
});

describe('traceability', () => {
  const ports = (over: Partial<TracePorts> = {}): TracePorts => {
    const store = createTraceStore(stage.postgres);
    return {
      ...stage.ports,
      ...(store ? { traces: { store, sessions: 'sessions', messages: 'messages' } } : {}),
      ...over,
    };
  };

  async function setWith(questions: readonly Pick<GoldenAnswer, 'question' | 'sources'>[]): Promise<RecoverySet> {
    const answers = questions.map((one) => ({ ...one, retrieved: [], sections: [], cited: [] }));
    const golden = await stage.ports.store.put(`golden-${(names += 1)}`, bytesOf(JSON.stringify(answers)));
    return { ...recoverySet, golden };
  }

  async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
    yield Buffer.from(text);
  }

  const check = async (over: Partial<TracePorts> = {}, carried: readonly Carried[] = []) =>
    checkTraceability(
      ports(over),
      { collection: COLLECTION, set: await setWith([{ question: 'text 1', sources: ['a.md#s1'] }]), carried },
      testWork(),
    );

  const chat = (session: number, message: number, ...cited: (number | null)[]) =>
    stage.sql(`INSERT INTO sessions VALUES (${session}) ON CONFLICT DO NOTHING;
      INSERT INTO messages VALUES (${message}, ${session}, 'assistant', 'answer');
      ${cited.map((id) => `INSERT INTO citations VALUES (${message}, ${id ?? 'NULL'});`).join('')}`);

  test('passes when questions lead to sources and sessions to chunks', async () => {
    await stage.putPoints(chunks(3));
    await stage.putRows(chunks(3));
    await chat(1, 10, 1, 2, null);
    await chat(1, 11, 2);
    await chat(2, 12, 3);
    const sources = { find: async (prints: readonly string[]) => new Map(prints.map((print) => [print, 'text'])) };
    const [questions, sessions] = await check({ sources });
    expect(questions).toMatchObject({ verdict: 'pass', observed: 'all 1' });
    expect(sessions).toMatchObject({ verdict: 'pass', observed: '2 sessions, 3 messages, 3 chunks' });
  });

  test('names a question that finds no point, no row, or no source text', async () => {
    expect((await check())[0]).toMatchObject({
      verdict: 'fail',
      observed: expect.stringContaining('no point'),
    });
    await stage.putPoints(chunks(1));
    expect((await check())[0]?.observed).toContain('no row');
    await stage.putRows(chunks(1));
    expect((await check())[0]?.verdict).toBe('pass');
    const nothing = { find: async () => new Map<string, string>() };
    expect((await check({ sources: nothing }))[0]?.observed).toContain('no source text');
  });

  test.each<[string, () => Promise<unknown>]>([
    ['has lost its vector', () => stage.deletePoints(['2'])],
    ['has lost its row', () => stage.sql('DELETE FROM chunks WHERE id = 2')],
    ['says another thing in each store', () => stage.sql(`UPDATE chunks SET text = 'other' WHERE id = 2`)],
  ])('names a cited chunk that %s', async (_what, harm) => {
    await stage.putPoints(chunks(3));
    await stage.putRows(chunks(3));
    await chat(1, 10, 1, 2);
    await harm();
    expect((await check())[1]).toMatchObject({
      verdict: 'fail',
      observed: expect.stringMatching(/1 chunks are not: 2/),
    });
  });

  test('a chunk that is in neither store was taken away on purpose', async () => {
    await stage.putPoints(chunks(1));
    await stage.putRows(chunks(1));
    await chat(1, 10, 1, 9);
    expect((await check())[1]).toMatchObject({
      verdict: 'pass',
      observed: expect.stringContaining('1 were taken away'),
    });
  });

  test('without a session with messages nothing is proven', async () => {
    expect((await check())[1]?.verdict).toBe('unproven');
  });

  test('follows every session that was carried over, and says when one is not there', async () => {
    await stage.putPoints(chunks(1));
    await stage.putRows(chunks(1));
    await chat(1, 10, 1);
    const none = await listOf([]);
    const carried = (table: string, keys: ListRef): Carried => ({
      table,
      carried: keys.count,
      already: 0,
      differing: 0,
      updated: 0,
      left: {},
      keys,
      leftKeys: none,
    });
    const over = [carried('sessions', await listOf(['1', '5'])), carried('messages', await listOf(['10']))];
    const [, sessions] = await check({}, over);
    expect(sessions).toMatchObject({ verdict: 'pass', observed: '1 sessions, 1 messages, 1 chunks' });
  });
});

describe('a look at a moment', () => {
  const at = { timestamp: '2026-01-01T00:00:00Z' };
  const expected = { tables: {}, constraints: [], witnesses: [] };
  const seen = { good: true, lost: 0, reasons: [] };

  test('takes the branch away again, whatever came of the look', async () => {
    const done: string[] = [];
    const branches = {
      makeBranch: async ({ name }: { name: string }) => {
        done.push(`make ${name}`);
        return { branchId: 'br-1' };
      },
      removeBranch: async ({ name }: { name: string }) => void done.push(`remove ${name}`),
    };
    const look = await probeMoment(
      { ...branches, lookAtBranch: async () => seen },
      { name: 'probe-1', at, expected },
      testWork(),
    );
    expect(look).toEqual(seen);
    const broken = { ...branches, lookAtBranch: () => Promise.reject(new Error('the look broke')) };
    await expect(probeMoment(broken, { name: 'probe-2', at, expected }, testWork())).rejects.toThrow('the look broke');
    expect(done).toEqual(['make probe-1', 'remove probe-1', 'make probe-2', 'remove probe-2']);
  });

  test('a branch that cannot be removed now does not spoil the look: it is removed at the end', async () => {
    const ports = {
      makeBranch: async () => ({ branchId: 'br-1' }),
      removeBranch: () => Promise.reject(new Error('busy')),
      lookAtBranch: async () => seen,
    };
    expect(await probeMoment(ports, { name: 'probe-1', at, expected }, testWork())).toEqual(seen);
  });
});
