import type { RecoveryParts } from '../../../../activities/postgres/recovery/index.ts';
import { carryRows } from '../../../../activities/postgres/recovery/carry.ts';
import { compareDatabases } from '../../../../activities/postgres/recovery/compare.ts';
import { openLines } from '../../../../activities/lines.ts';
import { createDiskStore } from '../../../../activities/store/disk.ts';
import { postgresConfigSchema } from '../../../../config/schema.ts';
import { Secret } from '../../../../config/secret.ts';
import type { ArtifactStore, ListRef } from '../../../../domain/artifacts.ts';
import type { Carried, Place, TableDiff } from '../../../../domain/database-state.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import { runSql, startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { testWork } from '../../../support/work.ts';

/** A real server on which pairs of databases stand for two states of one. */
export interface Stage {
  readonly postgres: TestPostgres;
  readonly store: ArtifactStore;
  /** Two databases of the same schema, and what is to be different about them. */
  pair(schema: string, from?: string, to?: string): Promise<Pair>;
  lines(list: ListRef): Promise<string[]>;
}

export interface Pair {
  readonly from: Place;
  readonly to: Place;
  readonly fromUrl: string;
  readonly toUrl: string;
  readonly parts: RecoveryParts;
  carry(
    tables: string[],
    over?: { updates?: string[]; folder?: string; work?: ReturnType<typeof testWork> },
  ): Promise<Carried[]>;
  compare(tables: string[], folder?: string): Promise<TableDiff[]>;
  /** Rows of the target. */
  rows(sql: string): Promise<Record<string, unknown>[]>;
}

export async function setStage(tables: Record<string, unknown> = {}): Promise<Stage> {
  const postgres = await startPostgres();
  const store = createDiskStore(temporaryFolder('recovery'));
  let number = 0;
  const pair: Stage['pair'] = async (schema, fromSql = '', toSql = '') => {
    number += 1;
    const names = [`from${number}`, `to${number}`] as const;
    const fromUrl = await postgres.createDatabase(names[0], `${schema};${fromSql}`);
    const toUrl = await postgres.createDatabase(names[1], `${schema};${toSql}`);
    const [from, to] = names.map((database): Place => ({ kind: 'beside', database }));
    if (!from || !to) throw new Error('two places');
    const config = postgresConfigSchema.parse({ url: fromUrl, tables });
    const urlOf = async (place: Place): Promise<Secret> =>
      new Secret(place.kind === 'beside' ? postgres.url(place.database) : fromUrl);
    const parts = { config, store, urlOf };
    const folder = `runs/${number}`;
    return {
      from,
      to,
      fromUrl,
      toUrl,
      parts,
      carry: (of, { updates = [], work = testWork(), folder: place = `${folder}/carry` } = {}) =>
        carryRows(parts, { from, to, tables: of, updates, folder: place }, work),
      compare: (of, place = `${folder}/compare`) =>
        compareDatabases(parts, { earlier: from, later: to, tables: of, folder: place }, testWork()),
      rows: (sql) => runSql(toUrl, sql),
    };
  };
  const lines = async (list: ListRef): Promise<string[]> => {
    const read: string[] = [];
    for await (const batch of openLines(store, list.artifact, String)) read.push(...batch);
    return read;
  };
  return { postgres, store, pair, lines };
}

/** What a test counts on to be there. */
export function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('it is not there');
  return value;
}
