import { z } from 'zod';
import { RecoveryError } from '../../../domain/failures.ts';
import type { Session } from '../client.ts';
import { quoteIdentifier, quoteName, quoteText } from '../tables.ts';
import { noteSql } from './beside-database.ts';

const databaseSchema = z.object({
  owner: z.string(),
  connections: z.number(),
  granted: z.boolean(),
  comment: z.string().nullable(),
});
const settingSchema = z.object({ role: z.string().nullable(), name: z.string(), value: z.string() });
const grantSchema = z.object({ grantee: z.string(), privilege: z.string(), grantable: z.boolean() });

/** Settings that are lists of names; each is written by itself, as pg_dump does (`variable_is_guc_list_quote`). */
const LISTS = new Set([
  'local_preload_libraries',
  'search_path',
  'session_preload_libraries',
  'shared_preload_libraries',
  'temp_tablespaces',
  'unix_socket_directories',
]);

/** Something that a database has and that does not come with its content. */
interface Trait {
  readonly what: string;
  readonly sql: readonly string[];
}

/**
 * Gives one database what belongs to another and is not in it: settings (also of roles in it), privileges, connection limit, owner,
 * comment. In the session's transaction. Doing it again changes nothing.
 * @returns what the role may not give, for people
 * @throws POSTGRES_UNREACHABLE
 */
export async function carryTraits(session: Session, { from, to }: { from: string; to: string }): Promise<string[]> {
  const [database] = await session.rows(
    databaseSchema,
    `SELECT pg_get_userbyid(datdba) AS owner, datconnlimit AS connections, datacl IS NOT NULL AS granted,
            shobj_description(oid, 'pg_database') AS comment
       FROM pg_catalog.pg_database WHERE datname = $1`,
    [from],
  );
  if (!database) return [];
  const name = quoteIdentifier(to);
  const { owner, connections, granted, comment } = database;
  const traits: Trait[] = [
    ...(await settingsOf(session, from)).map((setting) => settingTrait(name, setting)),
    ...(granted ? [await privileges(session, from, name)] : []),
    ...(connections === -1
      ? []
      : [{ what: 'the connection limit', sql: [`ALTER DATABASE ${name} CONNECTION LIMIT ${connections}`] }]),
    { what: 'the comment', sql: [noteSql(to, comment)] },
    // The last: its former owner may do the rest no longer.
    { what: `the owner ${owner}`, sql: [`ALTER DATABASE ${name} OWNER TO ${quoteIdentifier(owner)}`] },
  ];
  const left: string[] = [];
  for (const trait of traits) if (!(await give(session, trait))) left.push(trait.what);
  return left;
}

/** False when the role may not. What the server says is not told: it may hold the value of a setting. */
async function give(session: Session, { sql }: Trait): Promise<boolean> {
  await session.run('SAVEPOINT trait');
  try {
    for (const statement of sql) await session.run(statement);
    await session.run('RELEASE SAVEPOINT trait');
    return true;
  } catch (error) {
    if (!(error instanceof RecoveryError) || error.code === 'POSTGRES_UNREACHABLE') throw error;
    await session.run('ROLLBACK TO SAVEPOINT trait');
    return false;
  }
}

type Setting = z.infer<typeof settingSchema>;

function settingsOf(session: Session, database: string): Promise<Setting[]> {
  return session.rows(
    settingSchema,
    `SELECT CASE setrole WHEN 0 THEN NULL ELSE pg_get_userbyid(setrole) END AS role,
            split_part(entry, '=', 1) AS name, substr(entry, strpos(entry, '=') + 1) AS value
       FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) WITH ORDINALITY AS each (entry, at)
      WHERE datname = $1 ORDER BY 1 NULLS FIRST, at`,
    [database],
  );
}

function settingTrait(database: string, { role, name, value }: Setting): Trait {
  const whose = role === null ? `DATABASE ${database}` : `ROLE ${quoteIdentifier(role)} IN DATABASE ${database}`;
  const words = LISTS.has(name) ? listItems(value).map(quoteText).join(', ') || `''` : quoteText(value);
  return {
    what: role === null ? `the setting ${name}` : `the setting ${name} of role ${role}`,
    sql: [`ALTER ${whose} SET ${quoteName(name)} TO ${words}`],
  };
}

/** `"$user", public` → `$user`, `public` */
function listItems(value: string): string[] {
  const items = value.match(/"(?:[^"]|"")*"|[^",\s]+/g) ?? [];
  return items.map((item) => (item.startsWith('"') ? item.slice(1, -1).replaceAll('""', '"') : item));
}

/** The owner has all of it by itself. */
async function privileges(session: Session, from: string, name: string): Promise<Trait> {
  const grants = await session.rows(
    grantSchema,
    `SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END AS grantee,
            privilege_type AS privilege, is_grantable AS grantable
       FROM pg_catalog.pg_database d, aclexplode(d.datacl) WHERE datname = $1 AND grantee <> datdba ORDER BY 1, 2`,
    [from],
  );
  const given = grants.map(
    ({ grantee, privilege, grantable }) =>
      `GRANT ${privilege} ON DATABASE ${name} TO ${grantee}${grantable ? ' WITH GRANT OPTION' : ''}`,
  );
  return { what: 'privileges', sql: [`REVOKE ALL ON DATABASE ${name} FROM PUBLIC`, ...given] };
}
