import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Batches, IndexEntry, RowEntry } from '../../domain/index-entry.ts';
import { comparePointIds } from '../../domain/point-id.ts';
import { type Finding, reconcile, type Tally } from '../../domain/reconcile.ts';

/** Few ids and few fingerprints, so that every combination of the three sides comes up. */
const id = fc.oneof(
  fc.integer({ min: 0, max: 20 }).map(String),
  fc.constantFrom(...['a', 'b', 'c'].map((digit) => `${digit.repeat(8)}-0000-4000-8000-000000000000`)),
);
const text = fc.constantFrom('t1', 't2', '');
const entry: fc.Arbitrary<IndexEntry> = fc.record(
  {
    id,
    text,
    body: fc.constantFrom('b1', 'b2', ''),
    fault: fc.constantFrom('zero', 'size'),
    section: fc.constantFrom('s1', 's2'),
  },
  { requiredKeys: ['id', 'text', 'body'] },
);
const row: fc.Arbitrary<RowEntry> = fc.record({ id, text, section: fc.constantFrom('s1', 's2') });

function sorted<T extends { id: string }>(items: fc.Arbitrary<T>): fc.Arbitrary<T[]> {
  return fc
    .uniqueArray(items, { selector: ({ id }) => id, maxLength: 24 })
    .map((list) => list.toSorted((a, b) => comparePointIds(a.id, b.id)));
}

/** Cuts a list into batches of the given sizes, empty ones among them. */
async function* batched<T>(items: readonly T[], sizes: readonly number[]): Batches<T> {
  let at = 0;
  for (const size of sizes) {
    yield items.slice(at, at + size);
    at += size;
  }
  yield items.slice(at);
}

interface Sides {
  readonly live: readonly IndexEntry[];
  readonly rows: readonly RowEntry[];
  readonly set: readonly IndexEntry[];
}

async function run(
  { live, rows, set }: Sides,
  sizes: readonly number[] = [],
): Promise<{ findings: Finding[]; tally: Tally }> {
  const findings: Finding[] = [];
  const tally = await reconcile(
    batched(live, sizes),
    batched(rows, sizes.toReversed()),
    batched(set, sizes),
    (found) => {
      findings.push(...found);
    },
  );
  return { findings, tally };
}

/** The same question asked with three maps, one rule at a time, in whole memory. */
function oracle({ live, rows, set }: Sides): Map<string, { class: string; remedy: string }> {
  const vectors = new Map(live.map((one) => [one.id, one]));
  const backups = new Map(set.map((one) => [one.id, one]));
  const wanted = new Map(rows.map((one) => [one.id, one]));
  const result = new Map<string, { class: string; remedy: string }>();
  const bothKnown = (a: string, b: string): boolean => a !== '' && b !== '';
  for (const { id, text } of rows) {
    const vector = vectors.get(id);
    const backup = backups.get(id);
    const sameText = backup !== undefined && backup.fault === undefined && backup.text === text;
    const remedy = sameText ? 'copy' : 'reembed';
    if (vector === undefined) result.set(id, { class: backup === undefined ? 'unbacked' : 'missing', remedy });
    else if (vector.fault !== undefined) result.set(id, { class: 'malformed', remedy });
    else if (bothKnown(vector.text, text) && vector.text !== text) result.set(id, { class: 'stale', remedy });
    else if (sameText && bothKnown(vector.body, backup.body) && vector.body !== backup.body) {
      result.set(id, { class: 'stale', remedy });
    }
  }
  for (const { id } of live) if (!wanted.has(id)) result.set(id, { class: 'orphan', remedy: 'drop' });
  return result;
}

