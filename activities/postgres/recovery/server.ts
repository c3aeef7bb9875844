import { types } from 'node:util';
import type { PostgresConfig } from '../../../config/schema.ts';
import { RecoveryError } from '../../../domain/failures.ts';
import { databaseNameOf, withDatabase } from '../address.ts';
import { LONG_DEADLINES, type Mode, Session } from '../client.ts';

/** Databases that nearly every server has. */
const USUAL = ['postgres', 'template1'];
/** A database that is not there, or that this role or this place may not connect to: another one may do. */
const CLOSED = new Set(['3D000', '42501', '28000', '55000']);

type Server = Pick<PostgresConfig, 'url'>;

/**
 * Opens a session on the app's server, in the app's database or, where that is not there or must not be used, in another one.
 * @param but databases that must not be connected to, since what is asked concerns them as a whole
 * @throws POSTGRES_UNREACHABLE, POSTGRES_DENIED saying which databases were tried
 */
export async function openOnServer({ url }: Server, mode: Mode, but: readonly string[] = []): Promise<Session> {
  const own = databaseNameOf(url);
  const refusals: string[] = [];
  for (const name of new Set([own, ...USUAL])) {
    if (but.includes(name)) continue;
    try {
      return await Session.open(withDatabase(url, name), mode, LONG_DEADLINES);
    } catch (error) {
      if (!CLOSED.has(sqlStateOf(error))) throw error;
      refusals.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new RecoveryError(
    'POSTGRES_DENIED',
    `Postgres: the role of postgres.url may connect to no database from which ${own} can be made, renamed or dropped: ` +
      `it takes GRANT CONNECT on ${USUAL.filter((name) => !but.includes(name)).join(' or ')}. ${refusals.join('; ')}`,
  );
}

/** As `withSession`, in a database of the app's server. @throws as `openOnServer` */
export async function onServer<T>(
  server: Server,
  mode: Mode,
  task: (session: Session) => Promise<T>,
  but?: readonly string[],
): Promise<T> {
  const session = await openOnServer(server, mode, but);
  try {
    return await task(session);
  } finally {
    await session.close();
  }
}

/** What Postgres called the error that a failure was made of; '' when it was none of Postgres'. */
export function sqlStateOf(failure: unknown): string {
  const cause = failure instanceof RecoveryError ? failure.cause : failure;
  return types.isNativeError(cause) && 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
}
