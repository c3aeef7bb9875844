import { z } from 'zod';
import type { ListRef } from '../../domain/artifacts.ts';
import { parseFindingLine } from '../../domain/lines.ts';
import type { Finding } from '../../domain/reconcile.ts';
import type { Progress, RepairCounts } from '../contract.ts';
import { openLines } from '../lines.ts';
import type { Work } from '../progress.ts';
import { inOrder, regroup } from './in-order.ts';
import type { Tools } from './tools.ts';

/** Points a request: about 2.5 MB of JSON at 768 dimensions. */
const BATCH = 256;

const cursorSchema = z.object({
  done: z.int().nonnegative(),
  written: z.int().nonnegative(),
  newer: z.int().nonnegative(),
});
type Cursor = z.infer<typeof cursorSchema>;

/**
 * Takes lists of findings through `repair`, a batch at a time with several batches in flight. The cursor only ever
 * covers the first so many findings, all of them done, so another attempt goes on from there; a batch that was done and
 * not yet counted is done again, which is why every `repair` must recognise its own work.
 */
export async function workThrough(
  { store, connection }: Tools,
  phase: string,
  lists: readonly ListRef[],
  { resume, report }: Work,
  repair: (findings: readonly Finding[]) => Promise<RepairCounts>,
): Promise<RepairCounts> {
  const total = lists.reduce((sum, { count }) => sum + count, 0);
  let cursor = cursorOf(resume);
  const tell = (): void => report({ phase, done: cursor.done, total, cursor: JSON.stringify(cursor) });
  tell();
  // A changed list must be found out before the first write, not at the end of the only reading.
  for (const { artifact } of lists) for await (const _ of store.open(artifact));
  const findings = async function* (): AsyncGenerator<readonly Finding[]> {
    for (const { artifact } of lists) yield* openLines(store, artifact, parseFindingLine);
  };
  const batches = regroup(findings(), BATCH, cursor.done);
  const done = inOrder(batches, connection.config.parallel, async (batch) => ({
    size: batch.length,
    ...(await repair(batch)),
  }));
  for await (const { size, written, newer } of done) {
    cursor = { done: cursor.done + size, written: cursor.written + written, newer: cursor.newer + newer };
    tell();
  }
  return { written: cursor.written, newer: cursor.newer };
}

function cursorOf(resume: Progress | undefined): Cursor {
  const none = { done: 0, written: 0, newer: 0 };
  if (resume?.cursor === undefined) return none;
  return cursorSchema.safeParse(JSON.parse(resume.cursor)).data ?? none;
}
