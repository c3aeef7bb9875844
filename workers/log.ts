import { inspect } from 'node:util';
import type { LogEntry } from '@temporalio/worker';

/** One log entry as one line of JSON, whatever is in it: ids above 2^53 and circular errors included. */
export function jsonLine({ level, message, timestampNanos, meta }: LogEntry): string {
  const time = new Date(Number(timestampNanos / 1_000_000n)).toISOString();
  return JSON.stringify({ time, level, message, ...meta }, (_key, value: unknown) => {
    if (typeof value === 'bigint') return String(value);
    return value instanceof Error
      ? { name: value.name, message: value.message, cause: value.cause && inspect(value.cause) }
      : value;
  });
}
