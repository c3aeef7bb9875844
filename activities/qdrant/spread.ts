import type { Batches, IndexEntry } from '../../domain/index-entry.ts';
import type { PointId } from '../../domain/point-id.ts';

/** Ids from all over a collection. */
export interface Spread {
  readonly ids: PointId[];
  /** True when these are all that there are. */
  readonly complete: boolean;
}

/** Between `count` and twice as many ids (all of them where there are fewer), evenly from the whole order, in constant memory. */
export async function spreadOf(entries: Batches<IndexEntry>, count: number): Promise<Spread> {
  let kept: PointId[] = [];
  let [at, stride] = [0, 1];
  for await (const batch of entries) {
    for (const { id } of batch) {
      if (at % stride === 0) kept.push(id);
      at += 1;
      if (kept.length <= 2 * count) continue;
      kept = kept.filter((_, place) => place % 2 === 0);
      stride *= 2;
    }
  }
  return { ids: kept, complete: stride === 1 };
}

/** At most `count` of a list, evenly. */
export function evenly<T>(items: readonly T[], count: number): T[] {
  const stride = Math.max(1, items.length / count);
  return Array.from({ length: Math.min(count, items.length) }, (_, at) => items[Math.floor(at * stride)]).filter(
    (item) => item !== undefined,
  );
}
