import { z } from 'zod';

/**
 * A Qdrant point id in the one form it has inside this project: a decimal string for unsigned 64-bit integers, a
 * lower-case hyphenated string for UUIDs. Numbers are not used because ids above 2^53 would be rounded by JSON.
 */
export type PointId = string;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const INTEGER = /^(0|[1-9][0-9]{0,19})$/;
const LARGEST_INTEGER = 2n ** 64n - 1n;

/** True when `text` is a point id in canonical form. */
export function isPointId(text: string): boolean {
  return UUID.test(text) || (INTEGER.test(text) && (text.length < 20 || BigInt(text) <= LARGEST_INTEGER));
}

/** A point id crossing a boundary as a string. */
export const pointIdSchema = z.string().refine(isPointId, 'must be an unsigned 64-bit integer or a UUID');

/**
 * Reads an id as the wire gives it (number, bigint or string).
 * Returns `undefined` for anything Qdrant would not accept, and for numbers that JSON has already rounded.
 */
export function parsePointId(wire: unknown): PointId | undefined {
  if (typeof wire === 'number') return Number.isSafeInteger(wire) && wire >= 0 ? String(wire) : undefined;
  if (typeof wire === 'bigint') return isPointId(String(wire)) ? String(wire) : undefined;
  if (typeof wire !== 'string') return undefined;
  const text = wire.toLowerCase();
  return isPointId(text) ? text : undefined;
}

/** The JSON text of an id, exact at any size: a bare integer, or a quoted UUID. */
export function pointIdJson(id: PointId): string {
  return id.length === 36 ? `"${id}"` : id;
}

/**
 * Qdrant's own scroll order: integers by value, then UUIDs by bytes. In canonical form a shorter id always comes first
 * (integers have at most 20 digits and no leading zero, UUIDs 36 characters), and ids of one length compare as text.
 */
export function comparePointIds(a: PointId, b: PointId): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}
