import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { PostgresConfig } from '../../config/schema.ts';
import type { ArtifactStore } from '../../domain/artifacts.ts';
import type { RecoverySet } from '../../domain/recovery-set.ts';
import type { Work } from '../progress.ts';
import { type Session, withSession } from './client.ts';
import { checkProgram, type Program, runPgDump } from './pg-dump.ts';
import { findColumns, quoteName } from './tables.ts';

const momentSchema = z.object({
  snapshot: z.string(),
  lsn: z.string(),
  version: z.string(),
  number: z.coerce.number(),
});
const countSchema = z.object({ count: z.coerce.number() });

/** On a standby the position is how far it has replayed. */
const MOMENT = `SELECT pg_export_snapshot() AS snapshot,
  (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END)::text AS lsn,
  current_setting('server_version') AS version, current_setting('server_version_num') AS number`;

/** The transaction lies idle while pg_dump works; servers (Neon's among them) end idle transactions after minutes. */
const PATIENCE = `SELECT set_config(name, '0', true) FROM pg_catalog.pg_settings
  WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout')`;

/**
 * Dumps the database as of one moment, streamed to the store, and counts the configured tables at that same moment.
 * Only reads. A repeated attempt writes under a name of its own, since artifacts are never replaced.
 * @throws POSTGRES_*, UNEXPECTED_SCHEMA, INVALID_CONFIGURATION, STORE_*, DISK_FULL
 */
export function dump(
  config: PostgresConfig,
  store: ArtifactStore,
  path: string | undefined,
  folder: string,
  work: Work,
): Promise<NonNullable<RecoverySet['postgres']>> {
  const program: Program = { binDir: config.binDir, path };
  return withSession(config.url, 'read', async (session) => {
    await session.run(PATIENCE);
    const [moment] = await session.rows(momentSchema, MOMENT);
    if (!moment) throw new Error('Postgres answered a SELECT without a row');
    await checkProgram(program, Math.floor(moment.number / 10_000));
    const rows = await countRows(session, config);
    const key = `${folder}/postgres-${randomUUID().slice(0, 8)}.dump`;
    const bytes = runPgDump(program, config.url.reveal(), moment.snapshot, work.signal);
    const file = await store.put(key, counted(bytes, work));
    return { serverVersion: moment.version, lsn: moment.lsn, dump: { folder, files: [file] }, rows, fingerprints: {} };
  });
}

async function countRows(session: Session, { tables }: PostgresConfig): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const [name, entry] of Object.entries(tables)) {
    if (entry === undefined || entry.table in counts) continue;
    await findColumns(session, `postgres.tables.${name}`, entry.table, {});
    const [row] = await session.rows(countSchema, `SELECT count(*) AS count FROM ${quoteName(entry.table)}`);
    counts[entry.table] = row?.count ?? 0;
  }
  return counts;
}

async function* counted(bytes: AsyncIterable<Uint8Array>, work: Work): AsyncGenerator<Uint8Array> {
  let done = 0;
  for await (const piece of bytes) {
    done += piece.length;
    // How large a dump will be is not known before it is done.
    work.report({ phase: 'dump Postgres (bytes)', done, total: 0 });
    yield piece;
  }
}
