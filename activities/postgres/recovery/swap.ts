import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { PostgresConfig } from '../../../config/schema.ts';
import { RecoveryError } from '../../../domain/failures.ts';
import { databaseNameOf } from '../address.ts';
import type { Session } from '../client.ts';
import { quoteIdentifier } from '../tables.ts';
import { checkRights, noteSql, refuseOthers } from './beside-database.ts';
import { describeConnections, endingConnections } from './connections.ts';
import { carryTraits } from './database-traits.ts';
import { onServer, sqlStateOf } from './server.ts';

/** Begins the note on a database that was restored whole. */
export const WHOLE = 'rag-recovery: whole,';
/** Connections come back as fast as they are ended; who cannot be ended does not go by itself. */
const PATIENCE_MS = 60_000;
const PAUSE_MS = 200;
/** What Postgres calls a database that somebody is connected to. */
const IN_USE = '55006';

const foundSchema = z.object({ name: z.string(), note: z.string().nullable() });

type Server = Pick<PostgresConfig, 'url'>;

export interface Swapped {
  /** Whether there was a database of the app's name to keep. */
  readonly kept: boolean;
  /** What the kept one has and the role may not give to the new one: settings, its owner. */
  readonly left: string[];
}

/** What there is to do. `keep`: the app's database gives its name away first. */
type Way = { readonly done: boolean; readonly kept: boolean; readonly keep: boolean };

/**
 * Brings `database` up under the app's name, and what had that name goes on as `keepAs`, in one transaction: somebody who
 * connects finds the one or the other, and never none. Settings and privileges of the old one go over to the new one.
 * @throws POSTGRES_*, INVALID_INPUT, STALE_PLAN when there is nothing to bring up or no name to keep under, RESTORE_INCOMPLETE
 */
export async function swapDatabase(
  server: Server,
  { database, keepAs }: { database: string; keepAs: string },
  patienceMs = PATIENCE_MS,
): Promise<Swapped> {
  refuseOthers(server, database);
  refuseOthers(server, keepAs, 'keepAs');
  if (database === keepAs) throw new RecoveryError('INVALID_INPUT', 'keepAs: is the database that is to be brought up');
  const names = { live: databaseNameOf(server.url), database, keepAs };
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      return await attempt(server, names);
    } catch (error) {
      if (sqlStateOf(error) !== IN_USE) throw error;
      if (performance.now() > deadline) throw await describeConnections(server, Object.values(names), error);
      await pause(PAUSE_MS);
    }
  }
}

interface Names {
  readonly live: string;
  readonly database: string;
  readonly keepAs: string;
}

function attempt(server: Server, names: Names): Promise<Swapped> {
  const { live, database, keepAs } = names;
  // A database cannot be renamed from inside.
  const elsewhere = [live, database, keepAs];
  return onServer(
    server,
    'write',
    async (session) => {
      const way = await look(session, names);
      if (!way.done) {
        await checkRights(session, live);
        await endingConnections(server, elsewhere, async () => {
          if (way.keep) await rename(session, live, keepAs);
          await rename(session, database, live);
        });
      }
      const left = way.kept ? await carryTraits(session, { from: keepAs, to: live }) : [];
      if (!way.kept) await session.run(noteSql(live, broughtUp(database)));
      await session.commit();
      return { kept: way.kept, left };
    },
    elsewhere,
  );
}

async function look(session: Session, { live, database, keepAs }: Names): Promise<Way> {
  const rows = await session.rows(
    foundSchema,
    `SELECT datname AS name, shobj_description(oid, 'pg_database') AS note FROM pg_catalog.pg_database WHERE datname = ANY ($1)`,
    [[live, database, keepAs]],
  );
  const notes = new Map(rows.map(({ name, note }) => [name, note]));
  const [hasLive, hasKept] = [notes.has(live), notes.has(keepAs)];
  if (!notes.has(database)) {
    const done = hasLive && (hasKept || notes.get(live) === broughtUp(database));
    if (done) return { done, kept: hasKept, keep: false };
    throw new RecoveryError('STALE_PLAN', `Postgres: there is no database ${database} to be brought up as ${live}`);
  }
  if (hasLive && hasKept) {
    throw new RecoveryError(
      'STALE_PLAN',
      `Postgres: ${live} cannot be kept as ${keepAs}: there is a database of that name`,
    );
  }
  if (database.startsWith('dr_restore_') && notes.get(database)?.startsWith(WHOLE) !== true) {
    throw new RecoveryError('RESTORE_INCOMPLETE', `Postgres: ${database} was not restored to its end`);
  }
  return { done: false, kept: hasLive || hasKept, keep: hasLive };
}

/** Where nothing was kept, this alone tells that it was done. */
function broughtUp(database: string): string {
  return `rag-recovery: was ${database}`;
}

function rename(session: Session, from: string, to: string): Promise<void> {
  return session.run(`ALTER DATABASE ${quoteIdentifier(from)} RENAME TO ${quoteIdentifier(to)}`);
}
