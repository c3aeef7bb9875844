import { property } from './failure.ts';

const BYTES_A_NUMBER: Readonly<Record<string, number>> = { float16: 2, uint8: 1 };

/**
 * How many points may be without an index at most, by a collection's own settings: a segment gets one once its vectors are larger
 * than the threshold. `undefined` where nothing is to be said: no index is wanted, or vectors are not all of one size.
 */
export function unindexedAllowed(config: Readonly<Record<string, unknown>>, segments: number): number | undefined {
  const threshold = property(config['optimizer_config'], 'indexing_threshold');
  const vectors = property(config['params'], 'vectors');
  const size = property(vectors, 'size');
  if (typeof threshold !== 'number' || threshold === 0 || typeof size !== 'number') return undefined;
  const m = property(property(vectors, 'hnsw_config'), 'm') ?? property(config['hnsw_config'], 'm');
  if (m === 0 || isSet(property(vectors, 'multivector_config'))) return undefined;
  const bytes = size * (BYTES_A_NUMBER[String(property(vectors, 'datatype'))] ?? 4);
  return Math.ceil((threshold * 1_024) / bytes) * Math.max(1, segments);
}

function isSet(value: unknown): boolean {
  return value !== null && value !== undefined;
}
