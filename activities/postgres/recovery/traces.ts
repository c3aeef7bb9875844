import { z } from 'zod';
import type { PostgresConfig } from '../../../config/schema.ts';
import { parsePointId } from '../../../domain/point-id.ts';
import type { Trace, TraceStore } from '../../../domain/trace.ts';
import { type Session, withSession } from '../client.ts';
import { findColumns, quoteName } from '../tables.ts';

type Tables = PostgresConfig['tables'];
type Messages = NonNullable<Tables['messages']>;
type Citations = NonNullable<Tables['trace']>;

const idSchema = z.object({ id: z.string() });
const traceSchema = z.object({
  session: z.string(),
  messages: z.coerce.number(),
  cited: z.array(z.string().nullable()),
});

/** Sessions and what their messages cite, or `undefined` where the configuration tells no messages. */
export function createTraceStore({ url, tables }: Pick<PostgresConfig, 'url' | 'tables'>): TraceStore | undefined {
  const { messages, trace } = tables;
  if (!messages) return undefined;
  const reading = <T>(task: (session: Session) => Promise<T>, signal?: AbortSignal): Promise<T> =>
    withSession(
      url,
      'read',
      async (session) => {
        await checkColumns(session, messages, trace);
        return task(session);
      },
      undefined,
      signal,
    );
  return {
    sample: (limit, signal) => reading((session) => sample(session, messages, limit), signal),
    sessionsOf: (ids, signal) => reading((session) => sessionsOf(session, messages, ids), signal),
    read: (sessions, signal) => reading((session) => read(session, { messages, trace }, sessions), signal),
  };
}

async function checkColumns(session: Session, messages: Messages, trace: Citations | undefined): Promise<void> {
  const { table, id, sessionId } = messages;
  await findColumns(session, 'postgres.tables.messages', table, { id, sessionId });
  if (!trace) return;
  const { messageId, chunkIds } = trace;
  await findColumns(session, 'postgres.tables.trace', trace.table, { messageId, chunkIds });
}

/** In the order of a hash of their ids: spread over all of them, and the same ones each time. */
async function sample(session: Session, { table, sessionId }: Messages, limit: number): Promise<string[]> {
  const column = `${quoteName(sessionId)}::text`;
  const rows = await session.rows(
    idSchema,
    `SELECT ${column} AS id FROM ${quoteName(table)} WHERE ${quoteName(sessionId)} IS NOT NULL
      GROUP BY 1 ORDER BY hashtextextended(${column}, 0), 1 LIMIT $1`,
    [limit],
  );
  return rows.map(({ id }) => id);
}

async function sessionsOf(session: Session, messages: Messages, ids: readonly string[]): Promise<string[]> {
  const { table, id, sessionId } = messages;
  const rows = await session.rows(
    idSchema,
    `SELECT DISTINCT ${quoteName(sessionId)}::text AS id FROM ${quoteName(table)}
      WHERE ${quoteName(id)}::text = ANY ($1::text[]) AND ${quoteName(sessionId)} IS NOT NULL ORDER BY 1`,
    [ids],
  );
  return rows.map((row) => row.id);
}

async function read(
  session: Session,
  { messages, trace }: { messages: Messages; trace: Citations | undefined },
  sessions: readonly string[],
): Promise<Trace[]> {
  const { table, sessionId } = messages;
  const cited = trace ? citedSql(messages, trace) : `'{}'::text[]`;
  const rows = await session.rows(
    traceSchema,
    `SELECT m.${quoteName(sessionId)}::text AS session, count(*) AS messages, ${cited} AS cited
       FROM ${quoteName(table)} m WHERE m.${quoteName(sessionId)}::text = ANY ($1::text[]) GROUP BY 1 ORDER BY 1`,
    [sessions],
  );
  return rows.map(({ session: of, messages: count, cited: ids }) => ({
    session: of,
    messages: count,
    cited: [...new Set(ids.flatMap((id) => (id === null ? [] : [parsePointId(id) ?? id])))],
  }));
}

/** The chunk ids of all messages of a session, as one array. */
function citedSql(messages: Messages, { table, messageId, chunkIds, kind }: Citations): string {
  const own = `ANY (array_agg(m.${quoteName(messages.id)}))`;
  const where = messageId === undefined ? `c.${quoteName(messages.id)} = ${own}` : `c.${quoteName(messageId)} = ${own}`;
  const column = `c.${quoteName(chunkIds)}`;
  const ids = {
    value: `${column}::text`,
    array: `unnest(${column})::text`,
    json: `jsonb_array_elements_text(CASE jsonb_typeof(${column}::jsonb) WHEN 'array' THEN ${column}::jsonb ELSE '[]' END)`,
  }[kind];
  return `ARRAY(SELECT ${ids} FROM ${quoteName(table)} c WHERE ${where})`;
}
