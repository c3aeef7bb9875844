import { canonical, isObject, pick, type Json } from './json.ts';
import type { Normal } from './normaliser.ts';

type Difference = { path: string; recorded: Json; played: Json };

const TOLERANCE = 1e-6;
const ABSENT = '(absent)';

function shape(value: Json, depth: number): Json {
  if (Array.isArray(value)) {
    const first = value[0];
    return first !== undefined && depth > 0 ? [shape(first, depth - 1)] : 'list';
  }
  if (isObject(value)) {
    if (depth <= 0) return 'object';
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, shape(one, depth - 1)]));
  }
  if (value === null) return 'null';
  return { boolean: 'bool', number: 'number', bigint: 'number', string: 'text' }[
    typeof value as 'boolean' | 'number' | 'bigint' | 'string'
  ];
}

function metricTypes(body: Json): Json {
  if (typeof body !== 'string') return body;
  return [...new Set([...body.matchAll(/^# TYPE (\S+ \S+)/gm)].map((found) => found[1] ?? ''))].sort();
}

/** What of an answer a step compares: all of it, or as much as its `compare` says. */
export function view(normal: Normal, mode: string | undefined, unordered: string[] = []): Json {
  const whole: Json = { ...normal };
  if (mode === 'status') delete whole['body'];
  else if (mode === 'metrics') whole['body'] = metricTypes(normal.body);
  else if (mode?.startsWith('shape')) whole['body'] = shape(normal.body, Number(mode.split(':')[1] ?? 99));
  for (const path of unordered) {
    const found = pick(whole['body'] ?? null, path);
    if (Array.isArray(found)) found.sort((a, b) => (canonical(a) < canonical(b) ? -1 : 1));
  }
  return whole;
}

export function* differences(recorded: Json, played: Json, path = ''): Generator<Difference> {
  if (isObject(recorded) && isObject(played)) {
    for (const key of new Set([...Object.keys(recorded), ...Object.keys(played)])) {
      const here = path ? `${path}.${key}` : key;
      const [left, right] = [recorded[key], played[key]];
      if (left === undefined || right === undefined)
        yield { path: here, recorded: left ?? ABSENT, played: right ?? ABSENT };
      else yield* differences(left, right, here);
    }
  } else if (Array.isArray(recorded) && Array.isArray(played) && recorded.length === played.length) {
    for (const [index, one] of recorded.entries()) yield* differences(one, played[index] ?? null, `${path}[${index}]`);
  } else if (!sameScalar(recorded, played)) {
    yield { path, recorded, played };
  }
}

/** Integers agree exactly, at 64 bits too; anything with a fraction to within a millionth. */
function sameScalar(a: Json, b: Json): boolean {
  if (typeof a !== 'number' || typeof b !== 'number') return a === b;
  if (Number.isInteger(a) && Number.isInteger(b)) return a === b;
  return Math.abs(a - b) <= TOLERANCE * Math.max(1, Math.abs(a), Math.abs(b));
}
