import type { PointId } from '../../domain/point-id.ts';
import type { Finding } from '../../domain/reconcile.ts';
import type { ChunkRow } from '../../domain/row-store.ts';
import type { StoredPoint } from '../../domain/vector-store.ts';
import { fieldAt } from './payload.ts';
import type { StackPorts } from './ports.ts';

/** What the stores know, now, of the points of a batch. */
export interface Evidence {
  /** Absent for a backend without a chunks table. */
  readonly rows: ReadonlyMap<PointId, ChunkRow> | undefined;
  readonly live: ReadonlyMap<PointId, StoredPoint>;
  readonly backup: ReadonlyMap<PointId, StoredPoint>;
}

type Where = { readonly collection: string; readonly scratch?: string | undefined };

export async function readEvidence(
  { vectors, rows }: Pick<StackPorts, 'vectors' | 'rows'>,
  { collection, scratch }: Where,
  findings: readonly Finding[],
  signal: AbortSignal,
): Promise<Evidence> {
  const ids = findings.map(({ id }) => id);
  const [found, live, backup] = await Promise.all([
    rows?.readTexts(ids, signal),
    vectors.retrieve(collection, ids, signal),
    scratch === undefined ? [] : vectors.retrieve(scratch, ids, signal),
  ]);
  return { rows: found && byId(found), live: byId(live), backup: byId(backup) };
}

function byId<T extends { readonly id: PointId }>(items: readonly T[]): ReadonlyMap<PointId, T> {
  return new Map(items.map((item) => [item.id, item]));
}

/** `newer`: somebody changed it after the assessment. `done`: an earlier attempt, or somebody else, mended it. */
export type Weight = 'embed' | 'done' | 'newer';
export type Verdicts = ReadonlyMap<Weight, readonly Finding[]>;

/** Decides before anything is embedded, since embedding is what costs. The write itself looks once more. */
export function weigh(finding: Finding, { rows, live }: Evidence): Weight {
  if (rows && rows.get(finding.id)?.fingerprint !== finding.text) return 'newer';
  const point = live.get(finding.id);
  if (!point) return finding.live === '' ? 'embed' : 'newer';
  if (point.entry.body === finding.live) return 'embed';
  return point.entry.text === finding.text && point.entry.fault === undefined ? 'done' : 'newer';
}

/**
 * The text of each finding that has one somewhere: in its row, in a payload that still says the same, or in the content
 * source. An empty text has no vector.
 */
export async function textsOf(
  { sources, fields }: Pick<StackPorts, 'sources' | 'fields'>,
  findings: readonly Finding[],
  { rows, live, backup }: Evidence,
): Promise<ReadonlyMap<PointId, string>> {
  const near = new Map<PointId, string>();
  for (const { id, text } of findings) {
    const said = [live.get(id), backup.get(id)].find((point) => point?.entry.text === text);
    const found = rows?.get(id)?.text || fieldAt(said?.payload, fields.text);
    if (typeof found === 'string' && found.trim() !== '') near.set(id, found);
  }
  const missing = findings.filter(({ id }) => !near.has(id));
  if (!sources || missing.length === 0) return near;
  const far = await sources.find(missing.map(({ text }) => text));
  const added = missing.map(({ id, text }) => [id, far.get(text)] as const);
  return new Map([...near, ...added.filter((pair): pair is [string, string] => pair[1] !== undefined)]);
}
