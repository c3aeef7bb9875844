import { z } from 'zod';
import type { Session } from '../client.ts';
import type { Table } from './catalog.ts';

const sequenceSchema = z.object({
  column: z.string(),
  sql: z.string(),
  ascending: z.boolean(),
  least: z.string().transform(BigInt),
  most: z.string().transform(BigInt),
});
type Sequence = z.infer<typeof sequenceSchema>;
const stateSchema = z.object({ last: z.string().transform(BigInt), called: z.boolean() });

/** Sequences that belong to a table's columns (serial, identity), and those that only a default takes numbers from. */
const SEQUENCES = `
  SELECT DISTINCT a.attname AS "column", quote_ident(n.nspname) || '.' || quote_ident(s.relname) AS sql,
         q.seqincrement > 0 AS ascending, q.seqmin::text AS least, q.seqmax::text AS most
    FROM (SELECT d.objid AS seq, d.refobjid AS tab, d.refobjsubid AS num FROM pg_catalog.pg_depend d
           WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
          UNION ALL
          SELECT d.refobjid, f.adrelid, f.adnum FROM pg_catalog.pg_depend d
            JOIN pg_catalog.pg_attrdef f ON f.oid = d.objid AND d.classid = 'pg_attrdef'::regclass
           WHERE d.refclassid = 'pg_class'::regclass) AS used
    JOIN pg_catalog.pg_class s ON s.oid = used.seq AND s.relkind = 'S'
    JOIN pg_catalog.pg_namespace n ON n.oid = s.relnamespace
    JOIN pg_catalog.pg_sequence q ON q.seqrelid = s.oid
    JOIN pg_catalog.pg_attribute a ON a.attrelid = used.tab AND a.attnum = used.num
   WHERE used.tab = to_regclass($1)`;

/**
 * Lets sequences go on where the further of both states is; none ever goes back. Not undone with the transaction, which
 * leaves a gap and no harm.
 */
export async function advanceSequences(
  { source, target }: { readonly source: Session; readonly target: Session },
  [from, to]: readonly [Table, Table],
): Promise<void> {
  const theirs = new Map((await source.rows(sequenceSchema, SEQUENCES, [from.sql])).map((one) => [one.column, one]));
  for (const sequence of await target.rows(sequenceSchema, SEQUENCES, [to.sql])) {
    const other = theirs.get(sequence.column);
    if (!other) continue;
    const [here, there] = [await stateOf(target, sequence), await stateOf(source, other)];
    if (here === undefined || there === undefined) continue;
    const last = within(sequence, there.last);
    const further = sequence.ascending ? last > here.last : last < here.last;
    if (further || (last === here.last && there.called && !here.called))
      await target.run('SELECT setval($1::regclass, $2::bigint, $3)', [sequence.sql, String(last), there.called]);
  }
}

async function stateOf(session: Session, { sql }: Sequence): Promise<z.infer<typeof stateSchema> | undefined> {
  const [state] = await session.rows(stateSchema, `SELECT last_value::text AS last, is_called AS called FROM ${sql}`);
  return state;
}

function within({ least, most }: Sequence, value: bigint): bigint {
  if (value < least) return least;
  return value > most ? most : value;
}
