import type { QdrantConfig } from '../../config/schema.ts';
import type { ChunkRow } from '../../domain/row-store.ts';

type Payload = Readonly<Record<string, unknown>>;

/** A payload field by its dotted path; a key that itself holds dots wins. */
export function fieldAt(payload: unknown, path: string): unknown {
  if (!isObject(payload)) return undefined;
  if (Object.hasOwn(payload, path)) return payload[path];
  return path
    .split('.')
    .reduce<unknown>(
      (inside, key) => (isObject(inside) && Object.hasOwn(inside, key) ? inside[key] : undefined),
      payload,
    );
}

/** A copy of the payload with one field set; objects on the way are made where they are missing. */
export function withField(payload: Payload, path: string, value: unknown): Payload {
  const dot = Object.hasOwn(payload, path) ? -1 : path.indexOf('.');
  if (dot === -1) return { ...payload, [path]: value };
  const key = path.slice(0, dot);
  const inner = payload[key];
  return { ...payload, [key]: withField(isObject(inner) ? inner : {}, path.slice(dot + 1), value) };
}

/** What the payload of a point must be: what it is or was, with everything that the row knows better. */
export function payloadOf(before: Payload, facts: Partial<ChunkRow>, fields: QdrantConfig['fields']): Payload {
  const known: [path: string | undefined, value: unknown][] = [
    [fields.text, facts.text],
    [fields.source, facts.source],
    [fields.chunkIndex, facts.index],
    [fields.contentHash, facts.hash],
  ];
  return known.reduce<Payload>(
    (payload, [path, value]) => (path === undefined || value === undefined ? payload : withField(payload, path, value)),
    before,
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
