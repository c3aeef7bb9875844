import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { ListRef } from '../../domain/artifacts.ts';
import { type ContentChunk, contentGate, parseContentLine } from '../../domain/reindex.ts';
import type { Gate } from '../../domain/verdict.ts';
import { inBatches, openLines } from '../lines.ts';
import type { Work } from '../progress.ts';
import { knownOf } from './content-source.ts';
import { payloadOf, withField } from './payload.ts';
import type { StackPorts } from './ports.ts';

type Ports = Pick<StackPorts, 'vectors' | 'store' | 'embedder' | 'fields'> & {
  readonly headingField?: string | undefined;
};

const cursorSchema = z.int().nonnegative();

/** Embeds the listed chunks and writes them, a batch at a time; what is there already with its text is passed over. */
export async function embedContent(
  ports: Ports,
  { list, collection, from }: { list: ListRef; collection: string; from?: string | undefined },
  { resume, signal, report }: Work,
): Promise<{ written: number }> {
  const { store, embedder } = ports;
  let done = cursorSchema.safeParse(Number(resume?.cursor ?? 0)).data ?? 0;
  const tell = (): void => report({ phase: 'embed', done, total: list.count, cursor: String(done) });
  tell();
  // A changed list must be found out before the first write, not at the end of the only reading.
  for await (const _ of store.open(list.artifact)) signal.throwIfAborted();
  for await (const batch of inBatches(openLines(store, list.artifact, parseContentLine), embedder.batch, done)) {
    signal.throwIfAborted();
    await embedBatch(ports, { collection, from }, batch, signal);
    done += batch.length;
    tell();
  }
  return { written: done };
}

async function embedBatch(
  { vectors, embedder, fields, headingField }: Ports,
  { collection, from }: { collection: string; from: string | undefined },
  chunks: readonly ContentChunk[],
  signal: AbortSignal,
): Promise<void> {
  const ids = chunks.map(({ id }) => id);
  const written = new Map((await vectors.retrieve(collection, ids, signal)).map(({ id, entry }) => [id, entry]));
  const wanted = chunks.filter(({ id, fingerprint }) => {
    const there = written.get(id);
    return there?.text !== fingerprint || there.fault !== undefined;
  });
  if (wanted.length === 0) return;
  const before = from === undefined ? [] : await vectors.retrieve(from, ids, signal);
  const payloads = new Map(before.map(({ id, payload }) => [id, payload]));
  const embedded = await embedder.embedDocuments(
    wanted.map(({ text }) => text),
    signal,
  );
  const points = wanted.map(({ id, section, index, heading, text, fingerprint }, at) => {
    const facts = { text, source: section, index, hash: createHash('sha256').update(text).digest('hex') };
    const payload = payloadOf(payloads.get(id) ?? {}, facts, fields);
    return {
      id,
      vector: embedded[at] ?? [],
      payload: headingField === undefined ? payload : withField(payload, headingField, heading),
      text: fingerprint,
      live: written.get(id)?.body ?? '',
    };
  });
  await vectors.writePoints(collection, points, signal);
}

/** Reads the whole collection, vectors and all. */
export async function checkContent(
  { vectors, store }: Pick<Ports, 'vectors' | 'store'>,
  { list, collection, besides = 0 }: { list: ListRef; collection: string; besides?: number | undefined },
  { signal, report }: Work,
): Promise<Gate[]> {
  const { texts } = await knownOf(store, list);
  const missing = new Map(texts);
  let [points, faults] = [0, 0];
  for await (const batch of vectors.readIndex(collection, 'content', signal)) {
    for (const { id, text, fault } of batch) {
      if (fault !== undefined) faults += 1;
      if (missing.get(id) === text) missing.delete(id);
    }
    points += batch.length;
    report({ phase: 'read it back', done: points, total: list.count + besides });
  }
  return [contentGate({ points, expected: texts.size + besides, wrong: [...missing.keys()], faults })];
}
