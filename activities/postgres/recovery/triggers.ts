import { z } from 'zod';
import type { Session } from '../client.ts';
import { quoteIdentifier } from '../tables.ts';
import type { CarriedTable } from './carrying.ts';

const triggerSchema = z.object({ name: z.string(), enabled: z.string() });

/**
 * Keeps the app's own triggers still while `task` runs: rows are to be what they are in the source, and what triggers wrote then is
 * carried over by itself. Foreign keys, which are triggers of Postgres' own, go on. Needs the table's owner.
 */
export async function withoutTriggers(
  target: Session,
  tables: readonly CarriedTable[],
  task: () => Promise<void>,
): Promise<void> {
  const back: string[] = [];
  for (const { to } of tables) {
    const triggers = await target.rows(
      triggerSchema,
      `SELECT tgname AS name, tgenabled::text AS enabled FROM pg_catalog.pg_trigger
        WHERE tgrelid = to_regclass($1) AND NOT tgisinternal AND tgenabled IN ('O', 'A') ORDER BY tgname`,
      [to.sql],
    );
    for (const { name, enabled } of triggers) {
      const trigger = quoteIdentifier(name);
      await target.run(`ALTER TABLE ${to.sql} DISABLE TRIGGER ${trigger}`);
      back.push(`ALTER TABLE ${to.sql} ENABLE ${enabled === 'A' ? 'ALWAYS ' : ''}TRIGGER ${trigger}`);
    }
  }
  await task();
  for (const statement of back) await target.run(statement);
}
