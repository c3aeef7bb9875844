import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { PostgresConfig } from '../../../config/schema.ts';
import { RecoveryError } from '../../../domain/failures.ts';
import type { Session } from '../client.ts';
import { quoteIdentifier } from '../tables.ts';
import { onServer, openOnServer } from './server.ts';

const LOOK_EVERY_MS = 100;

const pidSchema = z.object({ pid: z.number() });
const heldSchema = z.object({ role: z.string(), held: z.coerce.number(), me: z.string() });
const preparedSchema = z.object({ prepared: z.coerce.number() });

/** With `$1`: the databases. */
const CONNECTED = 'FROM pg_catalog.pg_stat_activity WHERE datname = ANY ($1) AND pid <> pg_backend_pid()';

type Server = Pick<PostgresConfig, 'url'>;

/**
 * Ends connections to databases for as long as a task takes. The task's `ALTER DATABASE … RENAME` locks the database against new
 * ones and then waits five seconds for those that are there to go: so nobody comes back in between, and nobody is shut out for
 * longer than the transaction, however this process ends (which `ALLOW_CONNECTIONS false` could not promise).
 */
export async function endingConnections<T>(
  server: Server,
  databases: readonly string[],
  task: () => Promise<T>,
): Promise<T> {
  const session = await openOnServer(server, 'alone', databases);
  const stop = new AbortController();
  const ending = endAgainAndAgain(session, databases, stop.signal);
  try {
    return await task();
  } finally {
    stop.abort();
    await ending;
    await session.close();
  }
}

async function endAgainAndAgain(session: Session, databases: readonly string[], stop: AbortSignal): Promise<void> {
  try {
    while (!stop.aborted) {
      for (const { pid } of await session.rows(pidSchema, `SELECT pid ${CONNECTED}`, [databases])) {
        // Of another role's, and of a superuser's, some roles may not. The others go all the same.
        await session.run('SELECT pg_terminate_backend($1)', [pid]).catch(unlessDenied);
      }
      await pause(LOOK_EVERY_MS, undefined, { signal: stop });
    }
  } catch (error) {
    // Whoever waits for them to go is told by Postgres that they did not.
    if (!stop.aborted && !(error instanceof RecoveryError)) throw error;
  }
}

function unlessDenied(error: unknown): void {
  if (!(error instanceof RecoveryError) || error.code !== 'POSTGRES_DENIED') throw error;
}

/** The failure that connections which do not go are: whose they are, and what is missing to end them. */
export function describeConnections(
  server: Server,
  databases: readonly string[],
  cause: unknown,
): Promise<RecoveryError> {
  return onServer(
    server,
    'read',
    async (session) => {
      const held = await session.rows(
        heldSchema,
        `SELECT coalesce(usename, '(the server itself)') AS role, count(*) AS held, current_user AS me ${CONNECTED} GROUP BY 1 ORDER BY 1`,
        [databases],
      );
      const [{ prepared } = { prepared: 0 }] = await session.rows(
        preparedSchema,
        'SELECT count(*) AS prepared FROM pg_catalog.pg_prepared_xacts WHERE database = ANY ($1)',
        [databases],
      );
      if (prepared > 0) return stuck(`${prepared} prepared transactions: COMMIT PREPARED or ROLLBACK PREPARED`, cause);
      const [first] = held;
      if (!first) return stuck('connections that came and went', cause);
      const whose = held.map(({ role, held: count }) => `${count} of ${quoteIdentifier(role)}`).join(', ');
      const grant = `GRANT pg_signal_backend TO ${quoteIdentifier(first.me)}`;
      return new RecoveryError(
        'POSTGRES_DENIED',
        `Postgres: connections to the database do not go (${whose}). Stop what holds them, or let them be ended: ${grant} (a superuser’s can be ended by a superuser alone)`,
        { cause },
      );
    },
    databases,
  );
}

function stuck(what: string, cause: unknown): RecoveryError {
  return new RecoveryError('POSTGRES_REFUSED', `Postgres: the database cannot be renamed, since it has ${what}`, {
    cause,
  });
}
