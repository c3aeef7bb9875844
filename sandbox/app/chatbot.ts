import type pg from 'pg';
import { compose } from './answer.ts';
import { recordsOf } from './chunk-record.ts';
import type { AppConfig } from './config.ts';
import { addAnswer, addQuestion, type Citation, createSession, type StoredCitation } from './conversations.ts';
import { connectPostgres, readChunks, readIdsOfFile, removeChunks, upsertChunks } from './database.ts';
import { EmbeddingsClient } from './embeddings.ts';
import type { Misbehaviour } from './faults.ts';
import type { VectorPlace } from './vector-place.ts';
import type { VectorIndex } from './vectors.ts';

/** Texts to one embedding request. */
const EMBED_BATCH = 64;
/** Cosine below which a passage has nothing to do with the question: unrelated texts come out around 0. */
const MIN_SCORE = 0.2;
const NONSENSE = 'zzz qqq xxx';

export interface Answer {
  readonly answer: string;
  readonly citations: Citation[];
  readonly sessionId: string;
}

/** The chatbot itself, without HTTP. */
export class Chatbot {
  readonly pool: pg.Pool;
  readonly misbehaviour: Misbehaviour | undefined;
  readonly place: VectorPlace;
  readonly embeddings: EmbeddingsClient;
  readonly #llm: AppConfig['llm'];

  constructor(config: AppConfig, place: VectorPlace, misbehaviour?: Misbehaviour) {
    this.misbehaviour = misbehaviour;
    this.pool = connectPostgres(config.postgres.url);
    this.place = place;
    this.embeddings = new EmbeddingsClient(config.embeddings);
    this.#llm = config.llm;
  }

  get vectors(): VectorIndex {
    return this.place.index;
  }

  /**
   * Takes a document in, or its new edition. Vectors come before rows, so that what breaks off in between leaves orphans,
   * which are never cited, and not rows without a vector; doing it again completes it. For chunks that the new edition
   * does not have it is the other way about: the row tells which point has to go, so it goes last.
   */
  async ingest(file: string, markdown: string): Promise<{ chunks: number; removed: number }> {
    const records = recordsOf(file, markdown);
    for (let from = 0; from < records.length; from += EMBED_BATCH) {
      const batch = records.slice(from, from + EMBED_BATCH);
      const vectors = await this.embeddings.embed(batch.map((record) => record.text));
      await this.vectors.upsert(batch, vectors);
      await upsertChunks(this.pool, batch);
    }
    const current = new Set(records.map((record) => record.id));
    const gone = (await readIdsOfFile(this.pool, file)).filter((id) => !current.has(id));
    await this.vectors.remove(gone);
    await removeChunks(this.pool, gone);
    return { chunks: records.length, removed: gone.length };
  }

  /** The question is kept before anything slow is done, so that it is there whatever breaks. */
  async ask(question: string, topK: number, session?: string): Promise<Answer> {
    const sessionId = session ?? (await createSession(this.pool));
    this.misbehaviour?.beforeWrite();
    await addQuestion(this.pool, sessionId, question);
    // An answer to another question than the one that was asked comes with status 200 as well.
    const wrong = this.misbehaviour?.now === 'wrong';
    const found = await this.#retrieve(wrong ? NONSENSE : question, topK);
    const answer = await compose(question, found, this.#llm);
    await addAnswer(this.pool, sessionId, answer, found);
    return { answer, sessionId, citations: found.map(({ contentHash: _, ...citation }) => citation) };
  }

  async close(): Promise<void> {
    await this.pool.end();
  }

  /** The nearest passages that have a row. A vector without one is an orphan: nobody could look up what it cites. */
  async #retrieve(question: string, topK: number): Promise<StoredCitation[]> {
    this.misbehaviour?.beforeEmbedding();
    const hits = await this.vectors.search(await this.embeddings.embedOne(question), topK);
    const chunks = await readChunks(
      this.pool,
      hits.map((hit) => hit.id),
    );
    return hits.flatMap(({ id, score }) => {
      const chunk = chunks.get(id);
      if (!chunk || score < MIN_SCORE) return [];
      const { source, heading, text, contentHash } = chunk;
      return [{ source, heading, chunkId: id, score, text, contentHash }];
    });
  }
}
