import { beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { asLines, LineWriter, openLines, readLines, writeLines } from '../../activities/lines.ts';
import { createDiskStore } from '../../activities/store/disk.ts';
import type { ArtifactStore } from '../../domain/artifacts.ts';
import type { IndexEntry } from '../../domain/index-entry.ts';
import { indexLine, parseIndexLine } from '../../domain/lines.ts';
import { temporaryFolder } from '../support/folder.ts';

describe('lines in the artifact store', () => {
  let store: ArtifactStore;
  beforeEach(() => {
    store = createDiskStore(temporaryFolder('lines'));
  });

  test('come back as they were written, wherever the pieces of bytes are cut', async () => {
    const line = fc.string({ unit: 'grapheme', minLength: 1 }).map((text) => text.replaceAll('\n', ' '));
    await fc.assert(
      fc.asyncProperty(fc.array(line), fc.integer({ min: 1, max: 9 }), async (lines, size) => {
        const bytes = Buffer.concat(await gather(asLines(batched(lines, 3), String)));
        const cut = async function* (): AsyncGenerator<Uint8Array> {
          for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
        };
        expect((await gather(readLines(cut(), String))).flat()).toEqual(lines);
      }),
    );
  });

  test('keep a section of an id index entry that holds tabs, quotes and newlines', async () => {
    const entry = { id: '18446744073709551615', text: 'a', body: 'b', vector: 'c', section: 'x\t"y"\nz' };
    const { artifact } = await writeLines(store, 'index', batched([entry], 1), indexLine);
    expect((await gather(openLines(store, artifact, parseIndexLine))).flat()).toEqual([entry]);
  });

  test('can be pushed into several lists at once, each counted', async () => {
    const even = new LineWriter<number>(store, 'even', String);
    const odd = new LineWriter<number>(store, 'odd', String);
    for (let n = 0; n < 200_000; n += 1_000) {
      const numbers = Array.from({ length: 1_000 }, (_, i) => n + i);
      await even.write(numbers.filter((i) => i % 2 === 0));
      await odd.write(numbers.filter((i) => i % 2 === 1));
    }
    const [evens, odds] = [await even.close(), await odd.close()];
    expect([evens.count, odds.count]).toEqual([100_000, 100_000]);
    const read = (await gather(openLines(store, odds.artifact, Number))).flat();
    expect(read).toEqual(Array.from({ length: 100_000 }, (_, i) => 2 * i + 1));
  });

  test('leave nothing when they are given up, and tell the writer when the store fails', async () => {
    const given = new LineWriter<string>(store, 'given-up', String);
    await given.write(['one']);
    await given.abort();
    expect(await store.list('')).toEqual([]);
    const refused = new LineWriter<string>(store, '../outside', String);
    await expect(refused.write(['one']).then(() => refused.close())).rejects.toMatchObject({
      code: 'STORE_UNREACHABLE',
    });
  });

  test('a million of them are read a batch at a time, never as a whole', async () => {
    const entries = async function* (): AsyncGenerator<IndexEntry[]> {
      for (let n = 0; n < 1_000_000; n += 10_000) {
        yield Array.from({ length: 10_000 }, (_, i) => ({
          id: String(n + i),
          text: '0123456789abcdef',
          body: 'fedcba9876543210',
          vector: '0f1e2d3c4b5a6978',
        }));
      }
    };
    const { artifact, count } = await writeLines(store, 'index', entries(), indexLine);
    expect(count).toBe(1_000_000);
    let read = 0;
    let most = 0;
    for await (const batch of openLines(store, artifact, parseIndexLine)) {
      read += batch.length;
      most = Math.max(most, batch.length);
    }
    expect(read).toBe(1_000_000);
    expect(most).toBeLessThan(20_000);
  });
});

async function* batched<T>(items: readonly T[], size: number): AsyncGenerator<readonly T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}

async function gather<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
