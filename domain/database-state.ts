import { z } from 'zod';
import { listSchema } from './artifacts.ts';

/**
 * A state of the database that can be connected to: what the app uses, a branch on Neon, or a database beside (`dr_verify_…` on
 * the server where dumps are tried out, `dr_restore_…` and `dr_before_…` on the app's own).
 */
export const placeSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('live') }),
  z.strictObject({ kind: z.literal('branch'), branchId: z.string().min(1) }),
  z.strictObject({ kind: z.literal('beside'), database: z.string().min(1) }),
]);
export type Place = z.infer<typeof placeSchema>;
export const LIVE: Place = { kind: 'live' };

/** A moment of a database's history: RFC 3339 with as many digits as Postgres has (microseconds), or a position in its log. */
export const momentSchema = z.union([
  z.strictObject({ timestamp: z.iso.datetime({ offset: true }) }),
  z.strictObject({ lsn: z.string().regex(/^[0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8}$/) }),
]);
export type Moment = z.infer<typeof momentSchema>;

/** A table as it is found. */
export const tableSurveySchema = z.strictObject({
  rows: z.int().nonnegative(),
  /** Order-free, as in a set's `postgres.fingerprints`. */
  fingerprint: z.string(),
  /** Columns of the primary key, in its order; empty for a table without one. */
  key: z.array(z.string()),
  /** Column names and their types, in the order of the names. */
  columns: z.array(z.strictObject({ name: z.string(), type: z.string(), notNull: z.boolean() })),
});
export type TableSurvey = z.infer<typeof tableSurveySchema>;

/** What is found in a database, of one moment. */
export const surveySchema = z.strictObject({
  /** What the mark says which environment this is; null where there is no mark. */
  environment: z.string().nullable(),
  serverVersion: z.string(),
  /** By the server's clock. */
  at: z.iso.datetime(),
  lsn: z.string(),
  /** Every configured table; null for one that is not there. */
  tables: z.record(z.string(), tableSurveySchema.nullable()),
  /** `table: definition` of every validated constraint of those tables, sorted: two databases are compared by this. */
  constraints: z.array(z.string()),
  /** Foreign keys of those tables with rows that point to nothing. */
  broken: z.array(z.strictObject({ constraint: z.string(), table: z.string(), rows: z.int().positive() })),
});
export type Survey = z.infer<typeof surveySchema>;

/**
 * How a table differs between an earlier and a later state. Lists are in the store, a row a line, sorted by key bytewise:
 * `key TAB hash`, and for chunks `key TAB hash TAB point id TAB text fingerprint`. Key and hash are the text of the primary key
 * and a 64-bit hash of the row's text, over the columns that both states have. Removed and changed rows are told as they were
 * in the earlier state, added ones as they are in the later.
 */
export const tableDiffSchema = z.strictObject({
  table: z.string(),
  same: z.int().nonnegative(),
  removed: listSchema,
  changed: listSchema,
  added: listSchema,
});
export type TableDiff = z.infer<typeof tableDiffSchema>;

/** Rows of which it is known what they must be: they are looked for in other states. */
export const witnessesSchema = z.strictObject({
  table: z.string(),
  /** Lines as in `TableDiff`, of rows as they should be. */
  list: listSchema,
  /** Columns that the hashes were made over, in the order of their names. */
  columns: z.array(z.string()).min(1),
});
export type Witnesses = z.infer<typeof witnessesSchema>;

/** What a good state has. */
export const expectationSchema = z.strictObject({
  /** Names of the columns that each table must have. */
  tables: z.record(z.string(), z.array(z.string())),
  /** As `Survey.constraints`: every one of them must be there. */
  constraints: z.array(z.string()),
  witnesses: z.array(witnessesSchema),
  /** A query of the operator's that answers one boolean, true for a good state. Run in a transaction that cannot write. */
  predicate: z.string().optional(),
});
export type Expectation = z.infer<typeof expectationSchema>;

/** One look at a moment of the history. */
export const lookSchema = z.strictObject({
  good: z.boolean(),
  /** Rows that are not what they must be. */
  lost: z.int().nonnegative(),
  /** What is wrong, at most five. */
  reasons: z.array(z.string()).max(5),
});
export type Look = z.infer<typeof lookSchema>;

/** Why a later row cannot be carried over. */
export const LEFT_REASONS = [
  'no key',
  'no parent',
  'not unique',
  'breaks a check',
  'lacks a value',
  'not asked for',
] as const;

/** Later rows of one table, by what became of them. */
export const carriedSchema = z.strictObject({
  table: z.string(),
  /** Rows that were written, or would be: now there as they are in the source. */
  carried: z.int().nonnegative(),
  /** Of these, rows that were there already, written by an attempt before. */
  already: z.int().nonnegative(),
  /** Rows that both have, with other content: the target's stay, but where `updated` counts them. */
  differing: z.int().nonnegative(),
  updated: z.int().nonnegative(),
  /** Rows that could not be carried, by reason. */
  left: z.partialRecord(z.enum(LEFT_REASONS), z.int().positive()),
  /** Keys of the rows that were carried, and of those that were left (`key TAB reason`), a line each. */
  keys: listSchema,
  leftKeys: listSchema,
});
export type Carried = z.infer<typeof carriedSchema>;
