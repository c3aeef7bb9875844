import { z } from 'zod';
import { pathOf } from './address.ts';
import type { QdrantConnection, RawRequest } from './client.ts';
import { member, pointsOf } from './json-bytes.ts';
import { findingOf } from './finding.ts';
import type { Seen } from './looker.ts';

const listSchema = z.object({ result: z.object({ collections: z.array(z.unknown()) }) });
const infoSchema = z.object({ result: z.object({ status: z.string(), optimizer_status: z.unknown() }) });
const countSchema = z.object({ result: z.object({ count: z.number() }) });

export function lookAtReadiness(connection: QdrantConnection, signal: AbortSignal): Promise<Seen> {
  return ask(connection, { what: 'readiness', method: 'GET', path: '/readyz', signal }, (body) =>
    body.toString('utf8'),
  );
}

export function lookAtKey(connection: QdrantConnection, signal: AbortSignal): Promise<Seen> {
  return ask(connection, { what: 'collections', method: 'GET', path: '/collections', signal }, (body) => {
    return `${listSchema.parse(json(body)).result.collections.length} collections`;
  });
}

/** The server may list a collection that it cannot read; why, its metrics tell. */
export async function lookAtCollection(
  connection: QdrantConnection,
  collection: string,
  signal: AbortSignal,
): Promise<Seen> {
  const request: RawRequest = { what: 'information', method: 'GET', path: pathOf(collection), signal };
  const seen = await ask(connection, request, (body) => {
    const { status, optimizer_status: optimizer } = infoSchema.parse(json(body)).result;
    if (status !== 'red') return status;
    const said = `red: ${JSON.stringify(optimizer)}`;
    return { said, finding: findingOf({ status: 500, said, depth: 'collection' }) };
  });
  return seen.status === 500 && (await isInRecovery(connection, signal)) ? { ...seen, finding: 'recovery-mode' } : seen;
}

/** An exact count, one point, and a search for its own vector. */
export async function lookAtQuery(
  connection: QdrantConnection,
  collection: string,
  vectorName: string | undefined,
  signal: AbortSignal,
): Promise<Seen> {
  const post = (path: string, body: string): RawRequest => {
    return { what: path, method: 'POST', path: pathOf(collection, `/points/${path}`), body, signal };
  };
  const counted = await count(connection, post('count', '{"exact":true}'));
  if (counted.status !== 200 || counted.finding !== undefined) return counted;
  let vector: Buffer | undefined;
  const scrolled = await ask(connection, post('scroll', '{"limit":1,"with_vector":true}'), (body) => {
    const whole = pointsOf(body)[0]?.vector;
    vector = whole && vectorName !== undefined ? member(whole, vectorName) : whole;
    return counted.said;
  });
  if (scrolled.status !== 200 || scrolled.finding !== undefined) return scrolled;
  if (vector?.[0] !== OPEN_ARRAY) return { status: 200, said: `${counted.said}, the first without a vector` };
  const using = vectorName === undefined ? '' : `,"using":${JSON.stringify(vectorName)}`;
  return ask(connection, post('query', `{"query":${vector.toString('latin1')}${using},"limit":1}`), (body) => {
    const found = pointsOf(body).length;
    return found > 0 ? `${counted.said}, and one found` : { said: `${counted.said}, and none found`, finding: 'wrong' };
  });
}
const OPEN_ARRAY = 0x5b;
/** An exact count of many millions takes seconds. */
const COUNT_MS = 1_000;

/** That counting takes long, or is forbidden by strict mode, is no fault: what is asked next tells whether there is one. */
async function count(connection: QdrantConnection, request: RawRequest): Promise<Seen> {
  const late = AbortSignal.timeout(COUNT_MS);
  const signal = request.signal ? AbortSignal.any([request.signal, late]) : late;
  try {
    const seen = await ask(connection, { ...request, signal }, (body) => {
      const points = countSchema.parse(json(body)).result.count;
      // What an aborted restore leaves: it answers every question, and with nothing.
      return points > 0 ? `${points} points` : { said: 'there is no point in it', finding: 'absent' };
    });
    return seen.status === 400 && /exact search disabled/i.test(seen.said)
      ? { status: 200, said: 'not counted' }
      : seen;
  } catch (error) {
    if (late.aborted && !request.signal?.aborted) return { status: 200, said: 'not counted in time' };
    throw error;
  }
}

/** The version that the server tells everybody. */
export async function versionOf(connection: QdrantConnection, signal: AbortSignal): Promise<{ version?: string }> {
  try {
    const { status, body } = await connection.answer({ what: 'version', method: 'GET', path: '/', signal }, null);
    if (status !== 200) return {};
    return { version: z.object({ version: z.string().max(100) }).parse(json(body)).version };
  } catch {
    return {};
  }
}

async function isInRecovery(connection: QdrantConnection, signal: AbortSignal): Promise<boolean> {
  try {
    const { body } = await connection.answer({ what: 'metrics', method: 'GET', path: '/metrics', signal });
    return /^\w*app_status_recovery_mode(?:\{[^}]*\})? 1\b/m.test(body.toString('utf8'));
  } catch {
    return false;
  }
}

/** One request, once. A good status with another form of answer is somebody else in Qdrant's place. */
async function ask(
  connection: QdrantConnection,
  request: RawRequest,
  read: (body: Buffer) => string | Pick<Seen, 'said' | 'finding'>,
): Promise<Seen> {
  const { status, body } = await connection.answer(request);
  if (status !== 200) return { status, said: `${status} ${body.toString('utf8')}` };
  try {
    const said = read(body);
    return typeof said === 'string' ? { status, said } : { status, ...said };
  } catch {
    return { status, said: `another form of answer: ${body.toString('utf8')}`, finding: 'wrong' };
  }
}

function json(body: Buffer): unknown {
  return JSON.parse(body.toString('utf8')) as unknown;
}
