/** Which table is which: the one that holds the points' ids, the one where people and the assistant take turns, what cites. */
import type { FieldGuesses, Guess } from './discovery-fields.ts';
import { pathsOf } from './discovery-fields.ts';
import type { Found, FoundCollection, FoundDatabase, FoundIds, FoundTable, Payload } from './discovered.ts';

export interface ChunkGuess {
  readonly table: string;
  readonly pointId: string;
  readonly text?: string | undefined;
  readonly source?: string | undefined;
  readonly index?: string | undefined;
  readonly hash?: string | undefined;
  /** Payload field by column, for further columns that a row needs. */
  readonly payload: Readonly<Record<string, string>>;
  readonly why: string;
}

export interface TableGuesses {
  readonly chunks?: ChunkGuess | undefined;
  readonly sessions?: { readonly table: string; readonly id: string } | undefined;
  readonly messages?:
    | {
        readonly table: string;
        readonly id: string;
        readonly sessionId: string;
        readonly role: string;
        readonly content: string;
      }
    | undefined;
  readonly trace?:
    | {
        readonly table: string;
        readonly messageId?: string | undefined;
        readonly chunkIds: string;
        readonly kind: 'value' | 'array' | 'json';
      }
    | undefined;
}

const ROLES = new Set(['user', 'assistant', 'system', 'human', 'ai', 'bot', 'model', 'tool']);
const CITING = /chunk|retriev|citation|source|point|vector/i;

export function guessTables(
  { qdrant, postgres }: Pick<Found, 'qdrant' | 'postgres'>,
  fields: FieldGuesses,
): TableGuesses {
  if (!postgres) return {};
  const chunks = qdrant && guessChunks(qdrant, postgres, fields);
  const messages = guessMessages(postgres.tables);
  const sessions = messages && guessSessions(postgres.tables, messages);
  return { chunks, messages, sessions, trace: guessTrace(postgres.tables, chunks, messages) };
}

/** The table in which the most sampled ids are found; its columns are those that say what the points say. */
function guessChunks(
  { sample }: FoundCollection,
  { ids, tables }: FoundDatabase,
  fields: FieldGuesses,
): ChunkGuess | undefined {
  const [best] = ids.filter(({ table }) => !isCiting(tables, table));
  if (!best || best.matched === 0) return undefined;
  const table = tables.find((one) => one.table === best.table);
  const payloads = new Map(sample.map(({ id, payload }) => [id, pathsOf(payload)]));
  const same = (field: Guess | undefined): string | undefined => field && columnLike(best, payloads, field.name);
  const [text, source, index, hash] = [fields.text, fields.source, fields.chunkIndex, fields.contentHash].map(same);
  const known = new Set([best.column, text, source, index, hash]);
  const needed = (table?.columns ?? []).filter(({ name, needed: must }) => must && !known.has(name));
  const payload = needed.flatMap(({ name }): [string, string][] => {
    const path = [...(payloads.values().next().value?.keys() ?? [])].find(
      (one) => columnLike(best, payloads, one) === name,
    );
    return path === undefined ? [] : [[name, path]];
  });
  const why = `${best.matched} of ${sample.length} sampled ids are in ${best.table}.${best.column}`;
  return {
    table: best.table,
    pointId: best.column,
    text,
    source,
    index,
    hash,
    payload: Object.fromEntries(payload),
    why,
  };
}

/** A table of citations holds ids of points, too. */
function isCiting(tables: readonly FoundTable[], name: string): boolean {
  const table = tables.find((one) => one.table === name);
  return (table?.references.length ?? 0) >= 2;
}

/** The column whose values are those of a payload field, row for point. */
function columnLike(
  { rows, column: id }: FoundIds,
  payloads: ReadonlyMap<string, ReadonlyMap<string, unknown>>,
  field: string,
): string | undefined {
  const [first] = rows;
  if (!first) return undefined;
  return Object.keys(first).find(
    (name) =>
      name !== id &&
      rows.every((row) => {
        const value = payloads.get(String(row[id]))?.get(field);
        return value !== undefined && value !== null && sameText(row[name], value);
      }),
  );
}

/** A uuid or number may be text on one side. */
function sameText(one: unknown, other: unknown): boolean {
  const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
  return text(one) === text(other);
}

function guessMessages(tables: readonly FoundTable[]): TableGuesses['messages'] {
  for (const { table, rows, columns, primaryKey, references } of tables) {
    const role = columns.find(({ name }) => isRole(rows, name))?.name;
    const [id] = primaryKey;
    const sessionId =
      references.find(
        ({ table: to, column }) => to !== table && /session|conversation|chat|thread/i.test(`${to} ${column}`),
      )?.column ?? columns.find(({ name }) => /^(session|conversation|chat|thread)_?id$/i.test(name))?.name;
    const content = longestColumn(
      rows,
      columns.map(({ name }) => name),
      [role, id, sessionId],
    );
    if (role !== undefined && id !== undefined && sessionId !== undefined && content !== undefined)
      return { table, id, sessionId, role, content };
  }
  return undefined;
}

function isRole(rows: readonly Payload[], column: string): boolean {
  const values = rows.map((row) => row[column]).filter((value) => value !== null && value !== undefined);
  return values.length > 0 && values.every((value) => typeof value === 'string' && ROLES.has(value.toLowerCase()));
}

function longestColumn(
  rows: readonly Payload[],
  names: readonly string[],
  but: readonly (string | undefined)[],
): string | undefined {
  const lengths = names
    .filter((name) => !but.includes(name))
    .map((name) => ({
      name,
      length: rows.reduce((sum, row) => sum + (typeof row[name] === 'string' ? row[name].length : 0), 0),
    }))
    .filter(({ length }) => length > 0)
    .sort((a, b) => b.length - a.length);
  return lengths[0]?.name;
}

function guessSessions(
  tables: readonly FoundTable[],
  { table, sessionId }: NonNullable<TableGuesses['messages']>,
): TableGuesses['sessions'] {
  const to = tables.find((one) => one.table === table)?.references.find(({ column }) => column === sessionId)?.table;
  const id = tables.find((one) => one.table === to)?.primaryKey[0];
  return to !== undefined && id !== undefined ? { table: to, id } : undefined;
}

/** A table between messages and chunks, or a list in the messages' own. */
function guessTrace(
  tables: readonly FoundTable[],
  chunks: ChunkGuess | undefined,
  messages: TableGuesses['messages'],
): TableGuesses['trace'] {
  if (!messages) return undefined;
  for (const { table, references } of tables) {
    const chunkIds = references.find((one) => one.table === chunks?.table)?.column;
    const messageId = references.find((one) => one.table === messages.table)?.column;
    if (chunkIds !== undefined && messageId !== undefined) return { table, messageId, chunkIds, kind: 'value' };
  }
  const list = tables
    .find(({ table }) => table === messages.table)
    ?.columns.find(({ name, type }) => CITING.test(name) && /\[\]$|^jsonb?$/.test(type));
  return list && { table: messages.table, chunkIds: list.name, kind: list.type.endsWith('[]') ? 'array' : 'json' };
}
