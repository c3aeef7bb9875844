import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runSql } from '../../support/postgres.ts';
import { COLLECTION } from '../../support/scenario.ts';
import type { RecoverySet } from '../../../domain/recovery-set.ts';
import type { Surgery } from '../../support/refusals.ts';
import type { Refusal, Wrong } from './refusal.ts';
import { noDisk, smallDisk } from './store.ts';

/** A folder with Postgres' programs that are of some version, as far as they say. */
function programs(version: string): Wrong & { settings: { postgres: { binDir: string } } } {
  const binDir = mkdtempSync(join(tmpdir(), 'programs-'));
  for (const name of ['pg_dump', 'pg_restore']) {
    writeFileSync(join(binDir, name), `#!/bin/sh\necho "${name} (PostgreSQL) ${version}"\n`);
    chmodSync(join(binDir, name), 0o755);
  }
  return {
    settings: { postgres: { binDir } },
    env: { PG_BIN_DIR: '' },
    restore: () => rmSync(binDir, { recursive: true }),
  };
}

const withVersion = (set: RecoverySet, serverVersion: string): RecoverySet =>
  set.postgres ? { ...set, postgres: { ...set.postgres, serverVersion } } : set;

/** Somebody who may read everything but the messages. */
async function reader({ scenario }: Surgery): Promise<Wrong> {
  const asAdmin = (sql: string): Promise<unknown> => runSql(scenario.stack.env['VERIFY_DATABASE_URL'] ?? '', sql);
  await asAdmin(`CREATE ROLE reader LOGIN PASSWORD 'of the reader'`);
  await scenario.sql('GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader');
  await scenario.sql('REVOKE ALL ON messages FROM reader');
  const url = new URL(scenario.stack.env['DATABASE_URL'] ?? '');
  [url.username, url.password] = ['reader', encodeURIComponent('of the reader')];
  return {
    settings: { backup: { canary: false } },
    env: { DATABASE_URL: url.href },
    restore: async () => {
      await scenario.sql('REVOKE ALL ON ALL TABLES IN SCHEMA public FROM reader');
      await asAdmin('DROP ROLE reader');
    },
  };
}

/** A stack that has never been backed up, and whose canary's row would lack a value. */
async function withoutHeading({ scenario }: Surgery): Promise<Wrong> {
  const points = `/collections/${COLLECTION}/points`;
  const filter = { must: [{ key: 'source', match: { value: 'recovery-canary' } }] };
  const wanted = { filter, with_vector: true, with_payload: true };
  const { result } = (await scenario.qdrant('POST', `${points}/scroll`, wanted)) as { result: { points: unknown[] } };
  await scenario.qdrant('POST', `${points}/delete?wait=true`, { filter });
  await scenario.sql(`UPDATE chunks SET source = 'no canary' WHERE source = 'recovery-canary'`);
  return {
    settings: { postgres: { tables: { chunks: { canary: null } } } },
    restore: async () => {
      await scenario.qdrant('PUT', `${points}?wait=true`, { points: result.points });
      await scenario.sql(`UPDATE chunks SET source = 'recovery-canary' WHERE source = 'no canary'`);
    },
  };
}

export const postgres: Refusal[] = [
  {
    what: 'a pg_dump that is older than the server',
    code: 'INVALID_CONFIGURATION',
    message: /postgres\.binDir: .*pg_dump is of version 9, and the server is [0-9]+; it takes [0-9]+ or newer/,
    at: 'backup',
    step: 'plan',
    wrong: () => programs('9.6.24'),
  },
  {
    what: 'a pg_dump that is not there',
    code: 'INVALID_CONFIGURATION',
    message: /postgres\.binDir: \/nowhere\/pg_dump cannot be run/,
    at: 'backup',
    step: 'plan',
    wrong: () => ({ env: { PG_BIN_DIR: '/nowhere' } }),
  },
  {
    what: 'a role that may not read one of the tables',
    code: 'POSTGRES_DENIED',
    message: /Postgres: permission denied for table messages/,
    at: 'backup',
    step: 'dump',
    wrong: reader,
  },
  {
    what: 'a canary whose row would lack a value',
    code: 'INVALID_CONFIGURATION',
    message: /postgres\.tables\.chunks\.canary: columns of "chunks" must have a value and none is configured: heading/,
    at: 'backup',
    wrong: withoutHeading,
  },
  {
    what: 'a folder for dumps that is not there',
    code: 'INVALID_CONFIGURATION',
    message: /postgres\.scratchDir: \/nowhere\/at all cannot be used/,
    at: 'activity',
    act: (all) => all.dumpDatabase({ folder: 'sets/set-1' }),
    wrong: () => ({ settings: { postgres: { scratchDir: '/nowhere/at all' } } }),
  },
  {
    what: 'a folder for dumps without space',
    code: 'DISK_SHORT',
    message: /postgres\.scratchDir: [0-9,]+ bytes are free in .*, and the dump of the database may need [0-9,]+/,
    at: 'backup',
    step: 'dump',
    unless: noDisk,
    wrong: () => small('scratch'),
  },
  {
    what: 'a folder for the dump that is tried out without space',
    code: 'DISK_SHORT',
    message: /postgres\.scratchDir: [0-9,]+ bytes are free in .*, and the dump of the set may need [0-9,]+/,
    at: 'verification',
    unless: noDisk,
    wrong: () => small('scratch'),
  },
  {
    what: 'a server to try dumps out on that is older than the dump',
    code: 'INVALID_CONFIGURATION',
    message: /postgres\.verifyUrl: the server is of version [0-9]+, and the dump of 99; it takes 99 or newer/,
    at: 'activity',
    act: (all, set) => all.restoreDumpBeside({ set: withVersion(set, '99.1'), scratch: 'dr_verify_a_b' }),
    wrong: () => programs('99.1'),
  },
  {
    what: 'a pg_restore that is older than the dump',
    code: 'INVALID_CONFIGURATION',
    message: /postgres\.binDir: .*pg_restore is of version [0-9]+, and .* 99; it takes 99 or newer/,
    at: 'activity',
    act: (all, set) => all.restoreDumpBeside({ set: withVersion(set, '99.1'), scratch: 'dr_verify_a_b' }),
  },
  {
    what: 'a scratch database of another name',
    code: 'INVALID_INPUT',
    message: /scratch: "textbook" is no scratch database/,
    at: 'activity',
    act: (all, set) => all.restoreDumpBeside({ set, scratch: 'textbook' }),
  },
  {
    what: 'a scratch database of another name, to be dropped',
    code: 'INVALID_INPUT',
    message: /scratch: "postgres" is no scratch database/,
    at: 'activity',
    act: (all) => all.dropScratchDatabase({ scratch: 'postgres' }),
  },
  {
    // A dump does not work through a pooler, so the direct host is asked; here there is none.
    what: 'a pooled host, whose direct one does not exist',
    code: 'POSTGRES_UNREACHABLE',
    message: /Postgres: .*ep-quiet-sun-12345\.invalid/,
    at: 'activity',
    act: (all) => all.dumpDatabase({ folder: 'sets/set-1' }),
    wrong: () => ({ env: { DATABASE_URL: 'postgresql://u:p@ep-quiet-sun-12345-pooler.invalid/db' } }),
  },
];

function small(name: string): Wrong {
  const { folder, remove } = smallDisk(64);
  const scratchDir = join(folder, name);
  mkdirSync(scratchDir);
  return { settings: { postgres: { scratchDir } }, restore: remove };
}
