import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from '../../../activities/postgres/dump.ts';
import type { Restorer } from '../../../activities/postgres/restore.ts';
import { createDiskStore } from '../../../activities/store/disk.ts';
import { postgresConfigSchema } from '../../../config/schema.ts';
import type { ArtifactStore } from '../../../domain/artifacts.ts';
import type { RecoverySet } from '../../../domain/recovery-set.ts';
import type { PostgresPart } from '../../../domain/set-parts.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { makeSet } from '../../support/recovery-set.ts';
import { testWork } from '../../support/work.ts';

/** A small stack's tables, and one that is not configured and refers to another. */
export const SCHEMA = `
  CREATE TABLE chunks (id uuid PRIMARY KEY, text text NOT NULL, source text NOT NULL, at int NOT NULL, language text NOT NULL,
    hash text, made timestamptz NOT NULL DEFAULT now());
  CREATE TABLE sessions (id int PRIMARY KEY, weight float8, took interval, raw bytea);
  CREATE TABLE messages (id bigserial PRIMARY KEY, session_id int NOT NULL REFERENCES sessions (id), content text);
  INSERT INTO chunks (id, text, source, at, language)
    SELECT md5(n::text)::uuid, 'text ' || n, 'a.md#' || n % 7, n, 'en' FROM generate_series(1, 3000) n;
  INSERT INTO sessions SELECT n, sqrt(n), make_interval(hours => n), decode(md5(n::text), 'hex') FROM generate_series(1, 50) n;
  INSERT INTO messages (session_id, content) SELECT 1 + n % 50, 'said ' || n FROM generate_series(1, 400) n;`;

const TABLES = {
  chunks: { table: 'chunks', pointId: 'id', text: 'text', source: 'source', index: 'at', hash: 'hash' },
  sessions: { table: 'public.sessions', id: 'id' },
};

/** A real server with a stack's database, a store, and a place for dumps. */
export interface Stage {
  readonly postgres: TestPostgres;
  readonly url: string;
  readonly store: ArtifactStore;
  /** Root of the store's files. */
  readonly files: string;
  /** Where dumps lie on their way. */
  readonly scratchDir: string;
  parts(over?: Over): Restorer;
  /** Dumps the database into a set of its own. */
  takeSet(id: string, over?: Over): Promise<RecoverySet & { postgres: PostgresPart }>;
}

interface Over {
  readonly url?: string;
  readonly verifyUrl?: string;
  readonly binDir?: string;
  readonly canary?: Record<string, string | number | boolean>;
}

export async function setStage(schema = SCHEMA): Promise<Stage> {
  const postgres = await startPostgres();
  const url = await postgres.createDatabase('stack', schema);
  const folder = temporaryFolder('postgres-set');
  const [scratchDir, files] = [join(folder, 'scratch'), join(folder, 'store')];
  mkdirSync(scratchDir);
  const store = createDiskStore(files);
  const parts = ({ canary, ...over }: Over = {}): Restorer => ({
    config: postgresConfigSchema.parse({
      url,
      binDir: postgres.binDir,
      scratchDir,
      tables: { ...TABLES, chunks: { ...TABLES.chunks, ...(canary ? { canary } : {}) } },
      ...over,
    }),
    store,
  });
  const takeSet: Stage['takeSet'] = async (id, over) => {
    const { config } = parts(over);
    const part = await dump({ config, url: config.url, store }, `sets/${id}`, testWork());
    return { ...(await makeSet(store, { id })), postgres: part };
  };
  return { postgres, url, store, files, scratchDir, parts, takeSet };
}
