import { describeCount } from './format.ts';
import type { PointId } from './point-id.ts';
import type { Gate } from './verdict.ts';

/** What the messages of one session cite. */
export interface Trace {
  readonly session: string;
  readonly messages: number;
  /** Ids of the chunks that are cited, each once. */
  readonly cited: readonly PointId[];
}

/** A row to write for a point that has none. */
export interface RebuiltRow {
  readonly id: PointId;
  readonly text: string;
  readonly source: string;
  readonly index?: number | undefined;
  readonly hash?: string | undefined;
  /** Payload fields by the columns that are configured to be made of them; absent where the point has none. */
  readonly further: Readonly<Record<string, string>>;
}

/** What a row was, and what was made of it: enough to put it back, and to see whether somebody has changed it since. */
export interface AlteredRow {
  readonly id: PointId;
  /** The whole row as JSON text; null for one that was not there. */
  readonly before: string | null;
  /** Fingerprint of the text that was written. */
  readonly after: string;
}

/** Rows to bring in line with what they are indexed as. */
export interface RowAlignment {
  readonly rows: AsyncIterable<readonly RebuiltRow[]>;
  /** Fingerprint that a row had when it was assessed, for those to be changed: one that has another by now is left alone. */
  readonly then: ReadonlyMap<PointId, string>;
  /** Takes what the rows were, before anything is committed. */
  readonly keep: (altered: readonly AlteredRow[]) => Promise<void>;
  /** Makes what was taken durable. */
  readonly seal: () => Promise<void>;
}

/** What the rest of the product may ask of sessions and their messages. @throws POSTGRES_*, UNEXPECTED_SCHEMA */
export interface TraceStore {
  /** Ids of at most `limit` sessions that have messages, the same ones each time. */
  sample(limit: number, signal?: AbortSignal): Promise<string[]>;
  /** Sessions that these messages belong to. */
  sessionsOf(messages: readonly string[], signal?: AbortSignal): Promise<string[]>;
  /** What these sessions (at most 1,000) cite. One that is not there, or has no messages, is left out. */
  read(sessions: readonly string[], signal?: AbortSignal): Promise<Trace[]>;
}

/** What following sessions to their chunks came to. */
export interface Followed {
  readonly sessions: number;
  readonly messages: number;
  readonly chunks: number;
  /** Chunks that are in one of the stores alone, or say another thing in each. */
  readonly torn: readonly string[];
  /** Chunks that are in neither: taken away since. */
  readonly retired: number;
  /** Sessions that were carried over and are not there. */
  readonly absent: readonly string[];
}

const NAMED = 3;

/** From a session to the chunks that its answers rest on. */
export function sessionsGate({ sessions, messages, chunks, torn, retired, absent }: Followed): Gate {
  const gate = {
    name: 'sessions to chunks',
    expected: 'every chunk that a message cites is in both stores, and says the same',
  };
  if (sessions === 0 && absent.length === 0)
    return { ...gate, verdict: 'unproven', observed: 'there is no session with messages' };
  const counts = `${describeCount(sessions)} sessions, ${describeCount(messages)} messages, ${describeCount(chunks)} chunks`;
  const gone = retired === 0 ? '' : `; ${describeCount(retired)} were taken away since`;
  if (torn.length + absent.length === 0) return { ...gate, verdict: 'pass', observed: counts + gone };
  const wrong = [
    torn.length > 0 ? `${describeCount(torn.length)} chunks are not: ${torn.slice(0, NAMED).join(', ')}` : '',
    absent.length > 0 ? `${describeCount(absent.length)} sessions are gone: ${absent.slice(0, NAMED).join(', ')}` : '',
  ].filter((word) => word !== '');
  return { ...gate, verdict: 'fail', observed: `${counts}; ${wrong.join('; ')}` };
}

/** How far a golden question led: to a point of one of its sections, to that point's row, to the text that the row was made of. */
export interface TracedQuestion {
  readonly question: string;
  readonly point: boolean;
  readonly row: boolean;
  /** Undefined where no source text is configured. */
  readonly source: boolean | undefined;
}

/** From a question to its source text. */
export function questionsGate(traced: readonly TracedQuestion[]): Gate {
  const withSource = traced.some(({ source }) => source !== undefined);
  const gate = {
    name: 'questions to sources',
    expected: `every golden question leads to a point, its row${withSource ? ' and the source text' : ''}`,
  };
  if (traced.length === 0) return { ...gate, verdict: 'unproven', observed: 'there is no golden question' };
  const lost = traced.filter(({ point, row, source }) => !(point && row && source !== false));
  if (lost.length === 0) return { ...gate, verdict: 'pass', observed: `all ${describeCount(traced.length)}` };
  const named = lost.slice(0, NAMED).map(({ question, point, row }) => {
    const where = !point ? 'no point' : !row ? 'no row' : 'no source text';
    return `“${question.slice(0, 60)}” (${where})`;
  });
  return {
    ...gate,
    verdict: 'fail',
    observed: `${describeCount(lost.length)} of ${describeCount(traced.length)} do not: ${named.join(', ')}`,
  };
}
