import type { Batches } from '../../domain/index-entry.ts';

/**
 * Works on items with at most `parallel` of them in flight and yields the results in the items' order, so that "so many
 * are done" always means the first so many. When one fails, the others are awaited before the failure goes on: nothing
 * is still being written when an activity has ended.
 */
export async function* inOrder<T, R>(
  items: AsyncIterable<T>,
  parallel: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const running: Promise<R>[] = [];
  try {
    for await (const item of items) {
      const started = work(item);
      started.catch(() => undefined);
      running.push(started);
      if (running.length >= parallel) yield await next(running);
    }
    while (running.length > 0) yield await next(running);
  } finally {
    await Promise.allSettled(running);
  }
}

async function next<R>(running: Promise<R>[]): Promise<R> {
  const [first] = running;
  try {
    return await (first as Promise<R>);
  } finally {
    void running.shift();
  }
}

/** Batches of exactly `size` items (the last may be smaller), without the first `skip` items. */
export async function* regroup<T>(batches: Batches<T>, size: number, skip = 0): AsyncGenerator<readonly T[]> {
  let pending: T[] = [];
  let left = skip;
  for await (const batch of batches) {
    pending.push(...batch.slice(left));
    left = Math.max(0, left - batch.length);
    let at = 0;
    for (; pending.length - at >= size; at += size) yield pending.slice(at, at + size);
    pending = pending.slice(at);
  }
  if (pending.length > 0) yield pending;
}
