import { readFile } from 'node:fs/promises';
import pg from 'pg';
import type { Stage } from './stage.ts';

const SCHEMA = new URL('../sandbox/app/schema.sql', import.meta.url);
const SESSIONS = 2_000;
/** Messages that both states have, to one that only the later one has. */
const OLDER = 0.25;

export const BEFORE = 'bench_before';
export const AFTER = 'bench_after';

/** Questions and answers of a chat, as long as they usually are. */
const MESSAGES = `INSERT INTO messages (id, session_id, role, content, created_at)
  SELECT md5('message ' || n)::uuid, md5('session ' || n % ${SESSIONS})::uuid, CASE n % 2 WHEN 0 THEN 'user' ELSE 'assistant' END,
         repeat('What is said here is of no great interest, ', 2 + 10 * (n % 2)) || n, TIMESTAMPTZ '2026-01-01' + n * INTERVAL '1 s'
    FROM generate_series($1::int, $2::int) n`;

/** The address of a database beside the stage's own. */
export function urlOf({ config }: Stage, database: string): string {
  const url = new URL(config.postgres?.url.reveal() ?? '');
  url.pathname = `/${database}`;
  return url.href;
}

/** Runs statements, each by itself. */
export async function execute(url: string, ...statements: (string | [string, unknown[]])[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of statements)
      await (typeof statement === 'string' ? client.query(statement) : client.query(...statement));
  } finally {
    await client.end();
  }
}

/** Two states of one database: the later one has `later` messages more. @returns how many both have */
export async function loadStates(stage: Stage, later: number): Promise<number> {
  const server = urlOf(stage, 'postgres');
  const older = Math.round(later * OLDER);
  await execute(server, `CREATE DATABASE ${BEFORE}`);
  await execute(
    urlOf(stage, BEFORE),
    await readFile(SCHEMA, 'utf8'),
    `INSERT INTO sessions (id) SELECT md5('session ' || n)::uuid FROM generate_series(0, ${SESSIONS - 1}) n`,
    [MESSAGES, [1, older]],
    'VACUUM ANALYZE',
  );
  await execute(server, `CREATE DATABASE ${AFTER} TEMPLATE ${BEFORE}`);
  await execute(urlOf(stage, AFTER), [MESSAGES, [older + 1, older + later]], 'VACUUM ANALYZE');
  return older;
}
