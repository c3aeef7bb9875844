import type { Batches, IndexEntry } from '../../domain/index-entry.ts';
import { parseIndexLine } from '../../domain/lines.ts';
import { ownTextGate } from '../../domain/own-text.ts';
import type { RecoverySet } from '../../domain/recovery-set.ts';
import type { Gate } from '../../domain/verdict.ts';
import { openLines } from '../lines.ts';
import type { Work } from '../progress.ts';
import { fieldAt } from './payload.ts';
import type { StackPorts } from './ports.ts';

const SAMPLE = 20;
const TOP = 5;

type Ports = Pick<StackPorts, 'vectors' | 'store' | 'embedder' | 'fields'>;

/**
 * Stands in where no golden question asks about the affected sections: a sample of their chunks is embedded again, and
 * each must be among the five nearest to its own text. It proves that they are back, searchable, and of this embedding
 * space; it does not prove that people's own words find them.
 */
export async function checkOwnText(
  { vectors, store, embedder, fields }: Ports,
  { collection, set, sections }: { collection: string; set: RecoverySet; sections: readonly string[] },
  { report, signal }: Work,
): Promise<Gate> {
  const ids = (await sample(openLines(store, set.qdrant.index, parseIndexLine), new Set(sections))).map(({ id }) => id);
  const points = (await vectors.retrieve(collection, ids, signal)).flatMap(({ id, payload }) => {
    const text = fieldAt(payload, fields.text);
    return typeof text === 'string' && text !== '' ? [{ id, text }] : [];
  });
  const embedded = await embedder.embedDocuments(
    points.map(({ text }) => text),
    signal,
  );
  const lost = [];
  for (const [at, { id }] of points.entries()) {
    report({ phase: 'ask with the chunks’ own text', done: at, total: points.length });
    const hits = await vectors.query(collection, embedded[at] ?? [], TOP, signal);
    if (!hits.some((hit) => hit.id === id)) lost.push(id);
  }
  return ownTextGate(points.length, lost);
}

/** The entries with the smallest text fingerprints: a fair sample, since a hash prefers nobody, and the same every time. */
async function sample(entries: Batches<IndexEntry>, sections: ReadonlySet<string>): Promise<IndexEntry[]> {
  let kept: IndexEntry[] = [];
  for await (const batch of entries) {
    const candidates = batch.filter(
      ({ fault, section = '' }) => !fault && (sections.size === 0 || sections.has(section)),
    );
    kept = [...kept, ...candidates].sort((a, b) => (a.text < b.text ? -1 : 1)).slice(0, SAMPLE);
  }
  return kept;
}
