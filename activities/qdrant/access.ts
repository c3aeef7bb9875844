import { randomBytes, randomUUID } from 'node:crypto';
import type { Gate } from '../../domain/verdict.ts';
import { pathOf } from './address.ts';
import type { QdrantConnection, RawRequest } from './client.ts';

/**
 * Whether the server keeps out whom it should. Only real requests tell: a restore brings no keys along, and `GET /`
 * answers everybody. What is written with a key that may not write is the deletion of a point that cannot exist, on a
 * collection that does: harmless where the key turns out to be allowed after all.
 * @throws QDRANT_UNREACHABLE
 */
export async function checkAccess(
  connection: QdrantConnection,
  collection = connection.config.collection,
): Promise<Gate[]> {
  const { apiKey, readOnlyApiKey } = connection.config;
  if (!apiKey) {
    const observed = 'no API key is configured here (QDRANT_API_KEY), so nothing can be tried';
    return [gate('no key', 'unproven', 'Qdrant asks for a key', observed)];
  }
  return [
    await refusesAll({ connection, collection }, 'no key', null),
    await refusesAll({ connection, collection }, 'wrong key', `dr-${randomBytes(24).toString('hex')}`),
    // Where no read-only key is declared, there is none that could have gained rights.
    ...(readOnlyApiKey ? [await readsOnly({ connection, collection }, readOnlyApiKey.reveal())] : []),
  ];
}

/** A server, and a collection that is there. */
interface Asked {
  readonly connection: QdrantConnection;
  readonly collection: string;
}

function gate(who: string, verdict: Gate['verdict'], expected: string, observed: string): Gate {
  return { name: `access: ${who}`, verdict, expected, observed };
}

async function refusesAll(on: Asked, who: string, key: string | null): Promise<Gate> {
  const { read, write } = await attempt(on, key);
  const expected = 'reading and writing refused (401 or 403)';
  const observed = `reading ${inWords(read)}, writing ${inWords(write)}`;
  if (isAllowed(read) || isAllowed(write)) {
    const open = isAllowed(read) && isAllowed(write) ? 'the server is open to everybody' : 'the server is partly open';
    return gate(who, 'fail', expected, `${observed}: ${open}`);
  }
  return gate(who, isRefused(read) && isRefused(write) ? 'pass' : 'unproven', expected, observed);
}

async function readsOnly(on: Asked, key: string): Promise<Gate> {
  const { read, write } = await attempt(on, key);
  const expected = 'reading allowed, writing refused (401 or 403)';
  const observed = `reading ${inWords(read)}, writing ${inWords(write)}`;
  if (isAllowed(write) || isRefused(read)) return gate('read-only key', 'fail', expected, observed);
  return gate('read-only key', isAllowed(read) && isRefused(write) ? 'pass' : 'unproven', expected, observed);
}

async function attempt(
  { connection, collection }: Asked,
  key: string | null,
): Promise<{ read: number; write: number }> {
  const statusOf = async (request: RawRequest): Promise<number> => (await connection.answer(request, key)).status;
  return {
    read: await statusOf({ what: 'try to read', method: 'GET', path: pathOf(collection) }),
    write: await statusOf({
      what: 'try to write',
      method: 'POST',
      path: pathOf(collection, '/points/delete'),
      query: { wait: 'true' },
      body: JSON.stringify({ points: [randomUUID()] }),
    }),
  };
}

function isAllowed(status: number): boolean {
  return status >= 200 && status < 300;
}

function isRefused(status: number): boolean {
  return status === 401 || status === 403;
}

function inWords(status: number): string {
  return `${isAllowed(status) ? 'allowed' : isRefused(status) ? 'refused' : 'answered'} (${status})`;
}
