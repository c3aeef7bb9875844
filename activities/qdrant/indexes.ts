import { z } from 'zod';
import type { IndexRequest } from '../../domain/collection-request.ts';
import { sleep } from '../sleep.ts';
import { pathOf } from './address.ts';
import { property, QdrantFailure } from './failure.ts';
import { readShape } from './shape.ts';
import type { Tools } from './tools.ts';

const recordedSchema = z.object({ data_type: z.string(), params: z.record(z.string(), z.unknown()).nullish() });

/** Creates payload indexes as a set recorded them (`{data_type, params?}` by field), and waits until they are there. */
export async function createIndexes(
  tools: Tools,
  { collection, fields }: { collection: string; fields: Record<string, unknown> },
  signal?: AbortSignal,
): Promise<void> {
  for (const [field, recorded] of Object.entries(fields)) {
    const { data_type, params } = recordedSchema.parse(recorded);
    await create(tools, collection, field, params ?? data_type, signal);
    await waitFor(tools, collection, field, data_type, signal);
  }
}

/** Creates one payload index, and waits until it is there. One that is there already is left as it is. */
export async function createIndex(
  tools: Tools,
  collection: string,
  { field_name, field_schema }: IndexRequest,
  signal?: AbortSignal,
): Promise<void> {
  const type = typeof field_schema === 'string' ? field_schema : property(field_schema, 'type');
  await create(tools, collection, field_name, field_schema, signal);
  await waitFor(tools, collection, field_name, String(type), signal);
}

/** Goes back to the indexes that were there before: `null` where there was none. */
export async function revertIndexes(
  tools: Tools,
  { collection, fields }: { collection: string; fields: Record<string, unknown> },
  signal?: AbortSignal,
): Promise<void> {
  for (const [field, before] of Object.entries(fields)) {
    if (before !== null && before !== undefined) {
      await createIndexes(tools, { collection, fields: { [field]: before } }, signal);
      continue;
    }
    await tools.connection.exchange({
      what: `remove the payload index on ${field} of ${collection}`,
      method: 'DELETE',
      path: pathOf(collection, `/index/${encodeURIComponent(field)}`),
      query: { wait: 'true' },
      signal,
    });
  }
}

/** A large index may take longer than anything on the way keeps a request open; then its showing up is the answer. */
async function create(
  { connection, patience }: Tools,
  collection: string,
  field: string,
  schema: unknown,
  signal?: AbortSignal,
): Promise<void> {
  try {
    await connection.exchange({
      what: `create the payload index on ${field} of ${collection}`,
      method: 'PUT',
      path: pathOf(collection, '/index'),
      query: { wait: 'true' },
      body: JSON.stringify({ field_name: field, field_schema: schema }),
      deadlineMs: patience.indexMs,
      signal,
    });
  } catch (error) {
    if (!(error instanceof QdrantFailure && error.outcomeUnknown)) throw error;
  }
}

async function waitFor(
  { connection, patience }: Tools,
  collection: string,
  field: string,
  type: string,
  signal?: AbortSignal,
): Promise<void> {
  for (let waited = 0; waited <= patience.lookMs; waited += patience.pollMs) {
    const { payloadSchema } = await readShape(connection, collection);
    if (recordedSchema.safeParse(payloadSchema[field]).data?.data_type === type) return;
    await sleep(patience.pollMs, signal);
  }
  throw new QdrantFailure('QDRANT_BUSY', `Qdrant, ${collection}: the payload index on ${field} is not there yet`);
}
