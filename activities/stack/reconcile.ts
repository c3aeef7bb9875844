import { randomUUID } from 'node:crypto';
import { contentOf, type ListRef } from '../../domain/artifacts.ts';
import { type Damage, DamageSummariser } from '../../domain/damage.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { describeCount } from '../../domain/format.ts';
import type { Batches, IndexEntry, RowEntry } from '../../domain/index-entry.ts';
import { findingLine, parseIndexLine } from '../../domain/lines.ts';
import { type Finding, reconcile, type Remedy, type Tally } from '../../domain/reconcile.ts';
import type { RecoverySet } from '../../domain/recovery-set.ts';
import type { Depth } from '../../domain/vector-store.ts';
import { LineWriter, openLines } from '../lines.ts';
import type { Work } from '../progress.ts';
import type { StackPorts } from './ports.ts';

const REMEDIES = ['copy', 'reembed', 'drop'] as const satisfies readonly Remedy[];
/** A finding line with a UUID, three fingerprints and a long section name. */
const LINE_BYTES = 300;

type Ports = Pick<StackPorts, 'vectors' | 'rows' | 'store'>;
interface Question {
  readonly collection: string;
  readonly set?: RecoverySet | undefined;
  readonly depth: Depth;
  readonly folder: string;
  readonly as?: 'set' | 'nothing' | undefined;
  /** Rows that do not count: `id TAB …` a line. */
  readonly except?: ListRef | undefined;
}

/**
 * Finds what Qdrant, Postgres and the recovery set disagree about, in one pass and in constant memory, and writes one
 * list of findings for each remedy. Without rows, the set itself is what is expected: then a point that it does not know,
 * or knows with another text, is newer than the set, and neither an orphan nor stale.
 */
export async function reconcileStack(ports: Ports, question: Question, work: Work): Promise<Damage> {
  const { rows, store } = ports;
  const { set, folder } = question;
  if (!rows && !set)
    throw new RecoveryError(
      'NO_RECOVERY_SET',
      'there are neither chunk rows nor a set that say what Qdrant should hold',
    );
  if (set) await checkSpace(ports, set);
  const lists = openLists(ports, folder);
  const summary = new DamageSummariser();
  try {
    const live = counted(liveSide(ports, question, work.signal), set?.qdrant.points ?? 0, work);
    const backup = set ? openLines(store, set.qdrant.index, parseIndexLine) : nothing();
    const tally = await reconcile(live, await rowSide(ports, question, work.signal), backup, async (findings) => {
      summary.add(findings);
      await writeLists(lists, findings);
    });
    if (set) refuseEmptyRows(tally, set);
    return {
      ...summary.summary(tally),
      copy: await lists.copy.close(),
      reembed: await lists.reembed.close(),
      drop: await lists.drop.close(),
    };
  } catch (error) {
    await Promise.all(REMEDIES.map((remedy) => lists[remedy].abort()));
    throw error;
  }
}

/** What is there: in the collection, or in imagination, for a look ahead. */
function liveSide(
  { vectors, store }: Ports,
  { collection, set, depth, as }: Question,
  signal: AbortSignal,
): Batches<IndexEntry> {
  if (as === undefined) return vectors.readIndex(collection, depth, signal);
  return as === 'set' && set ? openLines(store, set.qdrant.index, parseIndexLine) : nothing();
}

async function rowSide(
  { rows, store }: Ports,
  { except }: Question,
  signal: AbortSignal,
): Promise<Batches<RowEntry> | undefined> {
  const all = rows?.readRows(signal);
  if (!all || !except || except.count === 0) return all;
  const out = new Set<string>();
  for await (const batch of openLines(store, except.artifact, (line) => line.slice(0, line.indexOf('\t'))))
    for (const id of batch) out.add(id);
  return without(all, out);
}

async function* without(rows: Batches<RowEntry>, out: ReadonlySet<string>): Batches<RowEntry> {
  for await (const batch of rows) yield batch.filter(({ id }) => !out.has(id));
}

async function* nothing(): Batches<never> {}

type Lists = Record<Remedy, LineWriter<Finding>>;

/** Every attempt writes under names of its own, since artifacts are never replaced. */
function openLists({ store }: Ports, folder: string): Lists {
  const attempt = randomUUID().slice(0, 8);
  const open = (remedy: Remedy): LineWriter<Finding> =>
    new LineWriter(store, `${folder}/${remedy}-${attempt}.ndjson`, findingLine);
  return { copy: open('copy'), reembed: open('reembed'), drop: open('drop') };
}

async function writeLists(lists: Lists, findings: readonly Finding[]): Promise<void> {
  for (const remedy of REMEDIES) await lists[remedy].write(findings.filter((finding) => finding.remedy === remedy));
}

/** A run writes the damaged state, about as large as the set's snapshot, and downloads; it must not die half-way. */
async function checkSpace({ store }: Ports, set: RecoverySet): Promise<void> {
  const needed = contentOf(set.qdrant.snapshot).bytes * 2 + set.qdrant.points * LINE_BYTES;
  const free = await store.freeBytes();
  if (free === undefined || free >= needed) return;
  throw new RecoveryError(
    'DISK_SHORT',
    `artifact store: ${describeCount(free)} bytes are free, and this recovery may need ${describeCount(needed)} (twice the snapshot, and the lists)`,
  );
}

/** An empty table is a wrong table, or a loss of Postgres; either way the vectors are not what is wrong. */
function refuseEmptyRows(tally: Tally, set: RecoverySet): void {
  if (tally.rows > 0 || tally.live + tally.set === 0) return;
  throw new RecoveryError(
    'UNEXPECTED_SCHEMA',
    `postgres.tables.chunks: the table has no row with a point id, while Qdrant holds ${describeCount(tally.live)} points and ${set.id} holds ` +
      `${describeCount(tally.set)}; every vector would count as an orphan. If Postgres lost its rows, recover Postgres first`,
  );
}

async function* counted<T>(batches: Batches<T>, total: number, work: Work): Batches<T> {
  let done = 0;
  for await (const batch of batches) {
    yield batch;
    done += batch.length;
    work.report({ phase: 'reconcile (points read)', done, total });
  }
}
