const FORM = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/;

/** A position in the write-ahead log as a number; undefined when the text is none. */
export function parseLsn(text: string): bigint | undefined {
  const match = FORM.exec(text);
  return match ? (BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`) : undefined;
}

/** @throws Error when one of them is no position */
export function compareLsn(a: string, b: string): number {
  const [left, right] = [parseLsn(a), parseLsn(b)];
  if (left === undefined || right === undefined) throw new Error(`no position in a log: ${left === undefined ? a : b}`);
  return left < right ? -1 : left > right ? 1 : 0;
}
