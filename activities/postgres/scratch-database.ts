import { z } from 'zod';
import type { PostgresConfig } from '../../config/schema.ts';
import type { Secret } from '../../config/secret.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { SCRATCH_DATABASE } from '../../domain/names.ts';
import { databaseNameOf, withDatabase } from './address.ts';
import { LONG_DEADLINES, type Session, withSession } from './client.ts';
import type { Target } from './restore.ts';
import { quoteIdentifier, quoteText } from './tables.ts';

const nameSchema = z.object({ name: z.string() });

/** Address of a scratch database, on the server where dumps are tried out. @throws RecoveryError as `refuseOthers` */
export function scratchUrl(config: PostgresConfig, scratch: string): Secret {
  refuseOthers(config, scratch);
  return withDatabase(serverUrl(config), scratch);
}

/** A scratch database as something to restore into. @throws RecoveryError as `refuseOthers` */
export function scratchTarget(config: PostgresConfig, scratch: string): Target {
  return {
    name: scratch,
    url: scratchUrl(config, scratch),
    setting: config.verifyUrl ? 'postgres.verifyUrl' : 'postgres.url',
    ask: (question) => withSession(serverUrl(config), 'read', question),
    create: ({ encoding }) => createScratch(config, scratch, encoding),
  };
}

/** Where dumps are tried out: a server of its own where one is configured, else the live one. */
export function serverUrl({ url, verifyUrl }: PostgresConfig): Secret {
  return verifyUrl ?? url;
}

/** @throws RecoveryError INVALID_INPUT for a name that no run gives to a scratch database, or that the live one has */
function refuseOthers(config: PostgresConfig, scratch: string): void {
  const live = [config.url, serverUrl(config)].map(databaseNameOf);
  if (SCRATCH_DATABASE.test(scratch) && !live.includes(scratch)) return;
  throw new RecoveryError('INVALID_INPUT', `scratch: ${JSON.stringify(scratch.slice(0, 80))} is no scratch database`);
}

/**
 * Makes an empty scratch database; one that a lost attempt left is dropped first, with whoever still writes to it.
 * @throws POSTGRES_*, INVALID_INPUT
 */
export function createScratch(config: PostgresConfig, scratch: string, encoding: string): Promise<void> {
  refuseOthers(config, scratch);
  return onServer(config, async (session) => {
    await dropDatabase(session, scratch);
    await createDatabase(session, scratch, encoding, await usualLocale(session, encoding));
  });
}

/** Makes an empty database that is the session's role's own. `locale`: options of `CREATE DATABASE`, as SQL. @throws POSTGRES_* */
export function createDatabase(session: Session, name: string, encoding: string, locale: string): Promise<void> {
  return session.run(
    `CREATE DATABASE ${quoteIdentifier(name)} TEMPLATE template0 ENCODING ${quoteText(encoding)} ${locale}`,
  );
}

/** The server's own locale where it goes with the encoding; "C" goes with every one. */
export async function usualLocale(session: Session, encoding: string): Promise<string> {
  const [own] = await session.rows(
    nameSchema,
    `SELECT pg_encoding_to_char(encoding) AS name FROM pg_catalog.pg_database WHERE datname = 'template0'`,
  );
  return own?.name === encoding ? '' : `LOCALE 'C'`;
}

/** Drops a scratch database; absent is fine. @throws POSTGRES_*, INVALID_INPUT */
export function dropScratch(config: PostgresConfig, scratch: string): Promise<void> {
  refuseOthers(config, scratch);
  return onServer(config, (session) => dropDatabase(session, scratch));
}

/** Scratch databases that are there, whoever made them. @throws POSTGRES_* */
export function listScratch(config: PostgresConfig): Promise<string[]> {
  return onServer(config, async (session) => {
    return (await databasesOf(session)).filter((name) => SCRATCH_DATABASE.test(name));
  });
}

/** Names of the server's databases, sorted. */
export async function databasesOf(session: Session): Promise<string[]> {
  const rows = await session.rows(nameSchema, 'SELECT datname AS name FROM pg_catalog.pg_database ORDER BY datname');
  return rows.map(({ name }) => name);
}

/** Drops a database; absent is fine. FORCE (since Postgres 13) ends connections to it. @throws POSTGRES_* */
export function dropDatabase(session: Session, name: string): Promise<void> {
  return session.run(`DROP DATABASE IF EXISTS ${quoteIdentifier(name)} WITH (FORCE)`);
}

function onServer<T>(config: PostgresConfig, task: (session: Session) => Promise<T>): Promise<T> {
  return withSession(serverUrl(config), 'alone', task, LONG_DEADLINES);
}
