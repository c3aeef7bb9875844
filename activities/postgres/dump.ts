import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setInterval as every } from 'node:timers/promises';
import { z } from 'zod';
import type { PostgresConfig } from '../../config/schema.ts';
import type { Secret } from '../../config/secret.ts';
import type { Artifact, ArtifactStore } from '../../domain/artifacts.ts';
import { rowLine } from '../../domain/lines.ts';
import type { PostgresPart } from '../../domain/set-parts.ts';
import { asLines } from '../lines.ts';
import type { Work } from '../progress.ts';
import { LONG_DEADLINES, PATIENCE, type Session, withSession } from './client.ts';
import { checkProgram, mustRun, type Programs } from './programs.ts';
import { readRowsIn } from './rows.ts';
import { requireSpace, tagOf, withScratchFolder } from './scratch-folder.ts';
import { configuredTables, readTableState } from './table-state.ts';

const SILENCE_MS = 10 * 60_000;
const LOOK_EVERY_MS = 2_000;

const momentSchema = z.object({
  snapshot: z.string(),
  lsn: z.string(),
  version: z.string(),
  number: z.coerce.number(),
  size: z.coerce.number(),
});
type Moment = z.infer<typeof momentSchema>;

/** On a standby the position is how far it has replayed. */
const MOMENT = `SELECT pg_export_snapshot() AS snapshot,
  (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END)::text AS lsn,
  current_setting('server_version') AS version, current_setting('server_version_num') AS number,
  pg_database_size(current_database())::text AS size`;

/** A worker that died leaves its pg_dump behind, at work for nobody. Everybody may end connections of their own role. */
const END_LOST = `SELECT pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
  WHERE application_name = $1 AND usename = current_user AND datname = current_database()`;

/** What is dumped, and with what. `url` need not be the configured one: a branch of it is dumped in the same way. */
export interface DumpSource {
  readonly config: PostgresConfig;
  readonly url: Secret;
  readonly store: ArtifactStore;
  /** Search path of programs, used when `config.binDir` is absent. */
  readonly path?: string | undefined;
}

/**
 * Dumps the database as of one moment, in several connections at a time, into a private folder and from there into the
 * store, and counts and fingerprints the configured tables and lists the chunk rows at that same moment. Only reads.
 * A repeated attempt writes under names of its own, since artifacts are never replaced, and ends what a lost one left.
 * @throws POSTGRES_*, UNEXPECTED_SCHEMA, UNKNOWN_ID_TYPE, INVALID_CONFIGURATION, STORE_*, DISK_SHORT, DISK_FULL
 */
export function dump(source: DumpSource, folder: string, work: Work): Promise<PostgresPart> {
  const { config, store } = source;
  return withScratchFolder(config.scratchDir, { purpose: 'dump', subject: folder }, async (scratch) => {
    const place = `${folder}/postgres/${randomUUID().slice(0, 8)}`;
    const written: string[] = [];
    const keep = async (key: string, data: AsyncIterable<Uint8Array>): Promise<Artifact> => {
      const artifact = await store.put(key, data);
      written.push(artifact.key);
      return artifact;
    };
    try {
      const { moment, ...rest } = await captureMoment(source, { folder, place, scratch, keep }, work);
      const files = await storeFiles(join(scratch, 'dump'), place, keep, work);
      return { serverVersion: moment.version, lsn: moment.lsn, dump: { folder: place, files }, ...rest };
    } catch (error) {
      // A bucket may refuse; whatever stays is swept with the set.
      for (const key of written) await store.remove(key).catch(() => undefined);
      throw error;
    }
  });
}

type States = Pick<PostgresPart, 'rows' | 'fingerprints'>;
type Captured = States & Pick<PostgresPart, 'index'> & { readonly moment: Moment };
type Keep = (key: string, data: AsyncIterable<Uint8Array>) => Promise<Artifact>;

