import { sleep } from '@temporalio/workflow';

/** Looks, and looks again after a pause, until what was seen so far comes to a finding: a blip is no failure. */
export async function lookUntilSure<P, D>(
  look: () => Promise<P>,
  judge: (seen: readonly P[]) => D | undefined,
  everySeconds: number,
): Promise<D> {
  const seen: P[] = [];
  for (;;) {
    seen.push(await look());
    const finding = judge(seen);
    if (finding) return finding;
    await sleep(everySeconds * 1000, { summary: 'before the next look' });
  }
}
