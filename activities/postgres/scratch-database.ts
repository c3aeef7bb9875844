import { z } from 'zod';
import type { PostgresConfig } from '../../config/schema.ts';
import { Secret } from '../../config/secret.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { SCRATCH_DATABASE } from '../../domain/names.ts';
import { LONG_DEADLINES, type Session, withSession } from './client.ts';
import { quoteName } from './tables.ts';

const nameSchema = z.object({ name: z.string() });

/** Address of a scratch database, on the server where dumps are tried out. @throws RecoveryError as `refuseOthers` */
export function scratchUrl(config: PostgresConfig, scratch: string): Secret {
  refuseOthers(config, scratch);
  const url = new URL(serverUrl(config).reveal());
  url.pathname = `/${scratch}`;
  // libpq lets the parameter win over the path.
  url.searchParams.delete('dbname');
  return new Secret(url.href);
}

/** Where dumps are tried out: a server of its own where one is configured, else the live one. */
export function serverUrl({ url, verifyUrl }: PostgresConfig): Secret {
  return verifyUrl ?? url;
}

/** @throws RecoveryError INVALID_INPUT for a name that no run gives to a scratch database, or that the live one has */
function refuseOthers(config: PostgresConfig, scratch: string): void {
  const live = [config.url, serverUrl(config)].map((url) => {
    const parsed = new URL(url.reveal());
    return parsed.searchParams.get('dbname') ?? decodeURIComponent(parsed.pathname.slice(1));
  });
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
    await drop(session, scratch);
    const [own] = await session.rows(
      nameSchema,
      `SELECT pg_encoding_to_char(encoding) AS name FROM pg_catalog.pg_database WHERE datname = 'template0'`,
    );
    // A locale belongs to an encoding; "C" goes with every one.
    const locale = own?.name === encoding ? '' : ` LOCALE 'C'`;
    await session.run(
      `CREATE DATABASE ${quoteName(scratch)} TEMPLATE template0 ENCODING '${encoding.replaceAll("'", "''")}'${locale}`,
    );
  });
}

/** Drops a scratch database; absent is fine. @throws POSTGRES_*, INVALID_INPUT */
export function dropScratch(config: PostgresConfig, scratch: string): Promise<void> {
  refuseOthers(config, scratch);
  return onServer(config, (session) => drop(session, scratch));
}

/** Scratch databases that are there, whoever made them. @throws POSTGRES_* */
export function listScratch(config: PostgresConfig): Promise<string[]> {
  return onServer(config, async (session) => {
    const rows = await session.rows(nameSchema, 'SELECT datname AS name FROM pg_catalog.pg_database ORDER BY datname');
    return rows.map(({ name }) => name).filter((name) => SCRATCH_DATABASE.test(name));
  });
}

/** FORCE (since Postgres 13) ends connections to it. */
function drop(session: Session, scratch: string): Promise<void> {
  return session.run(`DROP DATABASE IF EXISTS ${quoteName(scratch)} WITH (FORCE)`);
}

function onServer<T>(config: PostgresConfig, task: (session: Session) => Promise<T>): Promise<T> {
  return withSession(serverUrl(config), 'alone', task, LONG_DEADLINES);
}