/** Everything that must be of one moment. The transaction ends before the upload, which may be slow. */
function captureMoment(
  { config, url, path }: DumpSource,
  { folder, place, scratch, keep }: { folder: string; place: string; scratch: string; keep: Keep },
  work: Work,
): Promise<Captured> {
  const programs: Programs = { binDir: config.binDir, path };
  const applicationName = `rag-recovery dump ${tagOf(folder)}`;
  const task = async (session: Session): Promise<Captured> => {
    await session.run(PATIENCE);
    await session.run(END_LOST, [applicationName]);
    const [moment] = await session.rows(momentSchema, MOMENT);
    if (!moment) throw new Error('Postgres answered a SELECT without a row');
    await checkProgram(programs, 'pg_dump', Math.floor(moment.number / 10_000));
    await requireSpace(scratch, moment.size, 'the dump of the database');
    const states = await readStates(session, config, work);
    const target = join(scratch, 'dump');
    await runDump(programs, { url, applicationName, target, snapshot: moment.snapshot, jobs: config.dumpJobs }, work);
    const { chunks } = config.tables;
    if (!chunks) return { moment, ...states };
    const rows = asLines(readRowsIn(session, chunks, work.signal), rowLine);
    return { moment, ...states, index: await keep(`${place}/rows.tsv`, rows) };
  };
  return withSession(url, 'read', task, LONG_DEADLINES, work.signal);
}

async function readStates(session: Session, config: PostgresConfig, work: Work): Promise<States> {
  const tables = [...configuredTables(config)];
  const part: States = { rows: {}, fingerprints: {} };
  for (const [done, [table, field]] of tables.entries()) {
    work.report({ phase: 'count and fingerprint tables', done, total: tables.length });
    const state = await readTableState(session, table, field);
    part.rows[table] = state.rows;
    part.fingerprints[table] = state.fingerprint;
  }
  return part;
}

interface DumpRun {
  readonly url: Secret;
  readonly applicationName: string;
  readonly target: string;
  readonly snapshot: string;
  readonly jobs: number;
}

/** pg_dump says nothing while it writes a table, so that it works is seen by how its files grow. */
async function runDump(programs: Programs, run: DumpRun, work: Work): Promise<void> {
  const ended = new AbortController();
  let watching: Promise<void> = Promise.resolve();
  try {
    await mustRun(programs, 'pg_dump', {
      args: [
        '--format=directory',
        `--file=${run.target}`,
        `--jobs=${run.jobs}`,
        '--no-password',
        '--lock-wait-timeout=60s',
        `--snapshot=${run.snapshot}`,
      ],
      url: run.url,
      applicationName: run.applicationName,
      signal: work.signal,
      silenceMs: SILENCE_MS,
      onStart: (alive) => {
        watching = watchGrowth(run.target, { alive, work, until: ended.signal });
      },
    });
  } finally {
    ended.abort();
    await watching;
  }
}

async function watchGrowth(
  target: string,
  { alive, work, until }: { alive: () => void; work: Work; until: AbortSignal },
): Promise<void> {
  const report = (done: number): void => work.report({ phase: 'dump Postgres (bytes)', done, total: 0 });
  report(0);
  let before = 0;
  try {
    for await (const _tick of every(LOOK_EVERY_MS, undefined, { signal: until, ref: false })) {
      const size = await sizeOf(target);
      if (size === before) continue;
      before = size;
      alive();
      report(size);
    }
  } catch (error) {
    if (!until.aborted) throw error;
  }
}

/** Bytes of the files in a folder; 0 as long as it is not there. */
async function sizeOf(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function storeFiles(from: string, place: string, keep: Keep, work: Work): Promise<Artifact[]> {
  const total = await sizeOf(from);
  const files: Artifact[] = [];
  let done = 0;
  const counted = async function* (bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of bytes) {
      work.signal.throwIfAborted();
      done += piece.length;
      yield piece;
      work.report({ phase: 'store the dump (bytes)', done, total });
    }
  };
  for (const name of (await readdir(from)).sort()) {
    const bytes: AsyncIterable<Buffer> = createReadStream(join(from, name), { highWaterMark: 1 << 18 });
    files.push(await keep(`${place}/${name}`, counted(bytes)));
  }
  return files;
}
