import Table from 'cli-table3';
import type { Colors } from 'picocolors/types.js';
import type { Row } from './benchmark.ts';

/** The results as a table for people. */
export function renderTable(rows: readonly Row[], color: Pick<Colors, 'green' | 'red'>): string {
  const table = new Table({
    head: ['', 'ours', 'limit', 'peer', 'ours / limit', 'goal', 'ok', 'unit'],
    style: { head: [], border: [] },
  });
  for (const { name, ours, limit, peer, ratio, goal, ok, unit } of rows) {
    const mark = ok ? color.green('yes') : color.red('no');
    table.push([name, number(ours), number(limit), number(peer), number(ratio), goal, mark, unit]);
  }
  return table.toString();
}

/** The results as the one line of JSON that `--json` puts on stdout; numbers to four significant digits. */
export function renderJson(rows: readonly Row[]): string {
  return `${JSON.stringify(rows, (_key, value: unknown) => (typeof value === 'number' ? rounded(value) : value))}\n`;
}

/** 0 only when there is a result and every one is ok. */
export function exitCodeOf(rows: readonly Row[]): number {
  return rows.length > 0 && rows.every(({ ok }) => ok) ? 0 : 1;
}

function number(value: number | null): string {
  return value === null ? '' : rounded(value).toLocaleString('en-GB', { maximumFractionDigits: 3 });
}

/** Four significant digits, and every digit of what is a thousand or more. */
function rounded(value: number): number {
  return Math.abs(value) >= 1_000 ? Math.round(value) : Number(value.toPrecision(4));
}
