import { z } from 'zod';
import type { ListRef } from '../../domain/artifacts.ts';
import { parseFindingLine } from '../../domain/lines.ts';
import type { Finding } from '../../domain/reconcile.ts';
import type { PointWrite } from '../../domain/vector-store.ts';
import type { Progress, RepairCounts } from '../contract.ts';
import { inBatches, openLines } from '../lines.ts';
import type { Work } from '../progress.ts';
import { payloadOf } from './payload.ts';
import type { StackPorts } from './ports.ts';
import { readEvidence, textsOf, type Verdicts, weigh } from './texts.ts';

type Ports = Pick<StackPorts, 'vectors' | 'rows' | 'store' | 'embedder' | 'sources' | 'fields'>;
export type ReembedCounts = RepairCounts & { readonly unavailable: number };
interface Task {
  readonly list: ListRef;
  readonly collection: string;
  /** Collection with the set's points, when it was restored. */
  readonly scratch?: string | undefined;
}

const cursorSchema = z.object({
  done: z.int().nonnegative(),
  written: z.int().nonnegative(),
  newer: z.int().nonnegative(),
  unavailable: z.int().nonnegative(),
});
type Cursor = z.infer<typeof cursorSchema>;

/**
 * Embeds the listed texts again and writes them, a batch at a time. The cursor covers whole batches, all of them done; a
 * batch that was written and not counted is recognised by its text and not embedded twice.
 */
export async function reembedPoints(ports: Ports, task: Task, work: Work): Promise<ReembedCounts> {
  const { store, embedder } = ports;
  const { artifact, count } = task.list;
  let cursor = cursorOf(work.resume);
  const tell = (): void =>
    work.report({ phase: 'embed again', done: cursor.done, total: count, cursor: JSON.stringify(cursor) });
  tell();
  // A changed list must be found out before the first write, not at the end of the only reading.
  for await (const _ of store.open(artifact)) work.signal.throwIfAborted();
  for await (const batch of inBatches(openLines(store, artifact, parseFindingLine), embedder.batch, cursor.done)) {
    work.signal.throwIfAborted();
    const counts = await reembedBatch(ports, task, batch, work.signal);
    cursor = {
      done: cursor.done + batch.length,
      written: cursor.written + counts.written,
      newer: cursor.newer + counts.newer,
      unavailable: cursor.unavailable + counts.unavailable,
    };
    tell();
  }
  return { written: cursor.written, newer: cursor.newer, unavailable: cursor.unavailable };
}

async function reembedBatch(
  ports: Ports,
  task: Task,
  findings: readonly Finding[],
  signal: AbortSignal,
): Promise<ReembedCounts> {
  const evidence = await readEvidence(ports, task, findings, signal);
  const verdicts: Verdicts = Map.groupBy(findings, (finding) => weigh(finding, evidence));
  const wanted = verdicts.get('embed') ?? [];
  const texts = await textsOf(ports, wanted, evidence);
  const found = wanted.flatMap((finding) => {
    const text = texts.get(finding.id);
    return text === undefined ? [] : [{ finding, text }];
  });
  const vectors = await ports.embedder.embedDocuments(
    found.map(({ text }) => text),
    signal,
  );
  const points = found.map(({ finding, text }, at): PointWrite => {
    const before = evidence.live.get(finding.id) ?? evidence.backup.get(finding.id);
    const facts = evidence.rows?.get(finding.id) ?? { text, ...(before ? {} : { source: finding.section }) };
    return {
      id: finding.id,
      vector: vectors[at] ?? [],
      payload: payloadOf(before?.payload ?? {}, { ...facts, text }, ports.fields),
      text: finding.text,
      live: finding.live,
    };
  });
  const result =
    points.length === 0 ? { written: 0, newer: 0 } : await ports.vectors.writePoints(task.collection, points, signal);
  return {
    written: result.written + (verdicts.get('done')?.length ?? 0),
    newer: result.newer + (verdicts.get('newer')?.length ?? 0),
    unavailable: wanted.length - found.length,
  };
}

function cursorOf(resume: Progress | undefined): Cursor {
  const none = { done: 0, written: 0, newer: 0, unavailable: 0 };
  if (resume?.cursor === undefined) return none;
  return cursorSchema.safeParse(JSON.parse(resume.cursor)).data ?? none;
}
