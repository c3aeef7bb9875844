import type { PostgresConfig } from '../../config/schema.ts';
import type { RowStore } from '../../domain/row-store.ts';
import { readRows } from './rows.ts';
import { readTexts } from './texts.ts';

/** The chunk rows, or `undefined` for a backend that keeps none in Postgres. */
export function createRowStore(config: Pick<PostgresConfig, 'url' | 'tables'>): RowStore | undefined {
  const { chunks } = config.tables;
  return (
    chunks && {
      readRows: (signal) => readRows(config, chunks, signal),
      readTexts: (ids, signal) => readTexts(config, chunks, ids, signal),
    }
  );
}
