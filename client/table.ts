import Table from 'cli-table3';
import { clean } from './output.ts';

const PADDING = 3;
const LEAST = 12;

/** Where a table will be read. */
export interface Page {
  /** True on a terminal: borders, and the last column wrapped to the width. In a pipe: plain aligned columns. */
  readonly isTTY: boolean;
  readonly columns: number;
}

/** A table of text; cells are cleaned of control characters before anything is painted. */
export function renderTable(
  page: Page,
  head: readonly string[],
  rows: readonly (readonly string[])[],
  paint: (text: string, column: number) => string = (text) => text,
): string {
  const cells = rows.map((row) => row.map((text) => clean(text).replace(/\s*\n\s*/g, ' ')));
  const widths = head.map((title, at) => Math.max(title.length, ...cells.map((row) => (row[at] ?? '').length)));
  if (!page.isTTY) return plain(head, cells, widths);
  const wanted = widths.map((width) => width + PADDING - 1);
  const before = wanted.slice(0, -1).reduce((sum, width) => sum + width + 1, 2);
  const last = Math.max(LEAST, Math.min(wanted.at(-1) ?? 0, page.columns - before));
  const table = new Table({
    head: [...head],
    colWidths: [...wanted.slice(0, -1), last],
    wordWrap: true,
    style: { head: [], border: [] },
  });
  table.push(...cells.map((row) => row.map((text, column) => paint(text, column))));
  return table.toString();
}

function plain(head: readonly string[], rows: readonly string[][], widths: readonly number[]): string {
  const line = (row: readonly string[]): string =>
    row
      .map((text, at) => text.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.map(line)].join('\n');
}
