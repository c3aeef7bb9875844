import type pg from 'pg';
import { inTransaction } from './database.ts';

/** What an answer rests on: a passage that exists in both stores. */
export interface Citation {
  readonly source: string;
  readonly heading: string;
  readonly chunkId: string;
  readonly score: number;
  readonly text: string;
}

/** A citation with the hash of what the passage said that day. */
export interface StoredCitation extends Citation {
  readonly contentHash: string;
}

export interface Message {
  readonly id: string;
  readonly role: 'user' | 'assistant';
  readonly content: string;
  readonly createdAt: Date;
  readonly citations: { readonly source: string; readonly chunkId: string | null; readonly score: number }[];
}

export async function createSession(pool: pg.Pool): Promise<string> {
  const { rows } = await pool.query<{ id: string }>('INSERT INTO sessions DEFAULT VALUES RETURNING id');
  return rows[0]?.id ?? '';
}

export async function sessionExists(pool: pg.Pool, id: string): Promise<boolean> {
  const { rowCount } = await pool.query('SELECT 1 FROM sessions WHERE id = $1', [id]);
  return rowCount === 1;
}

export async function addQuestion(pool: pg.Pool, sessionId: string, content: string): Promise<void> {
  await pool.query(`INSERT INTO messages (session_id, role, content) VALUES ($1, 'user', $2)`, [sessionId, content]);
}

/** Stores an answer together with its citations: neither is ever there without the other. */
export async function addAnswer(
  pool: pg.Pool,
  sessionId: string,
  content: string,
  citations: readonly StoredCitation[],
): Promise<void> {
  await inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ id: string }>(
      `INSERT INTO messages (session_id, role, content) VALUES ($1, 'assistant', $2) RETURNING id`,
      [sessionId, content],
    );
    await client.query(
      `INSERT INTO citations (message_id, position, chunk_id, source, content_hash, score)
       SELECT $1, * FROM unnest($2::integer[], $3::uuid[], $4::text[], $5::text[], $6::double precision[])`,
      [
        rows[0]?.id,
        citations.map((_citation, at) => at + 1),
        citations.map((citation) => citation.chunkId),
        citations.map((citation) => citation.source),
        citations.map((citation) => citation.contentHash),
        citations.map((citation) => citation.score),
      ],
    );
  });
}

/** Messages of a session, oldest first, each with its citations. */
export async function readMessages(pool: pg.Pool, sessionId: string): Promise<Message[]> {
  const { rows } = await pool.query<Message>(
    `SELECT m.id, m.role, m.content, m.created_at AS "createdAt",
            coalesce(jsonb_agg(jsonb_build_object('source', c.source, 'chunkId', c.chunk_id, 'score', c.score)
                               ORDER BY c.position) FILTER (WHERE c.message_id IS NOT NULL), '[]') AS citations
     FROM messages m LEFT JOIN citations c ON c.message_id = m.id
     WHERE m.session_id = $1 GROUP BY m.id ORDER BY m.sequence`,
    [sessionId],
  );
  return rows;
}
