import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { recordsOf } from '../../sandbox/app/chunk-record.ts';

const REQUEST_MS = 20_000;
/** People do not hammer at a door that is shut. */
const AFTER_REFUSAL_MS = 100;
const BETWEEN_MS = 120;
const PEOPLE = 2;

/** What somebody did, and what the app said: written down by whoever did it, beside the database. */
export interface Entry {
  readonly kind: 'ask' | 'ingest';
  /** Clock of this machine, before the request and after its answer. */
  readonly from: number;
  readonly until: number;
  readonly ok: boolean;
  /** What must be there: a question that nobody else asked, or the chunks of a file. */
  readonly question?: string;
  readonly session?: string;
  readonly cited?: readonly string[];
  readonly chunks?: readonly string[];
}

/** What became of the ledger's entries in a database. */
export interface Account {
  /** Entries of which everything is there, exactly once. */
  readonly kept: number;
  readonly lost: readonly Entry[];
  readonly twice: readonly Entry[];
}

/** People who go on chatting and adding chapters over HTTP, and a ledger of what the app confirmed. */
export class ChatLoad {
  readonly entries: Entry[] = [];
  readonly #url: string;
  readonly #enough = new AbortController();
  readonly #working: Promise<void>[];

  constructor(appUrl: string) {
    this.#url = appUrl;
    this.#working = Array.from({ length: PEOPLE }, (_, person) => this.#live(person));
  }

  /** Waits until so many more entries were confirmed. */
  async more(count: number, kind?: Entry['kind']): Promise<void> {
    const confirmed = (): number => this.entries.filter((one) => one.ok && (!kind || one.kind === kind)).length;
    const wanted = confirmed() + count;
    for (const deadline = Date.now() + 60_000; confirmed() < wanted; await pause(20))
      if (Date.now() > deadline) throw new Error(`people came to ${confirmed()} of ${wanted}`);
  }

  async stop(): Promise<readonly Entry[]> {
    this.#enough.abort();
    await Promise.all(this.#working);
    return this.entries;
  }

  async #live(person: number): Promise<void> {
    let session: string | undefined;
    for (let turn = 0; !this.#enough.signal.aborted; turn += 1) {
      if (turn % 5 === 4) await this.#add();
      else session = await this.#ask(session, turn % 3 === 2);
      await pause(BETWEEN_MS + person);
    }
  }

  async #ask(session: string | undefined, leave: boolean): Promise<string | undefined> {
    const question = `What is retrieval, asks ${randomUUID()}?`;
    const from = Date.now();
    const answer = await this.#post('/ask', { question, ...(session ? { sessionId: session } : {}) });
    const entry = { kind: 'ask', from, until: Date.now(), question } as const;
    if (!answer) {
      this.entries.push({ ...entry, ok: false });
      return undefined;
    }
    const { sessionId, citations } = answer as { sessionId: string; citations: { chunkId: string }[] };
    const cited = citations.map(({ chunkId }) => chunkId);
    this.entries.push({ ...entry, ok: true, session: sessionId, cited });
    return leave ? undefined : sessionId;
  }

  async #add(): Promise<void> {
    const name = randomUUID();
    const file = `chapter-${name}.md`;
    const markdown = `# Chapter\n\n## Part ${name}\n\nWhat was written on a day of trouble, ${name}.\n`;
    const from = Date.now();
    const answer = await this.#post('/ingest', { file, markdown });
    const chunks = recordsOf(file, markdown).map(({ id }) => id);
    this.entries.push({ kind: 'ingest', from, until: Date.now(), ok: answer !== undefined, chunks });
  }

  /** The answer, or nothing when there was none or it was a refusal. */
  async #post(path: string, body: object): Promise<unknown> {
    try {
      const response = await fetch(`${this.#url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(REQUEST_MS),
      });
      if (response.ok) return await response.json();
      await response.body?.cancel();
    } catch {
      // As good as a refusal: whether it was done is not known.
    }
    await pause(AFTER_REFUSAL_MS);
    return undefined;
  }
}

/** Looks for everything that was confirmed: session, question, answer, citations and chunks, each exactly once. */
export async function account(entries: readonly Entry[], databaseUrl: string): Promise<Account> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const count = async (sql: string, values: readonly unknown[]): Promise<number> => {
    const { rows } = await client.query<{ count: string }>(`SELECT count(*) FROM ${sql}`, [...values]);
    return Number(rows[0]?.count);
  };
  const lost: Entry[] = [];
  const twice: Entry[] = [];
  try {
    const confirmed = entries.filter(({ ok }) => ok);
    for (const entry of confirmed) {
      const found = entry.kind === 'ask' ? await turnsOf(entry, count) : await chunksOf(entry, count);
      if (found.some((number) => number > 1)) twice.push(entry);
      else if (found.some((number) => number < 1)) lost.push(entry);
    }
    return { kept: confirmed.length - lost.length - twice.length, lost, twice };
  } finally {
    await client.end();
  }
}

type Count = (sql: string, values: readonly unknown[]) => Promise<number>;

async function turnsOf({ question, session, cited = [] }: Entry, count: Count): Promise<number[]> {
  const asked = `messages q JOIN sessions s ON s.id = q.session_id WHERE q.role = 'user' AND q.content = $1 AND s.id = $2`;
  // The answer follows its question in the same session.
  const answered = `messages a JOIN messages q ON q.session_id = a.session_id AND q.content = $1
    WHERE a.role = 'assistant' AND a.session_id = $2
      AND a.sequence = (SELECT min(sequence) FROM messages WHERE session_id = $2 AND sequence > q.sequence)`;
  const turns = [await count(asked, [question, session]), await count(answered, [question, session])];
  const citations = await count(
    `citations c JOIN messages a ON a.id = c.message_id JOIN messages q ON q.session_id = a.session_id AND q.content = $1
      WHERE a.sequence = (SELECT min(sequence) FROM messages WHERE session_id = $2 AND sequence > q.sequence)
        AND (c.chunk_id = ANY ($3::uuid[]) OR c.chunk_id IS NULL)`,
    [question, session, cited],
  );
  return [...turns, cited.length === 0 ? 1 : citations / cited.length];
}

async function chunksOf({ chunks = [] }: Entry, count: Count): Promise<number[]> {
  const found = await count('chunks WHERE id = ANY ($1::uuid[])', [chunks]);
  return [found / chunks.length];
}
