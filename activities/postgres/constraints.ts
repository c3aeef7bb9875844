import { z } from 'zod';
import { RecoveryError } from '../../domain/failures.ts';
import type { Gate } from '../../domain/verdict.ts';
import type { Session } from './client.ts';

const NAME = 'constraints';
const EXPECTED = 'every one validated, and no row without what its foreign keys point to';

const constraintSchema = z.object({
  name: z.string(),
  table: z.string(),
  validated: z.boolean(),
  referenced: z.string().nullable(),
  columns: z.array(z.string()).nullable(),
  keys: z.array(z.string()).nullable(),
});
export type Constraint = z.infer<typeof constraintSchema>;
const countSchema = z.object({ count: z.coerce.number() });

/** Names come quoted. Partitions repeat what is told of their parent. */
const CONSTRAINTS = `
  SELECT quote_ident(c.conname) AS name, c.conrelid::regclass::text AS "table", c.convalidated AS validated,
         nullif(c.confrelid, 0)::regclass::text AS referenced,
         (SELECT array_agg(quote_ident(a.attname) ORDER BY k.at) FROM unnest(c.conkey) WITH ORDINALITY AS k(num, at)
            JOIN pg_catalog.pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.num) AS columns,
         (SELECT array_agg(quote_ident(a.attname) ORDER BY k.at) FROM unnest(c.confkey) WITH ORDINALITY AS k(num, at)
            JOIN pg_catalog.pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.num) AS keys
    FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace
   WHERE c.conrelid <> 0 AND c.conparentid = 0 AND n.nspname NOT IN ('pg_catalog', 'information_schema')
   ORDER BY 2, 1`;

/** Every constraint is valid by the catalog, and foreign keys by their rows too. Reads only, though some take long. */
export async function constraintGates(session: Session): Promise<Gate[]> {
  const constraints = await listConstraints(session);
  const wrong: string[] = [];
  for (const constraint of constraints) {
    const label = `${constraint.name} of ${constraint.table}`;
    if (!constraint.validated) wrong.push(`${label} is not validated`);
    const lost = await orphansOf(session, constraint);
    if (lost > 0) wrong.push(`${label}: ${lost} rows point to nothing`);
  }
  const keys = constraints.filter(({ referenced }) => referenced !== null).length;
  const observed =
    wrong.length === 0
      ? `${constraints.length} constraints, ${keys} of them foreign keys`
      : wrong.join('; ').slice(0, 500);
  return [{ name: NAME, verdict: wrong.length === 0 ? 'pass' : 'fail', expected: EXPECTED, observed }];
}

/** Constraints of all tables, names quoted as the session would write them. */
export function listConstraints(session: Session): Promise<Constraint[]> {
  return session.rows(constraintSchema, CONSTRAINTS);
}

/** How many rows point to nothing. MATCH SIMPLE: a row with a NULL among its columns points to nothing, rightfully. */
export async function orphansOf(session: Session, { table, referenced, columns, keys }: Constraint): Promise<number> {
  if (referenced === null || columns === null || keys === null) return 0;
  const present = columns.map((column) => `c.${column} IS NOT NULL`).join(' AND ');
  const pairs = columns.map((column, at) => `p.${keys[at]} = c.${column}`).join(' AND ');
  const [row] = await session.rows(
    countSchema,
    `SELECT count(*) AS count FROM ${table} c WHERE ${present} AND NOT EXISTS (SELECT FROM ${referenced} p WHERE ${pairs})`,
  );
  if (!row) throw new RecoveryError('POSTGRES_REFUSED', 'Postgres: answered an aggregate without a row');
  return row.count;
}
