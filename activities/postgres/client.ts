import { Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import type { z } from 'zod';
import type { Secret } from '../../config/secret.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { directUrl } from './address.ts';
import { asPostgresFailure } from './failures.ts';

/** How long the parts of a conversation may take, in milliseconds. */
export interface Deadlines {
  readonly connect: number;
  readonly statement: number;
  /** The longest silence in the middle of a bulk read; long enough for a large table to be sorted first. */
  readonly silence: number;
}
export const DEADLINES: Deadlines = { connect: 10_000, statement: 60_000, silence: 300_000 };
/** For statements that read whole tables through, or copy whole databases. */
export const LONG_DEADLINES: Deadlines = { ...DEADLINES, statement: 30 * 60_000 };

/** For a transaction that lies idle while others work; servers (Neon's among them) end idle transactions after minutes. */
export const PATIENCE = `SELECT set_config(name, '0', true) FROM pg_catalog.pg_settings
  WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout')`;

/**
 * `read` sees one moment of the database and cannot write. `write` keeps only what is committed. `alone` has no
 * transaction, for the few statements that refuse one (`CREATE DATABASE`).
 */
export type Mode = 'read' | 'write' | 'alone';
const BEGIN: Readonly<Record<Mode, readonly string[]>> = {
  read: ['BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY'],
  write: ['BEGIN'],
  alone: [],
};

/** Ended by `close` at the latest; Postgres then drops the transaction by itself. */
const GOODBYE_MS = 1_000;
/** Strings beyond 128 KB are collected late, which would cost a hundred megabytes. */
const COPY_BUFFER = 1 << 17;

/**
 * One connection, with one transaction where its mode has one, used by one activity. Nothing is written unless it was opened with `write`.
 * Every failure that leaves it is a `RecoveryError`.
 */
export class Session {
  readonly #client: pg.Client;
  readonly #socket: Socket;
  readonly #deadlines: Deadlines;

  private constructor(client: pg.Client, socket: Socket, deadlines: Deadlines) {
    this.#client = client;
    this.#socket = socket;
    this.#deadlines = deadlines;
  }

  /**
   * Connects, and begins a transaction where the mode has one.
   * @throws POSTGRES_UNREACHABLE, POSTGRES_DENIED
   */
  static async open(url: Secret, mode: Mode = 'read', deadlines: Deadlines = DEADLINES): Promise<Session> {
    const socket = new Socket();
    const client = new pg.Client({
      connectionString: directUrl(url.reveal()),
      connectionTimeoutMillis: deadlines.connect,
      keepAlive: true,
      application_name: 'rag-recovery',
      stream: () => socket,
    });
    // A connection that is lost between two queries says so here; the next query fails with it.
    client.on('error', () => socket.destroy());
    const session = new Session(client, socket, deadlines);
    try {
      await client.connect();
      for (const statement of BEGIN[mode]) await session.run(statement);
      await session.run(`SET ${mode === 'alone' ? 'SESSION' : 'LOCAL'} statement_timeout = ${deadlines.statement}`);
      return session;
    } catch (error) {
      socket.destroy();
      throw asPostgresFailure(error);
    }
  }

  /** Runs a statement and reads its rows by a schema. */
  async rows<T>(row: z.ZodType<T>, sql: string, values: readonly unknown[] = []): Promise<T[]> {
    const result = await this.#within(
      this.#deadlines.statement,
      this.#client.query({ text: sql, values: [...values] }),
    );
    return row.array().parse(result.rows);
  }

  /** Runs a statement that writes. @returns how many rows it wrote */
  async change(sql: string): Promise<number> {
    const { rowCount } = await this.#within(this.#deadlines.statement, this.#client.query(sql));
    return rowCount ?? 0;
  }

  /** Runs a statement whose rows do not matter. */
  async run(sql: string, values: readonly unknown[] = []): Promise<void> {
    await this.#within(this.#deadlines.statement, this.#client.query({ text: sql, values: [...values] }));
  }

  /**
   * The output of `COPY … TO STDOUT`, in pieces that need not end where a row ends. A whole table has no deadline, since
   * whoever reads it may be slow; silence has one.
   */
  async *copyOut(sql: string, signal?: AbortSignal): AsyncGenerator<Buffer> {
    await this.run('SET LOCAL statement_timeout = 0');
    const stream = this.#client.query(copyTo(sql, { highWaterMark: COPY_BUFFER }));
    const pieces: AsyncIterator<Buffer, undefined> = stream[Symbol.asyncIterator]();
    const abort = (): void => void this.#socket.destroy();
    signal?.addEventListener('abort', abort);
    let ended = false;
    try {
      for (;;) {
        signal?.throwIfAborted();
        const next = await this.#within(this.#deadlines.silence, pieces.next());
        if (next.done === true) break;
        yield next.value;
      }
      ended = true;
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
      if (!ended) this.#socket.destroy();
    }
  }

  /**
   * Feeds `COPY … FROM STDIN` with pieces that need not end where a row ends, as fast as Postgres takes them. No deadline for
   * the whole, one for silence of either side.
   * @returns how many rows came
   */
  async copyIn(sql: string, pieces: AsyncIterable<Uint8Array>): Promise<number> {
    await this.run('SET LOCAL statement_timeout = 0');
    const silent = setTimeout(() => this.#socket.destroy(), this.#deadlines.silence);
    const watched = async function* (): AsyncGenerator<Uint8Array> {
      for await (const piece of pieces) {
        silent.refresh();
        yield piece;
        silent.refresh();
      }
    };
    try {
      const stream = this.#client.query(copyFrom(sql, { highWaterMark: COPY_BUFFER }));
      await pipeline(watched, stream);
      return stream.rowCount;
    } catch (error) {
      throw asPostgresFailure(error);
    } finally {
      clearTimeout(silent);
    }
  }

  /**
   * Runs one statement of somebody else's making, and no more than one: several are refused by the protocol that is used.
   * @returns the types of its columns (OIDs), and its rows
   */
  async ask(sql: string): Promise<{ types: number[]; rows: unknown[][] }> {
    const query: pg.QueryArrayConfig & { queryMode: 'extended' } = {
      text: sql,
      rowMode: 'array',
      queryMode: 'extended',
    };
    const { fields, rows } = await this.#within(this.#deadlines.statement, this.#client.query<unknown[]>(query));
    return { types: fields.map(({ dataTypeID }) => dataTypeID), rows };
  }

  /** Ends the transaction: what was written stays. */
  async commit(): Promise<void> {
    await this.run('COMMIT');
  }

  /** Hangs up at once, in the middle of whatever goes on. */
  abandon(): void {
    this.#socket.destroy();
  }

  /** Ends the connection; what was not committed is dropped by Postgres. */
  async close(): Promise<void> {
    if (this.#socket.destroyed) return;
    const hangUp = setTimeout(() => this.#socket.destroy(), GOODBYE_MS);
    await this.#client.end().catch(() => undefined);
    clearTimeout(hangUp);
    this.#socket.destroy();
  }

  async #within<T>(milliseconds: number, answer: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        this.#socket.destroy();
        reject(new RecoveryError('POSTGRES_UNREACHABLE', `Postgres: no answer within ${milliseconds / 1000} s`));
      }, milliseconds);
    });
    try {
      return await Promise.race([answer, late]);
    } catch (error) {
      throw asPostgresFailure(error);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Opens a session for the time of one task; cancellation ends it with its own reason. */
export async function withSession<T>(
  url: Secret,
  mode: Mode,
  task: (session: Session) => Promise<T>,
  deadlines?: Deadlines,
  signal?: AbortSignal,
): Promise<T> {
  signal?.throwIfAborted();
  const session = await Session.open(url, mode, deadlines);
  const abandon = (): void => session.abandon();
  signal?.addEventListener('abort', abandon);
  try {
    return await task(session);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', abandon);
    await session.close();
  }
}
