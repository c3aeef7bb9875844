import type { Batches } from '../../../domain/index-entry.ts';
import { compareBytewise, type Keyed } from './keyed-rows.ts';

/** A key, and what each of two lists has of it. At least one has something. */
export interface Pair {
  readonly one?: Keyed | undefined;
  readonly other?: Keyed | undefined;
}

/**
 * Reads two sorted lists side by side, in constant memory. A key that one list has several times is paired one by one: what is
 * left over stands alone.
 * @throws Error for a list that is not sorted: its comparison would report nonsense
 */
export async function* mergeKeyed(one: Batches<Keyed>, other: Batches<Keyed>): Batches<Pair> {
  const [left, right] = [new KeyedReader(one), new KeyedReader(other)];
  try {
    for (;;) {
      // At once, so that neither server waits for the other.
      await Promise.all([left.refill(), right.refill()]);
      if (left.head === undefined && right.head === undefined) return;
      yield pairsOf(left, right);
    }
  } finally {
    await Promise.all([left.close(), right.close()]);
  }
}

/** Everything up to where one of both must be read on. */
function pairsOf(left: KeyedReader, right: KeyedReader): Pair[] {
  const pairs: Pair[] = [];
  while (!left.drained && !right.drained) {
    const [one, other] = [left.head, right.head];
    if (one === undefined && other === undefined) break;
    const order = one === undefined ? 1 : other === undefined ? -1 : compareBytewise(one.key, other.key);
    pairs.push({ ...(order <= 0 ? { one } : {}), ...(order >= 0 ? { other } : {}) });
    if (order <= 0) left.advance();
    if (order >= 0) right.advance();
  }
  return pairs;
}

/** One side of a merge: a batch at a time, with the promise that keys never fall. */
export class KeyedReader {
  readonly #batches: AsyncIterator<readonly Keyed[]>;
  #batch: readonly Keyed[] = [];
  #next = 0;
  #ended = false;

  constructor(batches: Batches<Keyed>) {
    this.#batches = batches[Symbol.asyncIterator]();
  }

  get head(): Keyed | undefined {
    return this.#batch[this.#next];
  }

  /** Whether more must be read before `head` says anything. */
  get drained(): boolean {
    return !this.#ended && this.#next >= this.#batch.length;
  }

  advance(): void {
    const before = this.#batch[this.#next];
    this.#next += 1;
    mustFollow(before, this.#batch[this.#next]);
  }

  async refill(): Promise<void> {
    while (this.drained) {
      const last = this.#batch.at(-1);
      const next = await this.#batches.next();
      this.#next = 0;
      this.#ended = next.done === true;
      this.#batch = next.done === true ? [] : next.value;
      mustFollow(last, this.#batch[0]);
    }
  }

  /** Whether the list has this key. Keys are asked for in rising order. */
  async has(key: string): Promise<boolean> {
    for (;;) {
      if (this.drained) await this.refill();
      const { head } = this;
      if (head === undefined) return false;
      const order = compareBytewise(head.key, key);
      if (order >= 0) return order === 0;
      this.advance();
    }
  }

  async close(): Promise<void> {
    await this.#batches.return?.();
  }
}

function mustFollow(before: Keyed | undefined, after: Keyed | undefined): void {
  if (before === undefined || after === undefined || compareBytewise(before.key, after.key) <= 0) return;
  throw new Error(`rows are not sorted: ${after.key.slice(0, 80)} came after ${before.key.slice(0, 80)}`);
}
