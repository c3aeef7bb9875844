/** Seconds that `work` takes, and what it returns. */
export async function timed<T>(work: () => Promise<T>): Promise<{ seconds: number; result: T }> {
  const start = performance.now();
  const result = await work();
  return { seconds: (performance.now() - start) / 1000, result };
}

/** The middle one; of an even number the mean of the two in the middle. @throws Error when there is none */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[sorted.length % 2 === 1 ? middle : middle - 1], sorted[middle]];
  if (low === undefined || high === undefined) throw new Error('the median of nothing');
  return (low + high) / 2;
}

/** `12,345/s` */
export function perSecond(count: number, seconds: number): string {
  return `${Math.round(count / seconds).toLocaleString('en-GB')}/s`;
}

/** Of ways that were tried, the one that took the fewest seconds. @throws Error when there is none */
export function fastest<T>(tried: readonly (readonly [number, T])[]): T {
  const [first, ...rest] = tried;
  if (!first) throw new Error('nothing was tried');
  return rest.reduce((best, one) => (one[0] < best[0] ? one : best), first)[1];
}
