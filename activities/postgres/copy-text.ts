const NEWLINE = 0x0a;
const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

/**
 * Rows of COPY's text format, as they are: fields between tabs, still escaped. Inside fields a newline is escaped, so a
 * bare one always ends a row. Whole pieces are decoded at once: a row at a time would cost several times as much.
 * Format: postgresql.org/docs/current/sql-copy.html, "Text Format".
 */
export async function* copyRows(pieces: AsyncIterable<Buffer>): AsyncGenerator<string[]> {
  let rest: Buffer[] = [];
  for await (const piece of pieces) {
    const end = piece.lastIndexOf(NEWLINE);
    if (end === -1) {
      rest.push(piece);
      continue;
    }
    const whole = rest.length === 0 ? piece.subarray(0, end) : Buffer.concat([...rest, piece.subarray(0, end)]);
    rest = end + 1 < piece.length ? [piece.subarray(end + 1)] : [];
    yield whole.toString('utf8').split('\n');
  }
}

/** A field's own text. NULL (`\N`) must be dealt with in SQL. */
export function unescapeField(field: string): string {
  if (!field.includes('\\')) return field;
  return field.replace(/\\(.)/gs, (_whole, letter: string) => ESCAPES[letter] ?? letter);
}
