import { z } from 'zod';
import type { Session } from '../client.ts';
import { quoteIdentifier } from '../tables.ts';
import { type CarriedTable, DONE, LEFT, UPDATE } from './carrying.ts';
import { markDuplicates, type UniqueRule } from './unique.ts';

const checkSchema = z.object({ expression: z.string() });
const parentSchema = z.object({
  columns: z.array(z.string()),
  parent: z.string(),
  keys: z.array(z.string()),
  self: z.boolean(),
  full: z.boolean(),
});
type Parent = z.infer<typeof parentSchema>;

/** Only newer servers have constraints that are not enforced. */
const ENFORCED = `coalesce((to_jsonb(c) ->> 'conenforced')::boolean, true)`;
const CHECKS = `SELECT pg_get_expr(c.conbin, c.conrelid) AS expression FROM pg_catalog.pg_constraint c
  WHERE c.conrelid = to_regclass($1) AND c.contype = 'c' AND ${ENFORCED} ORDER BY c.conname`;
const PARENTS = `
  SELECT (SELECT array_agg(quote_ident(a.attname) ORDER BY k.at) FROM unnest(c.conkey) WITH ORDINALITY AS k(num, at)
            JOIN pg_catalog.pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.num) AS columns,
         (SELECT quote_ident(n.nspname) || '.' || quote_ident(p.relname) FROM pg_catalog.pg_class p
            JOIN pg_catalog.pg_namespace n ON n.oid = p.relnamespace WHERE p.oid = c.confrelid) AS parent,
         (SELECT array_agg(quote_ident(a.attname) ORDER BY k.at) FROM unnest(c.confkey) WITH ORDINALITY AS k(num, at)
            JOIN pg_catalog.pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.num) AS keys,
         c.conrelid = c.confrelid AS self, c.confmatchtype = 'f' AS "full"
    FROM pg_catalog.pg_constraint c
   WHERE c.conrelid = to_regclass($1) AND c.contype = 'f' AND c.conparentid = 0 AND ${ENFORCED} ORDER BY c.conname`;

/** What a table of the target demands of its rows. */
export interface Rules {
  readonly parents: readonly Parent[];
  readonly unique: readonly UniqueRule[];
}

/** Foreign keys of a table of the target. */
export function readParents(target: Session, { to }: CarriedTable): Promise<Parent[]> {
  return target.rows(parentSchema, PARENTS, [to.sql]);
}

/** Marks rows that no state of other rows could make right: a value is lacking, or a check is broken. */
export async function judgeValues(target: Session, table: CarriedTable): Promise<void> {
  const { stage, to, common } = table;
  // A number that only the target gives is given when the row is written.
  const needed = to.columns.filter(
    ({ name, notNull, identity }) => notNull && (common.includes(name) || identity === ''),
  );
  if (needed.length > 0) {
    const lacking = needed.map(({ name }) => `${quoteIdentifier(name)} IS NULL`).join(' OR ');
    await target.run(`UPDATE ${stage} SET ${LEFT} = 'lacks a value' WHERE ${LEFT} IS NULL AND (${lacking})`);
  }
  for (const { expression } of await target.rows(checkSchema, CHECKS, [to.sql])) {
    await target.run(
      `UPDATE ${stage} SET ${LEFT} = 'breaks a check' WHERE ${LEFT} IS NULL AND (${expression}) IS FALSE`,
    );
  }
}

/**
 * Before another round: what was not left is written by now, and what was may have become right since, by parents that have
 * come or values that have gone.
 */
export async function judgeAgain(target: Session, { stage }: CarriedTable): Promise<void> {
  await target.run(`UPDATE ${stage} SET ${DONE} = true WHERE NOT ${DONE} AND ${LEFT} IS NULL`);
  await target.run(`UPDATE ${stage} SET ${LEFT} = NULL WHERE NOT ${DONE} AND ${LEFT} IN ('no parent', 'not unique')`);
}

/**
 * Marks rows that the target cannot take beside the rows that it has and those that come with them.
 * @returns whether another round may find more that can be taken: a row that went with its parent stood in the way of another
 */
export async function judgeTogether(
  target: Session,
  table: CarriedTable,
  { parents, unique }: Rules,
  update: boolean,
): Promise<boolean> {
  await markOrphans(target, table, parents, update);
  for (let unsettled = false; ; unsettled = true) {
    let marked = 0;
    for (const rule of unique) marked += await markDuplicates(target, table, rule, update);
    if (marked === 0 || (await markOrphans(target, table, parents, update)) === 0) return unsettled;
    await target.run(
      `UPDATE ${table.stage} SET ${LEFT} = NULL WHERE NOT ${DONE} AND ${LEFT} = 'not unique' AND ${UPDATE} = ${update}`,
    );
  }
}

/** Until every row that is left over has its parents: one that goes takes its children with it. */
async function markOrphans(
  target: Session,
  table: CarriedTable,
  parents: readonly Parent[],
  update: boolean,
): Promise<number> {
  let all = 0;
  for (const parent of parents.filter(({ self }) => !self)) all += await markOrphansOf(target, table, parent, update);
  const own = parents.filter(({ self }) => self);
  for (let marked = own.length; marked > 0;) {
    marked = 0;
    for (const parent of own) marked += await markOrphansOf(target, table, parent, update);
    all += marked;
  }
  return all;
}

/** MATCH SIMPLE: a row with a NULL among its columns points to nothing, rightfully. MATCH FULL wants all of them or none. */
async function markOrphansOf(
  target: Session,
  { stage }: CarriedTable,
  { columns, parent, keys, self, full }: Parent,
  update: boolean,
): Promise<number> {
  const pairs = columns.map((column, at) => `p.${keys[at]} = c.${column}`).join(' AND ');
  const present = columns.map((column) => `c.${column} IS NOT NULL`).join(' AND ');
  const some = columns.map((column) => `c.${column} IS NOT NULL`).join(' OR ');
  const lost = [`NOT EXISTS (SELECT FROM ${parent} p WHERE ${pairs})`];
  // New rows of one table are written at once, so each may be the parent of another.
  if (self && !update)
    lost.push(`NOT EXISTS (SELECT FROM ${stage} p WHERE p.${LEFT} IS NULL AND NOT p.${UPDATE} AND ${pairs})`);
  const wrong = `(${present} AND ${lost.join(' AND ')})${full ? ` OR ((${some}) AND NOT (${present}))` : ''}`;
  return target.change(
    `UPDATE ${stage} AS c SET ${LEFT} = 'no parent'
      WHERE NOT c.${DONE} AND c.${LEFT} IS NULL AND c.${UPDATE} = ${update} AND (${wrong})`,
  );
}
