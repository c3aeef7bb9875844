import { RecoveryError } from '../../../domain/failures.ts';
import type { Session } from '../client.ts';
import { sqlStateOf } from '../failures.ts';

/** OID of Postgres' boolean. */
const BOOLEAN = 16;
/** What a state may lack for the question to be answered: a table, a column, a schema; or values that can be computed with. */
const CANNOT_ANSWER = /^(42P01|42703|3F000|22)/;
/** Neither the connection nor the server is what the query is wrong about. */
const OUTAGE = /^(08|28|42501|57|53|25P0[34]|55P03|58|XX|40)/;

/**
 * Asks the operator's query, last of all: one that fails ends the transaction.
 * @returns why the state is not a good one; nothing when it is
 * @throws INVALID_INPUT for what is no query of exactly one boolean, POSTGRES_*
 */
export async function askPredicate(session: Session, predicate: string): Promise<string[]> {
  const { types, rows } = await ask(session, predicate).catch((error: unknown) => {
    const state = sqlStateOf(error);
    if (CANNOT_ANSWER.test(state) && error instanceof Error) return { types: [BOOLEAN], rows: [[error.message]] };
    if (state === '' || OUTAGE.test(state) || !(error instanceof Error)) throw error;
    throw refused(error.message, error);
  });
  const [answer] = rows;
  if (types.length !== 1 || types[0] !== BOOLEAN) throw refused('its answer is not one boolean');
  if (!answer || rows.length > 1) throw refused(`it answers ${rows.length === 0 ? 'no row' : 'several rows'}`);
  const [good] = answer;
  if (good === true) return [];
  return [
    typeof good === 'string' ? `the predicate cannot be answered: ${good}` : `the predicate says ${String(good)}`,
  ];
}

/** As a part of another query, so that it can be nothing else than one; the line break ends a comment. */
function ask(session: Session, predicate: string): Promise<{ types: number[]; rows: unknown[][] }> {
  return session.ask(`SELECT * FROM (${predicate.trim().replace(/;+$/, '')}\n) AS predicate LIMIT 2`);
}

function refused(why: string, cause?: Error): RecoveryError {
  return new RecoveryError('INVALID_INPUT', `predicate: must be a query of one boolean: ${why}`, { cause });
}
