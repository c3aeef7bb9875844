import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createHash, randomBytes } from 'node:crypto';
import { type ArtifactStore, contentOf } from '../../../domain/artifacts.ts';

export interface StoreUnderTest {
  readonly store: ArtifactStore;
  /** Changes the stored bytes behind the store's back; `undefined` removes them. */
  tamper(key: string, bytes: Uint8Array | undefined): Promise<void>;
  /** What a key that was put is called where it lies; the key itself when absent. */
  liesAs?(key: string): string;
  /** Everything else that a put may leave: temporary files, unfinished uploads. */
  leftovers?(): Promise<readonly string[]>;
  /** Whether the server looks and writes in two steps, so that two writers at the same moment may both be told that they won. */
  readonly mayTellBothThatTheyWon?: boolean;
  close(): Promise<void>;
}

/** More than a part of an upload, and no multiple of anything. */
const LARGE = 35_000_001;

/** What every artifact store must do, whichever way it keeps its bytes. */
export function storeContract(name: string, start: () => Promise<StoreUnderTest>): void {
  describe(`${name} as an artifact store`, () => {
    let under: StoreUnderTest;
    let store: ArtifactStore;
    const lies = (key: string): string => under.liesAs?.(key) ?? key;
    beforeEach(async () => {
      under = await start();
      store = under.store;
    });
    afterEach(() => under.close());

    test('gives back what was put, and says how long it is and what it hashes to', async () => {
      const bytes = Buffer.alloc(700_000, 'recovery ');
      const artifact = await store.put('sets/one/data.bin', pieces(bytes, 65_536));
      expect(artifact.key).toBe(lies('sets/one/data.bin'));
      expect(contentOf(artifact)).toEqual({ bytes: 700_000, sha256: hashOf(bytes) });
      expect(bytes.equals(await collect(store.open(artifact)))).toBe(true);
    });

    test('gives back a large artifact as it was', async () => {
      const bytes = randomBytes(LARGE);
      const artifact = await store.put('large', pieces(bytes, 131_072));
      expect(contentOf(artifact)).toEqual({ bytes: LARGE, sha256: hashOf(bytes) });
      expect(bytes.equals(await collect(store.open(artifact)))).toBe(true);
    });

    test('gives back what came in many small pieces, some of them late', async () => {
      const bytes = randomBytes(300_000);
      const late = async function* (): AsyncGenerator<Uint8Array> {
        for await (const piece of pieces(bytes, 997)) {
          yield piece;
          if (piece[0] === 0) await new Promise((resolve) => setImmediate(resolve));
        }
      };
      const artifact = await store.put('small-pieces', late());
      expect(bytes.equals(await collect(store.open(artifact)))).toBe(true);
    });

    test('keeps an empty artifact', async () => {
      const artifact = await store.put('empty', pieces(Buffer.alloc(0), 1));
      expect(contentOf(artifact).bytes).toBe(0);
      expect((await collect(store.open(artifact))).length).toBe(0);
    });

    test('never replaces a key, and leaves the first bytes as they were', async () => {
      const first = await store.put('a/b', pieces(Buffer.from('first'), 5));
      await expect(store.put('a/b', pieces(Buffer.from('second'), 5))).rejects.toMatchObject({
        code: 'STORE_UNREACHABLE',
        message: expect.stringContaining('a/b'),
      });
      expect((await collect(store.open(first))).toString()).toBe('first');
    });

    test('lets exactly one of two writers of a key win', async () => {
      const outcomes = await Promise.allSettled(
        ['left', 'right'].map((text) => store.put('race', pieces(Buffer.from(text), 2))),
      );
      const won = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
      expect([1, ...(under.mayTellBothThatTheyWon ? [2] : [])]).toContain(won.length);
      const reads = await Promise.allSettled(won.map((artifact) => collect(store.open(artifact))));
      const whole = reads.flatMap((read) => (read.status === 'fulfilled' ? [read.value.toString()] : []));
      expect([['left'], ['right']]).toContainEqual(whole);
    });

    test('leaves nothing under the key when the data fails, and passes that failure on', async () => {
      const failing = async function* (): AsyncGenerator<Uint8Array> {
        yield Buffer.from('half of it');
        throw new RangeError('the source broke');
      };
      await expect(store.put('broken', failing())).rejects.toThrow(new RangeError('the source broke'));
      expect(await store.readSmall('broken')).toBeUndefined();
      expect(await store.list('')).toEqual([]);
    });

    test('leaves nothing of a large artifact whose data fails late', async () => {
      const failing = async function* (): AsyncGenerator<Uint8Array> {
        yield* pieces(Buffer.alloc(LARGE), 1 << 20);
        throw new RangeError('the source broke');
      };
      await expect(store.put('broken', failing())).rejects.toThrow(new RangeError('the source broke'));
      expect(await store.list('')).toEqual([]);
      expect((await under.leftovers?.()) ?? []).toEqual([]);
    });

    test('reads a part of a large artifact and lets go of the rest', async () => {
      const artifact = await store.put('large', pieces(Buffer.alloc(LARGE, 'x'), 1 << 20));
      for await (const piece of store.open(artifact)) {
        expect(piece.length).toBeGreaterThan(0);
        break;
      }
      expect((await collect(store.open(artifact))).length).toBe(LARGE);
    });

    test.each([
      ['changed', Buffer.from('originaL')],
      ['shortened', Buffer.from('orig')],
      ['lengthened', Buffer.from('original and more')],
      ['removed', undefined],
    ])('refuses an artifact that was %s, by name', async (_how, bytes) => {
      const artifact = await store.put('sets/x/index', pieces(Buffer.from('original'), 3));
      await under.tamper(lies('sets/x/index'), bytes);
      await expect(collect(store.open(artifact))).rejects.toMatchObject({
        code: 'SET_TAMPERED',
        message: expect.stringContaining('sets/x/index'),
      });
    });

    test.each(['../escape', 'a/../../escape', '/etc/passwd', 'a//b', 'a/.hidden', '', 'a\0b', '.', 'a/'])(
      'refuses the key %j',
      async (key) => {
        await expect(store.put(key, pieces(Buffer.from('x'), 1))).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
        const reference = { key, bytes: 1, sha256: '0'.repeat(64) };
        await expect(collect(store.open(reference))).rejects.toMatchObject({ code: 'SET_TAMPERED' });
      },
    );

    test('lists keys by prefix, sorted', async () => {
      for (const key of ['sets/b/manifest.json', 'sets/a/manifest.json', 'sets/a/index', 'runs/r/report.json']) {
        await store.put(key, pieces(Buffer.from(key), 100));
      }
      const sets = ['sets/a/index', 'sets/a/manifest.json', 'sets/b/manifest.json'];
      expect(await store.list('sets/')).toEqual(sets.map(lies));
      expect(await store.list('sets/a/m')).toEqual([lies('sets/a/manifest.json')]);
      expect(await store.list('none/')).toEqual([]);
    });

    test('reads a small artifact by key, and removes it as often as asked', async () => {
      await store.put('note', pieces(Buffer.from('hello'), 5));
      expect(Buffer.from((await store.readSmall('note')) ?? []).toString()).toBe('hello');
      await store.remove('note');
      await store.remove('note');
      expect(await store.readSmall('note')).toBeUndefined();
    });
  });
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export async function collect(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of bytes) parts.push(part);
  return Buffer.concat(parts);
}
