import { createHash } from 'node:crypto';
import { z } from 'zod';
import { CloudError } from './errors.ts';

const DAY_S = 86_400;
const MOST_DAYS = 365;
const LARGEST_PAGE = 250;

export const DISPLAY_NAME = z
  .string()
  .regex(/^[A-Za-z0-9_-]{4,64}$/, 'value must be 4 to 64 letters, digits, dashes and underscores');

/** JSON of a protobuf duration: seconds, with a fraction where there is one, and an `s`. */
export const RETENTION = z
  .string()
  .regex(/^\d+(\.\d{1,9})?s$/, 'value must be a duration such as "86400s"')
  .refine((text) => secondsOf(text) >= DAY_S && secondsOf(text) <= MOST_DAYS * DAY_S, 'value must be 1 to 365 days');

export function secondsOf(duration: string): number {
  return Number.parseFloat(duration);
}

export const pageSchema = z.object({
  pageSize: z.coerce.number().int().min(1).max(LARGEST_PAGE).optional(),
  pageToken: z.string().min(1).optional(),
});

/**
 * One page of a list. Without a page size it is the whole list. The API promises no order, so the stand-in's is by id,
 * which has nothing to do with time. A token belongs to the filters that it was given with.
 */
export function pageOf<T extends { id: string }>(
  all: readonly T[],
  { pageSize, pageToken }: z.infer<typeof pageSchema>,
  filters: unknown,
): { items: T[]; totalSize?: number; nextPageToken?: string } {
  const sorted = all.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const seal = createHash('sha256').update(JSON.stringify(filters)).digest('hex').slice(0, 12);
  const after = pageToken === undefined ? '' : readToken(pageToken, seal);
  const rest = sorted.filter(({ id }) => id > after);
  const items = rest.slice(0, pageSize ?? rest.length);
  const last = items.at(-1);
  return {
    items,
    ...(pageSize === undefined ? {} : { totalSize: all.length }),
    ...(last && items.length < rest.length
      ? { nextPageToken: Buffer.from(`${seal}:${last.id}`).toString('base64url') }
      : {}),
  };
}

function readToken(token: string, seal: string): string {
  const [given, id] = Buffer.from(token, 'base64url').toString().split(':');
  if (given !== seal || id === undefined) throw new CloudError('INVALID_ARGUMENT', 'page_token is not of this request');
  return id;
}

/** Fields of a message that only the service sets. Setting one is refused, as the API does. */
export function refuseReadOnly(message: string, value: unknown, fields: readonly string[]): void {
  const given = typeof value === 'object' && value !== null ? value : {};
  const set = fields.some((field) =>
    Object.entries(given).some(([name, held]) => name === field && held !== null && held !== ''),
  );
  if (set)
    throw new CloudError(
      'INVALID_ARGUMENT',
      `${message}: read-only fields (${fields.join(', ')}) must not be set on create`,
    );
}
