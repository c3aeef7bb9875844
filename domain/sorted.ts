import type { Batches } from './index-entry.ts';
import { comparePointIds, type PointId } from './point-id.ts';

/** Whichever of two ids comes first; the other one where one is absent. */
export function smaller(a: PointId | undefined, b: PointId | undefined): PointId | undefined {
  if (a === undefined) return b;
  return b === undefined || comparePointIds(a, b) <= 0 ? a : b;
}

/** One side of the merge: a batch at a time, with the promise that ids only ever grow. */
export class SortedReader<T extends { readonly id: PointId }> {
  readonly #batches: AsyncIterator<readonly T[]>;
  #batch: readonly T[] = [];
  #next = 0;
  #ended = false;

  constructor(batches: Batches<T>) {
    this.#batches = batches[Symbol.asyncIterator]();
  }

  get head(): T | undefined {
    return this.#batch[this.#next];
  }

  get drained(): boolean {
    return !this.#ended && this.#next >= this.#batch.length;
  }

  async refill(): Promise<void> {
    while (this.drained) {
      const last = this.#batch.at(-1)?.id;
      const next = await this.#batches.next();
      this.#next = 0;
      this.#ended = next.done === true;
      this.#batch = next.done === true ? [] : next.value;
      const first = this.#batch[0]?.id;
      if (last !== undefined && first !== undefined && comparePointIds(last, first) >= 0) throw outOfOrder(last, first);
    }
  }

  take(id: PointId): T | undefined {
    const entry = this.#batch[this.#next];
    if (entry?.id !== id) return undefined;
    this.#next += 1;
    const following = this.#batch[this.#next]?.id;
    if (following !== undefined && comparePointIds(id, following) >= 0) throw outOfOrder(id, following);
    return entry;
  }

  async close(): Promise<void> {
    await this.#batches.return?.();
  }
}

function outOfOrder(earlier: PointId, later: PointId): Error {
  return new Error(
    `the ids are not sorted: ${later} came after ${earlier}; a merge of unsorted lists would report nonsense`,
  );
}
