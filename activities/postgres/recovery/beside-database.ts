import { z } from 'zod';
import type { PostgresConfig } from '../../../config/schema.ts';
import type { Secret } from '../../../config/secret.ts';
import { RecoveryError } from '../../../domain/failures.ts';
import { RECOVERY_DATABASE } from '../../../domain/names.ts';
import { databaseNameOf, withDatabase } from '../address.ts';
import type { Origin } from '../archive.ts';
import type { Session } from '../client.ts';
import { createDatabase, databasesOf, dropDatabase, usualLocale } from '../scratch-database.ts';
import { quoteIdentifier, quoteText } from '../tables.ts';
import { onServer } from './server.ts';

type Server = Pick<PostgresConfig, 'url'>;

const noteSchema = z.object({ note: z.string().nullable() });
const rightsSchema = z.object({ role: z.string(), creates: z.boolean(), owns: z.boolean().nullable() });
/** Columns of `pg_database` that came and went with versions. */
const localeSchema = z.object({
  encoding: z.string(),
  database: z.object({
    datcollate: z.string(),
    datctype: z.string(),
    datlocprovider: z.string().optional(),
    datlocale: z.string().nullish(),
    daticulocale: z.string().nullish(),
    daticurules: z.string().nullish(),
  }),
});

/** @throws RecoveryError INVALID_INPUT for a name that no run gives to a database beside, or that the app's has */
export function refuseOthers({ url }: Server, database: string, field = 'database'): void {
  if (RECOVERY_DATABASE.test(database) && database !== databaseNameOf(url)) return;
  throw new RecoveryError(
    'INVALID_INPUT',
    `${field}: ${JSON.stringify(database.slice(0, 80))} is no database of a run`,
  );
}

/** Address of a database beside. @throws RecoveryError as `refuseOthers` */
export function besideUrl(server: Server, database: string): Secret {
  refuseOthers(server, database);
  return withDatabase(server.url, database);
}

/** Removes a database beside, and ends connections to it. Absent is fine. @throws POSTGRES_*, INVALID_INPUT */
export async function dropBeside(server: Server, database: string): Promise<void> {
  refuseOthers(server, database);
  await onServer(server, 'alone', (session) => dropDatabase(session, database));
}

/** Databases of runs that are there. @throws POSTGRES_* */
export function listBeside(server: Server): Promise<string[]> {
  const live = databaseNameOf(server.url);
  return onServer(server, 'read', async (session) =>
    (await databasesOf(session)).filter((name) => RECOVERY_DATABASE.test(name) && name !== live),
  );
}

/**
 * Makes an empty database beside with the locale of what it will hold: of the dump where that tells, else of the app's database
 * as it is. One of the name is dropped first. @throws POSTGRES_*
 */
export async function createBeside(server: Server, database: string, origin: Origin, note: string): Promise<void> {
  await onServer(server, 'alone', async (session) => {
    await dropDatabase(session, database);
    const { encoding } = origin;
    const locale = origin.locale ?? (await liveLocale(session, server, encoding));
    await createDatabase(session, database, encoding, locale ?? (await usualLocale(session, encoding)));
    await session.run(noteSql(database, note));
  });
}

/** Undefined where there is no live database, or where its locale does not go with the encoding. */
async function liveLocale(session: Session, { url }: Server, encoding: string): Promise<string | undefined> {
  const [live] = await session.rows(
    localeSchema,
    `SELECT pg_encoding_to_char(encoding) AS encoding, to_jsonb(d) AS database FROM pg_catalog.pg_database d WHERE datname = $1`,
    [databaseNameOf(url)],
  );
  if (live?.encoding !== encoding) return undefined;
  const { datcollate, datctype, datlocprovider, datlocale, daticulocale, daticurules } = live.database;
  const provider = datlocprovider && { c: 'libc', i: 'icu', b: 'builtin' }[datlocprovider];
  const own = datlocale ?? daticulocale ?? undefined;
  const options: [string, string | undefined | null][] = [
    ['LOCALE_PROVIDER', provider],
    ['LC_COLLATE', datcollate],
    ['LC_CTYPE', datctype],
    [provider === 'builtin' ? 'BUILTIN_LOCALE' : 'ICU_LOCALE', own],
    ['ICU_RULES', daticurules],
  ];
  return options.flatMap(([name, value]) => (value ? [`${name} ${quoteText(value)}`] : [])).join(' ');
}

/** What was noted on a database; undefined when it is not there. */
export async function readNote(session: Session, database: string): Promise<string | null | undefined> {
  const [row] = await session.rows(
    noteSchema,
    `SELECT shobj_description(oid, 'pg_database') AS note FROM pg_catalog.pg_database WHERE datname = $1`,
    [database],
  );
  return row?.note;
}

/** Postgres' comment on a database: it goes with it when it is renamed, and everybody can read it. */
export function noteSql(database: string, note: string | null): string {
  return `COMMENT ON DATABASE ${quoteIdentifier(database)} IS ${note === null ? 'NULL' : quoteText(note)}`;
}

/**
 * What restoring beside and taking the app's name will need, before anything long is begun.
 * @throws POSTGRES_DENIED saying which right the role lacks
 */
export async function checkRights(session: Session, live: string): Promise<void> {
  const [rights] = await session.rows(
    rightsSchema,
    `SELECT rolname AS role, rolcreatedb OR rolsuper AS creates,
            (SELECT pg_has_role(datdba, 'USAGE') FROM pg_catalog.pg_database WHERE datname = $1) AS owns
       FROM pg_catalog.pg_roles WHERE rolname = current_user`,
    [live],
  );
  const role = rights?.role ?? '';
  if (rights?.creates !== true) {
    throw lacking(role, `make and rename databases: ALTER ROLE ${quoteIdentifier(role)} CREATEDB`);
  }
  if (rights.owns !== false) return;
  const database = quoteIdentifier(live);
  throw lacking(role, `rename ${database}: ALTER DATABASE ${database} OWNER TO ${quoteIdentifier(role)}`);
}

function lacking(role: string, what: string): RecoveryError {
  return new RecoveryError('POSTGRES_DENIED', `Postgres: role ${quoteIdentifier(role)} may not ${what}`);
}
