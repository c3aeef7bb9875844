import type { Carried } from '../../domain/database-state.ts';
import type { GoldenQuestion, RecoverySet } from '../../domain/recovery-set.ts';
import {
  type Followed,
  questionsGate,
  sessionsGate,
  type Trace,
  type TracedQuestion,
  type TraceStore,
} from '../../domain/trace.ts';
import type { Gate } from '../../domain/verdict.ts';
import { openLines } from '../lines.ts';
import type { Work } from '../progress.ts';
import { readBaseline } from './golden.ts';
import type { StackPorts } from './ports.ts';

const TOP = 5;
/** Sessions that are followed besides those that were carried over. */
const SAMPLE = 100;
const BATCH = 500;

export interface TracePorts extends Pick<StackPorts, 'vectors' | 'rows' | 'store' | 'embedder' | 'sources'> {
  /** Sessions and messages, and which tables they lie in; absent where none are configured. */
  readonly traces?:
    { readonly store: TraceStore; readonly sessions?: string | undefined; readonly messages: string } | undefined;
}

/**
 * From questions to sources and from sessions to chunks. Every session that was carried over, or got a message that was, is
 * followed; of the others a sample.
 */
export async function checkTraceability(
  ports: TracePorts,
  { collection, set, carried }: { collection: string; set: RecoverySet; carried: readonly Carried[] },
  work: Work,
): Promise<Gate[]> {
  const questions = questionsGate(await traceQuestions(ports, { collection, set }, work));
  if (!ports.traces) return [questions];
  return [questions, sessionsGate(await followSessions(ports, ports.traces, { collection, carried }, work))];
}

/** Each golden question of the set leads to one of its sections: a point, that point's row, and the text it was made of. */
async function traceQuestions(
  ports: TracePorts,
  { collection, set }: { collection: string; set: RecoverySet },
  { signal, report }: Work,
): Promise<TracedQuestion[]> {
  const traced: TracedQuestion[] = [];
  const questions = await readBaseline(ports, set);
  for (const question of questions) {
    signal.throwIfAborted();
    report({ phase: 'follow questions to their sources', done: traced.length, total: questions.length });
    traced.push(await traceQuestion(ports, collection, question, signal));
  }
  return traced;
}

async function traceQuestion(
  { vectors, rows, embedder, sources }: TracePorts,
  collection: string,
  { question, sources: sections }: GoldenQuestion,
  signal: AbortSignal,
): Promise<TracedQuestion> {
  const hits = await vectors.query(collection, await embedder.embedQuery(question, signal), TOP, signal);
  const wanted = hits.filter(({ section }) => sections.includes(section)).map(({ id }) => id);
  const points = await vectors.retrieve(collection, wanted, signal);
  const texts = new Map(points.map(({ id, entry }) => [id, entry.text]));
  const found = rows
    ? (await rows.readTexts(wanted, signal)).filter(({ id, fingerprint }) => texts.get(id) === fingerprint)
    : [];
  const prints = found.map(({ fingerprint }) => fingerprint);
  const known = sources && prints.length > 0 ? await sources.find(prints) : undefined;
  return {
    question,
    point: wanted.length > 0,
    row: !rows || found.length > 0,
    source: sources ? (known?.size ?? 0) > 0 : undefined,
  };
}

async function followSessions(
  ports: TracePorts,
  traces: NonNullable<TracePorts['traces']>,
  { collection, carried }: { collection: string; carried: readonly Carried[] },
  { signal, report }: Work,
): Promise<Followed> {
  const must = await carriedSessions(ports, traces, carried, signal);
  const all = [...new Set([...must.sessions, ...must.ofMessages, ...(await traces.store.sample(SAMPLE, signal))])];
  const followed = { sessions: 0, messages: 0, chunks: 0, torn: [] as string[], retired: 0 };
  const seen = new Set<string>();
  const there = new Set<string>();
  for (let from = 0; from < all.length; from += BATCH) {
    signal.throwIfAborted();
    report({ phase: 'follow sessions to their chunks', done: from, total: all.length });
    const found = await traces.store.read(all.slice(from, from + BATCH), signal);
    for (const { session } of found) there.add(session);
    const cited = citedOf(found).filter((id) => !seen.has(id));
    for (const id of cited) seen.add(id);
    const { torn, retired } = await compareChunks(ports, collection, cited, signal);
    followed.sessions += found.length;
    followed.messages += found.reduce((sum, { messages }) => sum + messages, 0);
    followed.chunks += cited.length;
    followed.torn.push(...torn);
    followed.retired += retired;
  }
  return { ...followed, absent: must.ofMessages.filter((id) => !there.has(id)) };
}

function citedOf(found: readonly Trace[]): string[] {
  return [...new Set(found.flatMap(({ cited }) => cited))];
}

/** Keys are the text of the primary key, as Postgres writes it in a copy. */
async function carriedSessions(
  { store }: TracePorts,
  { store: traces, sessions, messages }: NonNullable<TracePorts['traces']>,
  carried: readonly Carried[],
  signal: AbortSignal,
): Promise<{ sessions: string[]; ofMessages: string[] }> {
  const keysOf = async (table: string | undefined): Promise<string[]> => {
    const list = carried.find((one) => one.table === table)?.keys;
    if (!list || list.count === 0) return [];
    const keys: string[] = [];
    for await (const batch of openLines(store, list.artifact, (line) => line.split('\t', 1)[0] ?? ''))
      keys.push(...batch);
    return keys;
  };
  const ids = await keysOf(messages);
  const ofMessages: string[] = [];
  for (let from = 0; from < ids.length; from += BATCH)
    ofMessages.push(...(await traces.sessionsOf(ids.slice(from, from + BATCH), signal)));
  return { sessions: await keysOf(sessions), ofMessages: [...new Set(ofMessages)] };
}

/** Ids of chunks that only one store has, or that say different things; and how many neither has. */
async function compareChunks(
  { vectors, rows }: TracePorts,
  collection: string,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<{ torn: string[]; retired: number }> {
  const torn: string[] = [];
  let retired = 0;
  for (let from = 0; from < ids.length; from += BATCH) {
    const batch = ids.slice(from, from + BATCH);
    const [points, found] = await Promise.all([
      vectors.retrieve(collection, batch, signal),
      rows ? rows.readTexts(batch, signal) : [],
    ]);
    const live = new Map(points.map(({ id, entry }) => [id, entry.text]));
    const kept = new Map(found.map(({ id, fingerprint }) => [id, fingerprint]));
    for (const id of batch) {
      if (!live.has(id) && !kept.has(id)) retired += 1;
      else if (rows ? live.get(id) !== kept.get(id) : !live.has(id)) torn.push(id);
    }
  }
  return { torn, retired };
}
