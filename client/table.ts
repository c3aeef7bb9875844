import Table from 'cli-table3';
import { clean } from './output.ts';

/** A space on either side of the text, and one line between columns. */
const PADDING = 2;
const BORDER = 1;
const LEAST = 12;

/** Where a table will be read. */
export interface Page {
  /** True on a terminal: borders, and wide columns wrapped. In a pipe: plain aligned columns. */
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
  const names = cells.map(([name = '']) => name);
  const fit = fitted(widths, names, page.columns);
  const table = new Table({
    head: [...head],
    colWidths: fit.map((width) => width + PADDING),
    wordWrap: true,
    style: { head: [], border: [], compact: true },
  });
  table.push(...cells.map((row) => row.map((text, column) => paint(broken(text, fit[column] ?? LEAST), column))));
  return table.toString();
}

/**
 * Column widths that fit into the page together: the widest give way first, down to a width that can be read. The first
 * column names things, which people copy: its words are not broken while there is room for the longest of them.
 */
function fitted(widths: readonly number[], names: readonly string[], columns: number): number[] {
  const fit = [...widths];
  const longest = Math.max(LEAST, ...names.flatMap((name) => name.split(/\s+/)).map(({ length }) => length));
  const least = fit.map((_, at) => (at === 0 && longest + PADDING + 2 * BORDER <= columns ? longest : LEAST));
  const used = (): number => fit.reduce((sum, width) => sum + width + PADDING + BORDER, BORDER);
  for (let room = fit; used() > columns && room.length > 0;) {
    room = fit.filter((width, at) => width > (least[at] ?? LEAST));
    const widest = Math.max(...room);
    const at = fit.findIndex((width, column) => width === widest && width > (least[column] ?? LEAST));
    if (at >= 0) fit[at] = widest - 1;
  }
  return fit;
}

/** Words that are wider than their column are broken, not cut: a name with its end missing names nothing. */
function broken(text: string, width: number): string {
  return text.replace(new RegExp(`\\S{${width}}(?=\\S)`, 'g'), '$& ');
}

function plain(head: readonly string[], rows: readonly string[][], widths: readonly number[]): string {
  const line = (row: readonly string[]): string =>
    row
      .map((text, at) => text.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.map(line)].join('\n');
}
