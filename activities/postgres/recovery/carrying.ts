import type { ArtifactStore } from '../../../domain/artifacts.ts';
import type { Work } from '../../progress.ts';
import type { Session } from '../client.ts';
import { commonColumns, commonKey, keySql, type Table } from './catalog.ts';

/** What carrying rows over is done with. The source is read as of one moment; the target has one transaction for a group. */
export interface Carrying {
  readonly source: Session;
  readonly target: Session;
  readonly store: ArtifactStore;
  readonly work: Work;
  /** Beginning of the store's keys of what this attempt writes about a table. */
  place(table: string): string;
}

/** Names that no table's own columns have. */
export const UPDATE = '"dr:update"';
export const DONE = '"dr:done"';
export const LEFT = '"dr:left"';
/** Rows that are to be written and are not yet. */
export const WAITING = `NOT ${DONE} AND ${LEFT} IS NULL`;

/** A table of both sides, and how its rows go from one to the other. */
export interface CarriedTable {
  readonly name: string;
  readonly from: Table;
  readonly to: Table;
  readonly key: readonly string[];
  /** Columns that both have. */
  readonly common: readonly string[];
  /** Of these, the ones that are written: what Postgres computes is left out. */
  readonly copied: readonly string[];
  /** A table that goes with the transaction, in which rows wait to be judged. */
  readonly stage: string;
  /** Differing rows are overwritten. */
  readonly updates: boolean;
}

/** `undefined` for a table whose rows cannot be told by a key. */
export function pairTable(from: Table, to: Table, number: number, updates: boolean): CarriedTable | undefined {
  const key = commonKey(to, from);
  if (!key) return undefined;
  const common = commonColumns(to, from);
  const computed = new Set(to.columns.filter(({ generated }) => generated).map(({ name }) => name));
  const copied = common.filter((column) => !computed.has(column));
  return { name: to.name, from, to, key, common, copied, stage: `pg_temp.dr_stage_${number}`, updates };
}

/** SQL of the order and text of the keys in a stage. */
export function stageKey({ key }: CarriedTable): string {
  return keySql(key);
}
