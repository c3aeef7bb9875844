import { Secret } from '../../config/secret.ts';

/** Neon's pooled host names: `ep-quiet-sun-12345-pooler.region.aws.neon.tech`. */
const NEON_POOLER = /^(ep-[^.]+)-pooler\./;

/** Connection parameters that libpq knows and we pass on; others (`pgbouncer`, `schema`…) belong to other libraries. */
const LIBPQ = new Set([
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'channel_binding',
  'options',
  'host',
  'port',
  'dbname',
  'user',
  'connect_timeout',
  'target_session_attrs',
  'gssencmode',
  'sslnegotiation',
]);

/**
 * The direct address of a pooled one. A pooler in transaction mode can hold neither an exported snapshot nor a session,
 * and pg_dump is documented not to work through it (neon.com/docs/connect/connection-pooling).
 */
export function directUrl(url: string): string {
  const parsed = new URL(url);
  parsed.hostname = parsed.hostname.replace(NEON_POOLER, '$1.');
  return parsed.href;
}

/** What pg_dump may be told on its command line, which every user of the machine can read, and the password apart. */
export function splitPassword(url: string): { dbname: string; password: string } {
  const parsed = new URL(directUrl(url));
  const password = decodeURIComponent(parsed.password) || (parsed.searchParams.get('password') ?? '');
  parsed.password = '';
  for (const name of [...parsed.searchParams.keys()]) if (!LIBPQ.has(name)) parsed.searchParams.delete(name);
  return { dbname: parsed.href, password };
}

/** Name of the database that an address leads to. Without one libpq takes the user's name. */
export function databaseNameOf(url: Secret): string {
  const { searchParams, pathname, username } = new URL(url.reveal());
  return searchParams.get('dbname') ?? decodeURIComponent(pathname.slice(1) || username);
}

/** The same server and user, and another database. */
export function withDatabase(url: Secret, name: string): Secret {
  const parsed = new URL(url.reveal());
  parsed.pathname = `/${encodeURIComponent(name)}`;
  // libpq lets the parameter win over the path.
  parsed.searchParams.delete('dbname');
  return new Secret(parsed.href);
}
