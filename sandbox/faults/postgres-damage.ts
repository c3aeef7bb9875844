import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { shuffled } from './sections.ts';
import type { Fault, FaultContext } from './fault.ts';

const CONNECT_MS = 5_000;
const CORRUPTED_ROWS = 20;
const CORRUPTING_S = 10;
const MOST_CONNECTIONS = 2_000;

/** What was done to the database, and when, by its own clock: the damage came between the two. */
export interface Damage {
  readonly sentence: string;
  readonly before: Date;
  readonly after: Date;
}

/** How to do it: counts what was really broken. */
type Act = (client: pg.Client, context: FaultContext) => Promise<string>;

const ACTS = {
  'drop-table': {
    about: 'drops the table of chunks, with what depends on it',
    act: async (client) => {
      const { rows } = await client.query<{ count: string }>('SELECT count(*) FROM chunks');
      await client.query('DROP TABLE chunks CASCADE');
      return `Dropped the table chunks with its ${rows[0]?.count} rows.`;
    },
  },
  'delete-rows': {
    about: 'deletes every row of chunks: a DELETE without its WHERE',
    act: async (client) => `Deleted all ${broken(await client.query('DELETE FROM chunks'))} rows of chunks.`,
  },
  'empty-column': {
    about: 'empties the text of every message: a migration that went wrong',
    act: async (client) =>
      `Emptied the content of all ${broken(await client.query(`UPDATE messages SET content = '' WHERE content <> ''`))} messages.`,
  },
  'delete-sessions': {
    about: 'deletes three of four sessions with their messages',
    act: async (client, { seed = 1 }) => {
      const { rows } = await client.query<{ id: string }>('SELECT id FROM sessions ORDER BY id');
      const chosen = shuffled(rows, seed).slice(0, Math.ceil(rows.length * 0.75));
      const ids = chosen.map(({ id }) => id);
      return `Deleted ${broken(await client.query('DELETE FROM sessions WHERE id = ANY ($1)', [ids]))} of ${rows.length} sessions with their messages.`;
    },
  },
} as const satisfies Record<string, { about: string; act: Act }>;
type Name = keyof typeof ACTS | 'slow-corruption' | 'drop-database';

/**
 * Damages the sandbox's Postgres, in one transaction but for slow corruption, which takes one for every row.
 * @param seconds how long slow corruption takes
 * @throws Error when nothing was broken
 */
export async function damagePostgres(name: Name, context: FaultContext, seconds = CORRUPTING_S): Promise<Damage> {
  if (name === 'drop-database') return dropDatabase(context);
  return withClient(urlOf(context), async (client) => {
    if (name === 'slow-corruption') return corruptSlowly(client, context, seconds);
    const before = await clockOf(client);
    await client.query('BEGIN');
    const sentence = await ACTS[name].act(client, context);
    await client.query('COMMIT');
    return { sentence, before, after: await clockOf(client) };
  });
}

/** `after` is the end of the first change: from then on something is wrong. */
async function corruptSlowly(client: pg.Client, { seed = 1 }: FaultContext, seconds: number): Promise<Damage> {
  const { rows } = await client.query<{ id: string }>(
    `SELECT id FROM chunks WHERE source NOT LIKE 'synthetic%' ORDER BY id`,
  );
  const chosen = shuffled(rows, seed).slice(0, CORRUPTED_ROWS);
  const before = await clockOf(client);
  let after: Date | undefined;
  let count = 0;
  for (const { id } of chosen) {
    count += broken(await client.query('UPDATE chunks SET text = reverse(text) WHERE id = $1', [id]));
    after ??= await clockOf(client);
    await pause((seconds * 1_000) / chosen.length);
  }
  if (!after) throw new Error('nothing was broken: there are no chunks');
  return {
    sentence: `Turned the text of ${count} chunks round, one after the other, over ${seconds} s.`,
    before,
    after,
  };
}

async function dropDatabase(context: FaultContext): Promise<Damage> {
  const url = new URL(urlOf(context));
  const name = url.pathname.slice(1);
  url.pathname = '/postgres';
  return withClient(url.href, async (client) => {
    const before = await clockOf(client);
    await client.query(`DROP DATABASE ${client.escapeIdentifier(name)} WITH (FORCE)`);
    return { sentence: `Dropped the database ${name}.`, before, after: await clockOf(client) };
  });
}

/** Damage to what Postgres holds. Each counts what it has really broken, and fails when that is nothing. */
export const postgresDamage: Readonly<Record<Name, Fault>> = {
  ...(Object.fromEntries(
    Object.entries(ACTS).map(([name, { about }]) => [name, fault(about, name as keyof typeof ACTS)]),
  ) as Record<keyof typeof ACTS, Fault>),
  'slow-corruption': fault('spoils one chunk after the other, while people go on', 'slow-corruption'),
  'drop-database': fault('drops the whole database', 'drop-database'),
};

function fault(about: string, name: Name): Fault {
  return { about, inject: async (context) => (await damagePostgres(name, context)).sentence };
}

/** Connections that are held, by the address that they are to. */
const held = new Map<string, pg.Client[]>();

/** Takes every connection that the server gives, until it is ended. */
export const exhaustion: Fault = {
  about: 'takes every connection that Postgres gives',
  inject: async (context) => {
    const url = urlOf(context);
    const clients = held.get(url) ?? [];
    held.set(url, clients);
    let refusal = '';
    while (refusal === '' && clients.length < MOST_CONNECTIONS) {
      const client = newClient(url);
      await client.connect().then(
        () => clients.push(client),
        (error: unknown) => (refusal = error instanceof Error ? error.message : String(error)),
      );
    }
    if (!/too many|slots are reserved/i.test(refusal))
      throw new Error(`the server did not run out of connections: ${refusal || `it gave ${clients.length}`}`);
    return `Took ${clients.length} connections to Postgres, which gives no more.`;
  },
  end: async (context) => {
    const clients = held.get(urlOf(context)) ?? [];
    held.delete(urlOf(context));
    await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
  },
};

function urlOf({ env }: FaultContext): string {
  const url = env['DATABASE_URL'];
  if (url === undefined) throw new Error('there is no DATABASE_URL to break');
  return url;
}

function newClient(connectionString: string): pg.Client {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: CONNECT_MS });
  // The server may be restarted to get rid of it.
  client.on('error', () => undefined);
  return client;
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = newClient(url);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function clockOf(client: pg.Client): Promise<Date> {
  const { rows } = await client.query<{ now: Date }>('SELECT clock_timestamp() AS now');
  return rows[0]?.now ?? new Date();
}

/** A drill that breaks nothing proves nothing. */
function broken({ rowCount }: pg.QueryResult): number {
  if (!rowCount) throw new Error('nothing was broken: is it broken already?');
  return rowCount;
}
