import { z } from 'zod';
import type { Place, Survey, TableSurvey } from '../../../domain/database-state.ts';
import type { Work } from '../../progress.ts';
import { LONG_DEADLINES, type Session, withSession } from '../client.ts';
import { listConstraints, orphansOf } from '../constraints.ts';
import { sqlStateOf } from '../failures.ts';
import { readMark } from '../identity.ts';
import { configuredTables, fixTexts, readTableState } from '../table-state.ts';
import { findTable, type Table } from './catalog.ts';
import { readDefinitions } from './definitions.ts';
import type { RecoveryParts } from './parts.ts';

/** SQLSTATE of a database that is not there, and of one whose DROP was broken off: nothing can be done with it but to drop it. */
const [NO_DATABASE, INVALID_DATABASE] = ['3D000', '55000'];

/** Whether Postgres says that the database is gone. */
export function isGone(error: unknown): boolean {
  const state = sqlStateOf(error);
  if (state === NO_DATABASE) return true;
  return state === INVALID_DATABASE && error instanceof Error && /invalid database/.test(error.message);
}

const momentSchema = z.object({ at: z.string(), lsn: z.string(), serverVersion: z.string() });
/** On a standby the position is how far it has replayed. */
const MOMENT = `SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at,
  (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END)::text AS lsn,
  current_setting('server_version') AS "serverVersion"`;

/**
 * What is in a database at one moment. Of the live place it may be told that its database is missing.
 * @throws POSTGRES_*, UNEXPECTED_SCHEMA for a mark of several rows
 */
export async function surveyDatabase(
  { config, urlOf }: RecoveryParts,
  place: Place,
  work: Work,
): Promise<{ survey: Survey } | { missing: string }> {
  const url = await urlOf(place);
  try {
    const names = [...configuredTables(config).keys()];
    const survey = await withSession(url, 'read', (session) => take(session, names, work), LONG_DEADLINES, work.signal);
    return { survey };
  } catch (error) {
    if (place.kind !== 'live' || !isGone(error)) throw error;
    const parsed = new URL(url.reveal());
    return { missing: parsed.searchParams.get('dbname') ?? decodeURIComponent(parsed.pathname.slice(1)) };
  }
}

async function take(session: Session, names: readonly string[], work: Work): Promise<Survey> {
  const [moment] = await session.rows(momentSchema, MOMENT);
  if (!moment) throw new Error('Postgres answered a query of constants without a row');
  const environment = (await readMark(session)) ?? null;
  await fixTexts(session);
  const tables: Record<string, TableSurvey | null> = {};
  const found: Table[] = [];
  for (const [done, name] of names.entries()) {
    work.report({ phase: `survey ${name}`, done, total: names.length });
    work.signal.throwIfAborted();
    const table = await findTable(session, name);
    tables[name] = table ? await surveyTable(session, table) : null;
    if (table) found.push(table);
  }
  work.report({ phase: 'survey foreign keys', done: names.length, total: names.length });
  const [constraints, broken] = [await readDefinitions(session, found), await brokenKeys(session, found)];
  return { environment, ...moment, tables, constraints, broken };
}

async function surveyTable(session: Session, { name, columns, key }: Table): Promise<TableSurvey> {
  const { rows, fingerprint } = await readTableState(session, name, 'postgres.tables');
  return {
    rows,
    fingerprint,
    key: [...key],
    columns: columns.map(({ name: column, type, notNull }) => ({ name: column, type, notNull })),
  };
}

const nameSchema = z.object({ name: z.string() });

/** Foreign keys of these tables with rows that point to nothing. */
export async function brokenKeys(session: Session, tables: readonly Table[]): Promise<Survey['broken']> {
  const written = await session.rows(
    nameSchema,
    'SELECT to_regclass(sql)::text AS name FROM unnest($1::text[]) WITH ORDINALITY AS asked(sql, at) ORDER BY at',
    [tables.map(({ sql }) => sql)],
  );
  const configured = new Map(written.map(({ name }, at) => [name, tables[at]?.name ?? name]));
  const broken: Survey['broken'] = [];
  for (const constraint of await listConstraints(session)) {
    const table = configured.get(constraint.table);
    const rows = table === undefined ? 0 : await orphansOf(session, constraint);
    if (table !== undefined && rows > 0) broken.push({ constraint: constraint.name, table, rows });
  }
  return broken;
}
