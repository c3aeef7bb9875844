import { z } from 'zod';
import type { Session } from '../client.ts';
import { sqlStateOf } from '../failures.ts';
import { quoteIdentifier } from '../tables.ts';
import { type CarriedTable, DONE, LEFT, UPDATE, WAITING } from './carrying.ts';
import { keySql } from './catalog.ts';

/** SQLSTATE class of constraints that refuse a row. */
const REFUSED_ROW = /^23/;
const SAVEPOINT = 'dr_rows';
const countSchema = z.object({ count: z.coerce.number() });

/** What became of the rows that waited. */
export interface Applied {
  readonly written: number;
  /** The rows had to be tried one by one, so that some may have been refused for the order in which they came. */
  readonly singly: boolean;
}

/**
 * Writes the waiting rows of one kind in one statement. Should a constraint refuse it that was not foreseen (an exclusion, a
 * partition that is not there), every row is tried by itself and the refused ones are left.
 */
export async function writeRows(target: Session, table: CarriedTable, update: boolean): Promise<Applied> {
  const condition = `${WAITING} AND ${UPDATE} = ${update}`;
  await target.run(`SAVEPOINT ${SAVEPOINT}`);
  try {
    const written = await target.change(writeSql(table, update, condition));
    await target.run(`RELEASE ${SAVEPOINT}`);
    return { written, singly: false };
  } catch (error) {
    if (!REFUSED_ROW.test(sqlStateOf(error))) throw error;
    await target.run(`ROLLBACK TO ${SAVEPOINT}`);
  }
  const before = await countDone(target, table);
  await target.run(oneByOneSql(table, update, condition));
  return { written: (await countDone(target, table)) - before, singly: true };
}

async function countDone(target: Session, { stage }: CarriedTable): Promise<number> {
  const [row] = await target.rows(countSchema, `SELECT count(*) AS count FROM ${stage} WHERE ${DONE}`);
  return row?.count ?? 0;
}

function writeSql({ to, stage, common, copied, key }: CarriedTable, update: boolean, condition: string): string {
  if (!update) {
    // What the source lacks has its default by now, but for numbers that only the target gives.
    const columns = to.columns
      .filter(({ name, generated, identity }) => !generated && (identity === '' || common.includes(name)))
      .map(({ name }) => quoteIdentifier(name))
      .join(', ');
    return `INSERT INTO ${to.sql} (${columns}) OVERRIDING SYSTEM VALUE SELECT ${columns} FROM ${stage} WHERE ${condition}`;
  }
  // Postgres lets nobody change what it numbers always.
  const fixed = new Set([...key, ...to.columns.filter(({ identity }) => identity === 'a').map(({ name }) => name)]);
  const free = copied.filter((column) => !fixed.has(column));
  const columns = (free.length > 0 ? free : key).map(quoteIdentifier);
  const values = columns.map((column) => `${column} = new.${column}`).join(', ');
  return `UPDATE ${to.sql} AS old SET ${values} FROM (SELECT * FROM ${stage} WHERE ${condition}) AS new
    WHERE ${keySql(key, 'old.')} = ${keySql(key, 'new.')}`;
}

/** A block of Postgres' own language, since a statement for each row would cost a journey for each. */
function oneByOneSql(table: CarriedTable, update: boolean, condition: string): string {
  const { stage } = table;
  const leave = (reason: string): string => `UPDATE ${stage} SET ${LEFT} = '${reason}' WHERE ctid = one.at;`;
  return `DO $dr$
    DECLARE one record;
    BEGIN
      FOR one IN SELECT ctid AS at FROM ${stage} WHERE ${condition} ORDER BY ${keySql(table.key)} LOOP
        BEGIN
          ${writeSql(table, update, 'ctid = one.at')};
          UPDATE ${stage} SET ${DONE} = true WHERE ctid = one.at;
        EXCEPTION
          WHEN not_null_violation THEN ${leave('lacks a value')}
          WHEN foreign_key_violation THEN ${leave('no parent')}
          WHEN unique_violation OR exclusion_violation THEN ${leave('not unique')}
          WHEN integrity_constraint_violation THEN ${leave('breaks a check')}
        END;
      END LOOP;
    END $dr$`;
}