describe('reconciliation', () => {
  test('finds exactly what a comparison of three whole maps finds, however the streams are cut', async () => {
    const sides = fc.record({ live: sorted(entry), rows: sorted(row), set: sorted(entry) });
    await fc.assert(
      fc.asyncProperty(sides, fc.array(fc.nat({ max: 5 }), { maxLength: 8 }), async (given, sizes) => {
        const { findings, tally } = await run(given, sizes);
        expect(new Map(findings.map((one) => [one.id, { class: one.class, remedy: one.remedy }]))).toEqual(
          oracle(given),
        );
        expect(findings.map((one) => one.id)).toEqual(findings.map((one) => one.id).toSorted(comparePointIds));
        expect(tally).toMatchObject({ live: given.live.length, rows: given.rows.length, set: given.set.length });
      }),
      { numRuns: 500 },
    );
  });

  const at = (over: Partial<IndexEntry> = {}): IndexEntry => ({
    id: '7',
    text: 't',
    body: 'b',
    section: 'live',
    ...over,
  });
  const rowAt = (over: Partial<RowEntry> = {}): RowEntry => ({ id: '7', text: 't', section: 'row', ...over });
  test.each<[name: string, sides: Sides, finding: Omit<Finding, 'id'> | undefined]>([
    ['all agree', { live: [at()], rows: [rowAt()], set: [at()] }, undefined],
    ['new since the set', { live: [at()], rows: [rowAt()], set: [] }, undefined],
    ['deleted on purpose', { live: [], rows: [], set: [at()] }, undefined],
    [
      'gone, and the set has it',
      { live: [], rows: [rowAt()], set: [at()] },
      { class: 'missing', remedy: 'copy', section: 'row', text: 't', live: '', set: 'b' },
    ],
    [
      'gone, and the set has an older text',
      { live: [], rows: [rowAt({ text: 'new' })], set: [at()] },
      { class: 'missing', remedy: 'reembed', section: 'row', text: 'new', live: '', set: '' },
    ],
    [
      'gone, and the set’s own vector is broken',
      { live: [], rows: [rowAt()], set: [at({ fault: 'zero' })] },
      { class: 'missing', remedy: 'reembed', section: 'row', text: 't', live: '', set: '' },
    ],
    [
      'nowhere',
      { live: [], rows: [rowAt()], set: [] },
      { class: 'unbacked', remedy: 'reembed', section: 'row', text: 't', live: '', set: '' },
    ],
    [
      'another text',
      { live: [at({ text: 'old', body: 'x' })], rows: [rowAt()], set: [at()] },
      { class: 'stale', remedy: 'copy', section: 'row', text: 't', live: 'x', set: 'b' },
    ],
    [
      'another vector',
      { live: [at({ body: 'x' })], rows: [rowAt()], set: [at()] },
      { class: 'stale', remedy: 'copy', section: 'row', text: 't', live: 'x', set: 'b' },
    ],
    [
      'updated since the set',
      { live: [at({ text: 'new', body: 'x' })], rows: [rowAt({ text: 'new' })], set: [at()] },
      undefined,
    ],
    [
      'a broken vector',
      { live: [at({ fault: 'not-finite', body: 'x' })], rows: [rowAt()], set: [] },
      { class: 'malformed', remedy: 'reembed', section: 'row', text: 't', live: 'x', set: '' },
    ],
    [
      'no row',
      { live: [at()], rows: [], set: [at()] },
      { class: 'orphan', remedy: 'drop', section: 'live', text: '', live: 'b', set: '' },
    ],
    ['ids alone were read', { live: [at({ text: '', body: '' })], rows: [rowAt()], set: [at()] }, undefined],
  ])('%s', async (_name, sides, finding) => {
    const { findings } = await run(sides);
    expect(findings).toEqual(finding ? [{ id: '7', ...finding }] : []);
  });

  test('counts what is in the set alone as retired', async () => {
    expect((await run({ live: [], rows: [], set: [at(), at({ id: '8' })] })).tally.retired).toBe(2);
  });

  test.each<[name: string, sides: Sides, sizes: number[]]>([
    ['within a batch', { live: [at({ id: '2' }), at({ id: '1' })], rows: [], set: [] }, []],
    ['between batches', { live: [], rows: [], set: [at({ id: '2' }), at({ id: '1' })] }, [1]],
    ['twice the same', { live: [], rows: [rowAt(), rowAt()], set: [] }, []],
    [
      'a UUID before an integer',
      { live: [at({ id: 'aaaaaaaa-0000-4000-8000-000000000000' }), at()], rows: [], set: [] },
      [1],
    ],
  ])('refuses a stream that is not sorted: %s', async (_name, sides, sizes) => {
    await expect(run(sides, sizes)).rejects.toThrow('not sorted');
  });

  test('closes every stream when one fails', async () => {
    let closed = 0;
    async function* watched(): Batches<IndexEntry> {
      try {
        yield [at()];
        yield [at({ id: '8' })];
      } finally {
        closed += 1;
      }
    }
    async function* failing(): Batches<RowEntry> {
      yield [rowAt()];
      throw new Error('lost');
    }
    await expect(reconcile(watched(), failing(), watched(), () => undefined)).rejects.toThrow('lost');
    expect(closed).toBe(2);
  });

  test('hands over thousands of findings in batches, in order, and waits for the sink', async () => {
    const rows = Array.from({ length: 2_500 }, (_, n) => rowAt({ id: String(n) }));
    const sizes: number[] = [];
    let busy = false;
    await reconcile(batched([], []), batched(rows, []), batched([], []), async (found) => {
      expect(busy).toBe(false);
      busy = true;
      await Promise.resolve();
      sizes.push(found.length);
      busy = false;
    });
    expect(sizes).toEqual([1_000, 1_000, 500]);
  });
});
