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
    vector: fc.constantFrom('v1', 'v2', ''),
    fault: fc.constantFrom('zero', 'size'),
    section: fc.constantFrom('s1', 's2'),
  },
  { requiredKeys: ['id', 'text', 'body', 'vector'] },
);
const row: fc.Arbitrary<RowEntry> = fc.record({ id, text, section: fc.constantFrom('s1', 's2', '') });

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
  /** Absent for a stack without a chunks table. */
  readonly rows?: readonly RowEntry[];
  readonly set: readonly IndexEntry[];
}

async function run(
  { live, rows, set }: Sides,
  sizes: readonly number[] = [],
): Promise<{ findings: Finding[]; tally: Tally }> {
  const findings: Finding[] = [];
  const tally = await reconcile(
    batched(live, sizes),
    rows && batched(rows, sizes.toReversed()),
    batched(set, sizes),
    (found) => {
      findings.push(...found);
    },
  );
  return { findings, tally };
}

/** The same question asked with three maps, one rule at a time, in whole memory. */
function oracle({ live, rows, set }: Required<Sides>): Map<string, { class: string; remedy: string }> {
  const vectors = new Map(live.map((one) => [one.id, one]));
  const backups = new Map(set.map((one) => [one.id, one]));
  const wanted = new Map(rows.map((one) => [one.id, one]));
  const result = new Map<string, { class: string; remedy: string }>();
  const unlike = (a = '', b = ''): boolean => a !== '' && b !== '' && a !== b;
  for (const { id, text, section } of rows) {
    const vector = vectors.get(id);
    const backup = backups.get(id);
    const whole = backup !== undefined && backup.fault === undefined;
    const heals = whole && backup.text === text && !unlike(backup.section, section);
    const remedy = heals ? 'copy' : 'reembed';
    if (vector === undefined) result.set(id, { class: backup === undefined ? 'unbacked' : 'missing', remedy });
    else if (vector.fault !== undefined) result.set(id, { class: 'malformed', remedy });
    else if (unlike(vector.text, text)) result.set(id, { class: 'stale', remedy });
    else if (unlike(vector.section, section)) result.set(id, { class: 'stale', remedy });
    else if (heals && unlike(vector.vector, backup.vector)) result.set(id, { class: 'stale', remedy });
  }
  for (const { id } of live) if (!wanted.has(id)) result.set(id, { class: 'orphan', remedy: 'drop' });
  return result;
}

