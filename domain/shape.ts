import { z } from 'zod';

/** One difference between the collection as it is and as the recovery set recorded it. */
export const shapeDifferenceSchema = z.strictObject({
  /** Dotted path, e.g. `payload_schema.source` or `params.vectors.size`. */
  path: z.string(),
  /** JSON text of what the set recorded; absent when the set had nothing there. */
  expected: z.string().optional(),
  /** JSON text of what the server has; absent when it has nothing there. */
  observed: z.string().optional(),
});
export type ShapeDifference = z.infer<typeof shapeDifferenceSchema>;

const INDEX_PATH = 'payload_schema.';

/** A payload index that the set recorded and the collection has lost. One of another type was changed on purpose. */
export function isRepairable({ path, expected, observed }: ShapeDifference): boolean {
  return path.startsWith(INDEX_PATH) && expected !== undefined && observed === undefined;
}

/** The field of a payload index difference. */
export function indexFieldOf(difference: ShapeDifference): string {
  return difference.path.slice(INDEX_PATH.length);
}

/**
 * Compares two shapes field by field. `expected` and `observed` are plain JSON objects `{...config, payload_schema}`;
 * objects are walked, everything else is compared by its JSON text. Payload indexes are compared whole.
 */
export function compareShapes(
  expected: Record<string, unknown>,
  observed: Record<string, unknown>,
  path = '',
): ShapeDifference[] {
  const names = [...new Set([...Object.keys(expected), ...Object.keys(observed)])].sort();
  return names.flatMap((name): ShapeDifference[] => {
    const [want, have] = [expected[name], observed[name]];
    const here = path + name;
    if (isObject(want) && isObject(have) && path !== INDEX_PATH) return compareShapes(want, have, `${here}.`);
    if (sortedJson(want) === sortedJson(have)) return [];
    return [{ path: here, ...text('expected', want), ...text('observed', have) }];
  });
}

function text<K extends string>(key: K, value: unknown): { [P in K]?: string } {
  if (value === undefined || value === null) return {};
  return { [key]: sortedJson(value) } as { [P in K]?: string };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** JSON with sorted keys; null and absent are the same thing to Qdrant and to us. */
function sortedJson(value: unknown): string {
  return JSON.stringify(value ?? null, (_key, inner: unknown) =>
    isObject(inner)
      ? Object.fromEntries(
          Object.entries(inner)
            .filter(([, v]) => v !== null)
            .sort(),
        )
      : inner,
  );
}
