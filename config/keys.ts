import { z } from 'zod';
import { nearest } from './nearest.ts';

/** Every dotted path that a schema of nested objects knows. */
export function knownSettings(schema: unknown, prefix = ''): string[] {
  const inner = unwrapped(schema);
  if (!(inner instanceof z.ZodObject)) return [];
  return Object.entries(inner.shape as Record<string, unknown>).flatMap(([key, value]) => [
    prefix + key,
    ...knownSettings(value, `${prefix}${key}.`),
  ]);
}

/** The known setting that was most likely meant: a sibling that is spelt alike, else the same name in another place. */
export function likelySetting(path: string, known: readonly string[]): string | undefined {
  const parent = path.slice(0, path.lastIndexOf('.') + 1);
  const key = path.slice(parent.length);
  const siblings = known.filter((setting) => setting.startsWith(parent) && !setting.slice(parent.length).includes('.'));
  const likeSibling = nearest(
    key,
    siblings.map((setting) => setting.slice(parent.length)),
  );
  if (likeSibling !== undefined) return parent + likeSibling;
  return known.find((setting) => setting.endsWith(`.${key}`)) ?? nearest(path, known);
}

function unwrapped(schema: unknown): unknown {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return unwrapped(schema.unwrap());
  }
  return schema;
}