/** The same without rows. What is in Qdrant was put there by somebody; only what nobody can have wanted is damage. */
function oracleWithoutRows({ live, set }: Sides): Map<string, { class: string; remedy: string }> {
  const vectors = new Map(live.map((one) => [one.id, one]));
  const result = new Map<string, { class: string; remedy: string }>();
  for (const backup of set) {
    const vector = vectors.get(backup.id);
    const remedy = backup.fault === undefined ? 'copy' : 'reembed';
    const edited = vector && vector.text !== '' && backup.text !== '' && vector.text !== backup.text;
    const known = vector && vector.vector !== '' && backup.vector !== '';
    if (vector === undefined) result.set(backup.id, { class: 'missing', remedy });
    else if (vector.fault !== undefined) result.set(backup.id, { class: 'malformed', remedy });
    else if (!edited && remedy === 'copy' && known && vector.vector !== backup.vector) {
      result.set(backup.id, { class: 'stale', remedy });
    }
  }
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

  test('without rows finds exactly what a comparison of two whole maps finds', async () => {
    const sides = fc.record({ live: sorted(entry), set: sorted(entry) });
    await fc.assert(
      fc.asyncProperty(sides, fc.array(fc.nat({ max: 5 }), { maxLength: 8 }), async (given, sizes) => {
        const { findings, tally } = await run(given, sizes);
        expect(new Map(findings.map((one) => [one.id, { class: one.class, remedy: one.remedy }]))).toEqual(
          oracleWithoutRows(given),
        );
        expect(tally).toEqual({ live: given.live.length, rows: given.set.length, set: given.set.length, retired: 0 });
      }),
      { numRuns: 500 },
    );
  });

  test('finds nothing more once every remedy is done, though no embedding has the numbers of another', async () => {
    const sides = fc.record({ live: sorted(entry), rows: sorted(row), set: sorted(entry) });
    await fc.assert(
      fc.asyncProperty(sides, async (given) => {
        const { findings } = await run(given);
        const live = new Map(given.live.map((one) => [one.id, one]));
        for (const { id, remedy, text, section } of findings) {
          const backup = given.set.find((one) => one.id === id);
          if (remedy === 'drop') live.delete(id);
          else if (remedy === 'copy' && backup) live.set(id, backup);
          else live.set(id, { id, text, section, body: 'anew', vector: 'anew' });
        }
        const mended = [...live.values()].toSorted((a, b) => comparePointIds(a.id, b.id));
        expect((await run({ ...given, live: mended })).findings).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  const at = (over: Partial<IndexEntry> = {}): IndexEntry => ({
    id: '7',
    text: 't',
    body: 'b',
    vector: 'v',
    section: 's',
    ...over,
  });
  const rowAt = (over: Partial<RowEntry> = {}): RowEntry => ({ id: '7', text: 't', section: 's', ...over });
  test.each<[name: string, sides: Sides, finding: Omit<Finding, 'id'> | undefined]>([
    ['all agree', { live: [at()], rows: [rowAt()], set: [at()] }, undefined],
    ['new since the set', { live: [at()], rows: [rowAt()], set: [] }, undefined],
    ['deleted on purpose', { live: [], rows: [], set: [at()] }, undefined],
    [
      'gone, and the set has it',
      { live: [], rows: [rowAt()], set: [at()] },
      { class: 'missing', remedy: 'copy', section: 's', text: 't', live: '', set: 'b' },
    ],
    [
      'gone, and the set has an older text',
      { live: [], rows: [rowAt({ text: 'new' })], set: [at()] },
      { class: 'missing', remedy: 'reembed', section: 's', text: 'new', live: '', set: '' },
    ],
    [
      'gone, and the set’s own vector is broken',
      { live: [], rows: [rowAt()], set: [at({ fault: 'zero' })] },
      { class: 'missing', remedy: 'reembed', section: 's', text: 't', live: '', set: '' },
    ],
    [
      'nowhere',
      { live: [], rows: [rowAt()], set: [] },
      { class: 'unbacked', remedy: 'reembed', section: 's', text: 't', live: '', set: '' },
    ],
    [
      'another text',
      { live: [at({ text: 'old', body: 'x' })], rows: [rowAt()], set: [at()] },
      { class: 'stale', remedy: 'copy', section: 's', text: 't', live: 'x', set: 'b' },
    ],
    [
      'another vector',
      { live: [at({ body: 'x', vector: 'w' })], rows: [rowAt()], set: [at()] },
      { class: 'stale', remedy: 'copy', section: 's', text: 't', live: 'x', set: 'b' },
    ],
    ['other metadata than the set’s', { live: [at({ body: 'x' })], rows: [rowAt()], set: [at()] }, undefined],
    [
      'renamed in both stores since the set',
      { live: [at({ body: 'x', section: 'new' })], rows: [rowAt({ section: 'new' })], set: [at()] },
      undefined,
    ],
    [
      'renamed in both stores and embedded again',
      { live: [at({ body: 'x', section: 'new', vector: 'w' })], rows: [rowAt({ section: 'new' })], set: [at()] },
      undefined,
    ],
    [
      'renamed in Qdrant alone',
      { live: [at({ body: 'x', section: 'new' })], rows: [rowAt()], set: [at()] },
      { class: 'stale', remedy: 'copy', section: 's', text: 't', live: 'x', set: 'b' },
    ],
    [
      'renamed in Postgres alone',
      { live: [at()], rows: [rowAt({ section: 'new' })], set: [at()] },
      { class: 'stale', remedy: 'reembed', section: 'new', text: 't', live: 'b', set: '' },
    ],
    [
      'gone, and renamed since the set',
      { live: [], rows: [rowAt({ section: 'new' })], set: [at()] },
      { class: 'missing', remedy: 'reembed', section: 'new', text: 't', live: '', set: '' },
    ],
    [
      'a row that names no section',
      { live: [at({ section: 'new' })], rows: [rowAt({ section: '' })], set: [at()] },
      undefined,
    ],
    [
      'another vector than a broken one in the set',
      { live: [at({ vector: 'w' })], rows: [rowAt()], set: [at({ fault: 'zero' })] },
      undefined,
    ],
    [
      'another body, and a set that knew no fingerprint of the vector',
      { live: [at({ body: 'x', vector: 'w' })], rows: [rowAt()], set: [at({ vector: '' })] },
      undefined,
    ],
    [
      'updated since the set',
      { live: [at({ text: 'new', body: 'x', vector: 'w' })], rows: [rowAt({ text: 'new' })], set: [at()] },
      undefined,
    ],
    [
      'a broken vector',
      { live: [at({ fault: 'not-finite', body: 'x' })], rows: [rowAt()], set: [] },
      { class: 'malformed', remedy: 'reembed', section: 's', text: 't', live: 'x', set: '' },
    ],
    [
      'no row',
      { live: [at()], rows: [], set: [at()] },
      { class: 'orphan', remedy: 'drop', section: 's', text: '', live: 'b', set: '' },
    ],
    [
      'ids alone were read',
      { live: [{ id: '7', text: '', body: '', vector: '' }], rows: [rowAt()], set: [at()] },
      undefined,
    ],
    ['no rows: another text', { live: [at({ text: 'new', body: 'x', vector: 'w' })], set: [at()] }, undefined],
    ['no rows: another section', { live: [at({ section: 'new', body: 'x' })], set: [at()] }, undefined],
    ['no rows: not in the set', { live: [at()], set: [] }, undefined],
    [
      'no rows: another vector',
      { live: [at({ vector: 'w', body: 'x' })], set: [at()] },
      { class: 'stale', remedy: 'copy', section: 's', text: 't', live: 'x', set: 'b' },
    ],
    [
      'no rows: gone',
      { live: [], set: [at()] },
      { class: 'missing', remedy: 'copy', section: 's', text: 't', live: '', set: 'b' },
    ],
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
