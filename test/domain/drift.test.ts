import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compareIndexes, describeChanges } from '../../domain/drift.ts';
import type { Batches, IndexEntry } from '../../domain/index-entry.ts';
import { comparePointIds } from '../../domain/point-id.ts';

const entryOf = (id: number, body: string): IndexEntry => ({ id: String(id), text: '', body, vector: '' });

/** Sorted, in batches of three, as an index comes from a store. */
async function* index(points: ReadonlyMap<number, string>): Batches<IndexEntry> {
  const entries = [...points].map(([id, body]) => entryOf(id, body)).sort((a, b) => comparePointIds(a.id, b.id));
  for (let at = 0; at < entries.length; at += 3) yield entries.slice(at, at + 3);
}

const points = fc.array(fc.tuple(fc.nat(30), fc.constantFrom('a', 'b'))).map((pairs) => new Map(pairs));

describe('two indexes of one collection', () => {
  test('differ in exactly what a naive comparison finds, in id order', async () => {
    await fc.assert(
      fc.asyncProperty(points, points, async (before, after) => {
        const ids: string[] = [];
        const changes = await compareIndexes(index(before), index(after), (some) => void ids.push(...some));
        const all = [...new Set([...before.keys(), ...after.keys()])].sort((a, b) => a - b);
        const kinds = all.map((id) =>
          !before.has(id) ? 'added' : !after.has(id) ? 'removed' : before.get(id) !== after.get(id) ? 'changed' : '',
        );
        expect(ids).toEqual(all.filter((_id, at) => kinds[at] !== '').map(String));
        for (const kind of ['added', 'changed', 'removed'] as const)
          expect(changes[kind]).toBe(kinds.filter((found) => found === kind).length);
      }),
    );
  });

  test('are told in words', () => {
    expect(describeChanges({ added: 0, changed: 0, removed: 0 })).toBe('nothing');
    expect(describeChanges({ added: 3, changed: 0, removed: 1 })).toBe('3 added, 1 removed');
  });

  test('close both readings when one of them breaks', async () => {
    const closed: string[] = [];
    async function* watched(name: string): Batches<IndexEntry> {
      try {
        for (let id = 0; ; id += 1) yield [entryOf(id, name)];
      } finally {
        closed.push(name);
      }
    }
    const broken = compareIndexes(watched('before'), watched('after'), () => {
      throw new Error('full');
    });
    await expect(broken).rejects.toThrow('full');
    expect(closed.sort()).toEqual(['after', 'before']);
  });
});
