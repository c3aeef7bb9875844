import { property } from './failure.ts';

/** A value that a point can be found by exactly. */
export type Value = string | number | bigint | boolean;

/** A payload index as a shape tells it. */
export interface PayloadIndex {
  readonly field: string;
  readonly type: string;
  /** True for one that knows ranges only. */
  readonly ranged: boolean;
}

/** Types whose values are compared as they are. */
const KINDS: Readonly<Record<string, (value: unknown) => boolean>> = {
  keyword: (value) => typeof value === 'string',
  uuid: (value) => typeof value === 'string',
  bool: (value) => typeof value === 'boolean',
  integer: (value) => typeof value === 'bigint' || Number.isSafeInteger(value),
};

/** The payload indexes of a shape. */
export function payloadIndexesOf(payloadSchema: Readonly<Record<string, unknown>>): PayloadIndex[] {
  return Object.entries(payloadSchema).map(([field, index]) => ({
    field,
    type: String(property(index, 'data_type')),
    ranged: property(property(index, 'params'), 'lookup') === false,
  }));
}

export function isCheckable({ type }: PayloadIndex): boolean {
  return Object.hasOwn(KINDS, type);
}

/** What of a payload stands in an index: the values at its path of its type, an array's each for itself. */
export function indexedValues(payload: unknown, { field, type }: PayloadIndex): Value[] {
  const fits = KINDS[type] ?? (() => false);
  return stepsOf(field)
    .reduce<unknown[]>((found, step) => found.flatMap((one) => inside(one, step)), [payload])
    .flat()
    .filter((value): value is Value => fits(value));
}

/** The field of the payload that a path begins in. */
export function rootOf(field: string): string {
  return stepsOf(field)[0]?.replace(/\[\]$/, '') ?? field;
}

/** `meta.tags[].name` has three steps; what stands in quotes is one, dots and all. */
function stepsOf(path: string): string[] {
  return (path.match(/"[^"]*"(?:\[\])?|[^.]+/g) ?? []).map((step) => step.replaceAll('"', ''));
}

function inside(value: unknown, step: string): unknown[] {
  const each = step.endsWith('[]');
  const found = property(value, each ? step.slice(0, -2) : step);
  if (found === undefined) return [];
  return each && Array.isArray(found) ? (found as unknown[]) : [found];
}
