/** JSON whose integers are exact at any size: those beyond 2^53 are BigInt in memory and bare digits in text. */

const LONG_INTEGER = /[[:,\s]-?[0-9]{16,}(?![0-9]*[.eE])/;

interface JsonWithSource {
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
  rawJSON(text: string): unknown;
}
/** Node 22 has both; TypeScript's library does not know of them yet. */
const exact = JSON as unknown as JsonWithSource;

export function parseExact(text: string): unknown {
  if (!LONG_INTEGER.test(text)) return JSON.parse(text) as unknown;
  return exact.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && source !== undefined && /^-?[0-9]+$/.test(source)
      ? BigInt(source)
      : value,
  );
}

export function stringifyExact(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'bigint' ? exact.rawJSON(String(inner)) : inner,
  );
}
