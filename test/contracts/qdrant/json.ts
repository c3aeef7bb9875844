/** JSON that keeps 64-bit ids whole, and numbers as they were written where they are only passed on. */

export type Json = null | boolean | number | bigint | string | Json[] | JsonObject;
export type JsonObject = { [key: string]: Json };

type SourceReviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown;
type RawJson = { parse(text: string, reviver: SourceReviver): unknown; rawJSON(text: string): unknown };

// Node 24 has both, the es2024 library does not describe them yet.
const raw = JSON as unknown as RawJson;

/** Integers beyond 2^53 become bigint, so that two of them never agree by rounding. */
export function parseJson(text: string): Json {
  return raw.parse(text, (_key, value, { source }) => {
    const whole = typeof value === 'number' && source !== undefined && /^-?\d+$/.test(source);
    return whole && !Number.isSafeInteger(value) ? BigInt(source) : value;
  }) as Json;
}

/** Numbers whose spelling JavaScript would change (1.0, 1e+39, 2^64) are kept for sending as they are written. */
export function parseForSending(text: string): Json {
  return raw.parse(text, (_key, value, { source }) => {
    const changed = typeof value === 'number' && source !== undefined && String(value) !== source;
    return changed ? raw.rawJSON(source) : value;
  }) as Json;
}

export function writeJson(value: Json): string {
  return JSON.stringify(value, (_key, one: unknown) => (typeof one === 'bigint' ? raw.rawJSON(String(one)) : one));
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** One spelling for equal values: keys in order. Used to sort lists whose order means nothing. */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (!isObject(value)) return writeJson(value);
  const fields = Object.keys(value).sort();
  return `{${fields.map((key) => `${JSON.stringify(key)}:${canonical(value[key] ?? null)}`).join(',')}}`;
}

/** Follows `$.a.b[0].c`; null where the path ends early. */
export function pick(value: Json, path: string): Json {
  let here: Json | undefined = value;
  for (const [, name, index] of path.matchAll(/\.([^.[\]]+)|\[(\d+)\]/g)) {
    if (name !== undefined) here = isObject(here) ? here[name] : undefined;
    else here = Array.isArray(here) ? here[Number(index)] : undefined;
  }
  return here ?? null;
}
