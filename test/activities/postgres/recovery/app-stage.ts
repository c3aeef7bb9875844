import { join } from 'node:path';
import { createBesideActivities } from '../../../../activities/postgres/recovery/beside.ts';
import type { Restorer } from '../../../../activities/postgres/restore.ts';
import { recoveryDatabaseOf } from '../../../../domain/names.ts';
import type { RecoverySet } from '../../../../domain/recovery-set.ts';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { temporaryFolder } from '../../../support/folder.ts';
import { runSql } from '../../../support/postgres.ts';
import { SCHEMA, setStage, type Stage } from '../stage.ts';

const PASSWORD = 'app’s own/word';
export const SET_ID = 'set-20260101T000000Z-aaaaaa';

/** A server on which the app's role owns the app's database, may make others, and may do nothing else. */
export interface AppStage {
  readonly stage: Stage;
  /** Folder of dumps made by hand. */
  readonly dumps: string;
  readonly parts: Restorer;
  readonly act: ReturnType<typeof createBesideActivities>;
  /** As the app. */
  url(database?: string): string;
  /** As a superuser. */
  admin(sql: string, database?: string): Promise<Record<string, unknown>[]>;
  takeSet(id?: string): Promise<RecoverySet>;
  stop(): Promise<void>;
}

export async function setAppStage(): Promise<AppStage> {
  const stage = await setStage('SELECT 1');
  const { postgres } = stage;
  const url = (database = 'textbook'): string =>
    `postgresql://app:${encodeURIComponent(PASSWORD)}@127.0.0.1:${postgres.port}/${database}`;
  const admin: AppStage['admin'] = (sql, database) => runSql(postgres.url(database), sql);
  await admin(`CREATE ROLE app LOGIN CREATEDB PASSWORD '${PASSWORD}'`);
  await admin('CREATE ROLE reader LOGIN');
  await admin('CREATE DATABASE textbook OWNER app');
  await runSql(url(), `${SCHEMA} GRANT SELECT ON chunks TO reader;`);
  const dumps = temporaryFolder('dumps');
  const base = stage.parts({ url: url() });
  const parts = { ...base, config: { ...base.config, recovery: { ...base.config.recovery, handMadeDumps: dumps } } };
  return {
    stage,
    dumps,
    parts,
    act: createBesideActivities(parts),
    url,
    admin,
    takeSet: (id = SET_ID) => stage.takeSet(id, { url: url() }),
    stop: () => postgres.destroy(),
  };
}

/** As a worker runs it. */
export function run<T>(activity: () => Promise<T>): Promise<T> {
  const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
  return environment.run<[], T, () => Promise<T>>(activity);
}

let runs = 0;
/** Names of databases that only one test uses. */
export function namesOfRun(): Record<'restore' | 'before' | 'after', string> {
  const id = `r${(runs += 1)}`.padEnd(8, '0');
  return {
    restore: recoveryDatabaseOf('restore', id),
    before: recoveryDatabaseOf('before', id),
    after: recoveryDatabaseOf('after', id),
  };
}

export function binOf(stage: Stage, program: string): string {
  return join(stage.postgres.binDir, program);
}
