import type { Batches } from '../../../domain/index-entry.ts';
import type { Session } from '../client.ts';
import { copyRows, unescapeField } from '../copy-text.ts';
import { FAST_SORT } from '../rows.ts';

/** A row by its key: `line` is `key TAB hash`, and more fields where they were asked for, as COPY escapes them. */
export interface Keyed {
  readonly key: string;
  readonly hash: string;
  readonly line: string;
}

/** Which rows, and what of them. All is SQL. */
export interface KeyedRead {
  readonly table: string;
  readonly key: string;
  readonly hash: string;
  /** A condition that leaves out rows which nobody asks for. */
  readonly where?: string;
  /** Further fields. */
  readonly more?: readonly string[];
}

/** Back to what the session's role has: other statements want their indexes. */
const PLAIN_SORT = ['SET LOCAL work_mem TO DEFAULT', 'SET LOCAL enable_indexscan TO DEFAULT'] as const;

/** Streams the rows of a table sorted by their key's text, bytewise. Rows without a key are left out. */
export async function* readKeyed(
  session: Session,
  { table, key, hash, where = 'true', more = [] }: KeyedRead,
  signal: AbortSignal,
): Batches<Keyed> {
  const fields = ['"dr:key"', hash, ...more].join(', ');
  for (const setting of FAST_SORT) await session.run(setting);
  const sql = `COPY (SELECT ${fields} FROM ${table} CROSS JOIN LATERAL (SELECT ${key} AS "dr:key") AS keyed
    WHERE "dr:key" IS NOT NULL AND ${where} ORDER BY "dr:key") TO STDOUT`;
  for await (const lines of copyRows(session.copyOut(sql, signal))) yield lines.map(parseKeyed);
  for (const setting of PLAIN_SORT) await session.run(setting);
}

/** Reads a line as `readKeyed` and the lists of a `TableDiff` have it. */
export function parseKeyed(line: string): Keyed {
  const afterKey = line.indexOf('\t');
  if (afterKey < 0) return { key: unescapeField(line), hash: '', line };
  const afterHash = line.indexOf('\t', afterKey + 1);
  return {
    key: unescapeField(line.slice(0, afterKey)),
    hash: line.slice(afterKey + 1, afterHash < 0 ? undefined : afterHash),
    line,
  };
}

/** The order of UTF-8 bytes, which is that of code points and not that of JavaScript's own units. */
export function compareBytewise(a: string, b: string): number {
  if (a === b) return 0;
  const shorter = Math.min(a.length, b.length);
  let at = 0;
  while (at < shorter && a.charCodeAt(at) === b.charCodeAt(at)) at += 1;
  return at === shorter ? a.length - b.length : rank(a.charCodeAt(at)) - rank(b.charCodeAt(at));
}

/** Halves of pairs stand for what comes after everything that has no pair. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit;
}
