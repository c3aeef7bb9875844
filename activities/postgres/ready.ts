import { z } from 'zod';
import type { PostgresConfig } from '../../config/schema.ts';
import { checkCanaryRow } from './canary-row.ts';
import { type Session, withSession } from './client.ts';
import { checkProgram } from './programs.ts';

const serverSchema = z.object({ number: z.coerce.number() });

/** The major version of the server that a session talks to. */
export async function majorOfServer(session: Session): Promise<number> {
  const [server] = await session.rows(serverSchema, `SELECT current_setting('server_version_num') AS number`);
  return Math.floor((server?.number ?? 0) / 10_000);
}

/**
 * What a backup will need of Postgres and of this machine, before anything is begun: that pg_dump is missing should not
 * come out when a large collection has been copied already.
 * @param canary whether a canary is going to be planted
 * @throws INVALID_CONFIGURATION, UNEXPECTED_SCHEMA, POSTGRES_*
 */
export async function checkReady(
  { config, path }: { config: PostgresConfig; path?: string | undefined },
  canary: boolean,
): Promise<void> {
  const { chunks } = config.tables;
  const major = await withSession(config.url, 'read', async (session) => {
    if (canary && chunks) await checkCanaryRow(session, chunks);
    return majorOfServer(session);
  });
  await checkProgram({ binDir: config.binDir, path }, 'pg_dump', major);
}
