import { isObject, type Json, writeJson } from './json.ts';

export type Variables = Map<string, Json>;

/** A case refers to something that an earlier step did not bring. */
export class MissingVariable extends Error {}

function lookup(name: string, variables: Variables): Json {
  const value = variables.get(name);
  if (value === undefined) throw new MissingVariable(`no value for ${name}`);
  return value;
}

function asText(value: Json): string {
  return typeof value === 'string' ? value : writeJson(value);
}

/** `dim` numbers between -1 and 1 with six decimals, the same for the same seed wherever the recording is played. */
export function makeVector(dim: number, seed: number): number[] {
  return Array.from({ length: dim }, (_, i) => {
    const scattered = (seed * 7919 + i * 104729 + i * i * 31 + seed * i * 613) % 2003;
    return Math.round((scattered / 1001 - 1) * 1e6) / 1e6;
  });
}

export function expandText(text: string, variables: Variables): string {
  return text.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => asText(lookup(name, variables)));
}

/** Fills in variables and vectors. A text that is nothing but one variable takes on that variable's type. */
export function expand(value: Json, variables: Variables): Json {
  if (typeof value === 'string') {
    const whole = /^\$\{(\w+)\}$/.exec(value);
    return whole?.[1] === undefined ? expandText(value, variables) : lookup(whole[1], variables);
  }
  if (Array.isArray(value)) return value.map((one) => expand(one, variables));
  if (!isObject(value) || 'rawJSON' in value) return value;
  const vector = value['$vector'];
  if (isObject(vector)) return makeVector(Number(vector['dim']), Number(vector['seed']));
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [expandText(key, variables), expand(one, variables)]),
  );
}

/** A body that is no JSON, or not quite: text, or a list of texts, repeated texts and single bytes. */
export function rawBytes(value: Json, variables: Variables): Buffer {
  if (typeof value === 'string') return Buffer.from(expandText(value, variables));
  const parts = isObject(value) ? value['$text'] : null;
  if (!Array.isArray(parts)) throw new TypeError('a raw body is a text or {"$text": [...]}');
  return Buffer.concat(
    parts.map((part) => {
      if (typeof part === 'string') return Buffer.from(part);
      if (!isObject(part)) throw new TypeError('a part of $text is a text or an object');
      if ('byte' in part) return Buffer.from([Number(part['byte'])]);
      return Buffer.from(asText(part['repeat'] ?? '').repeat(Number(part['times'])));
    }),
  );
}
