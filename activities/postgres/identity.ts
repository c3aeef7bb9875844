import { z } from 'zod';
import type { PostgresConfig } from '../../config/schema.ts';
import type { MarkedStore } from '../../domain/environment-mark.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { type Session, withSession } from './client.ts';

const TABLE = 'dr_environment';
const existsSchema = z.object({ exists: z.boolean() });
const markSchema = z.object({ name: z.string() });

/** The database as a store that carries its environment's name: one row in `dr_environment(name text)`. */
export function markedPostgres({ url }: Pick<PostgresConfig, 'url'>): MarkedStore {
  return {
    title: 'the Postgres database',
    readMark: () => withSession(url, 'read', readMark),
    writeMark: (environment) => withSession(url, 'write', (session) => writeMark(session, environment)),
  };
}

/** The environment's name in the database that the session sees. @throws POSTGRES_*, UNEXPECTED_SCHEMA for several */
export async function readMark(session: Session): Promise<string | undefined> {
  const [table] = await session.rows(existsSchema, 'SELECT to_regclass($1) IS NOT NULL AS exists', [TABLE]);
  if (!table?.exists) return undefined;
  const marks = await session.rows(markSchema, `SELECT name FROM ${TABLE}`);
  if (marks.length > 1) {
    const names = marks.map(({ name }) => name).join(', ');
    throw new RecoveryError(
      'UNEXPECTED_SCHEMA',
      `environment: ${TABLE} must hold one row, and holds ${marks.length}: ${names}`,
    );
  }
  return marks[0]?.name;
}

/** Writes the name where there is none yet. Two writers wait for each other, and the second finds the row. */
async function writeMark(session: Session, environment: string): Promise<void> {
  await session.run(`CREATE TABLE IF NOT EXISTS ${TABLE} (name text NOT NULL)`);
  await session.run(`LOCK TABLE ${TABLE} IN EXCLUSIVE MODE`);
  const mark = await readMark(session);
  if (mark === undefined) await session.run(`INSERT INTO ${TABLE} (name) VALUES ($1)`, [environment]);
  else if (mark !== environment) {
    throw new RecoveryError('WRONG_ENVIRONMENT', `environment: the Postgres database belongs to ${mark} already`);
  }
  await session.commit();
}
