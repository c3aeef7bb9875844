import { randomUUID } from 'node:crypto';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { describeIssues } from '../../domain/run-input.ts';
import { badRequest, locked, NeonError, notFound, notProvided, unprocessable } from './errors.ts';
import type { Faults, Strikable } from './faults.ts';
import { setTimeout as pause } from 'node:timers/promises';

export const BASE = '/api/v2';
const CHANGING = ['POST', 'PUT', 'PATCH', 'DELETE'];

/** The HTTP side of the API without its routes: the key, errors in Neon's shape, the fault switches. */
export function buildHttp(apiKey: string, faults: Faults): FastifyInstance {
  const server = fastify({ forceCloseConnections: true, bodyLimit: 4 << 20 });
  // The vendor's client sends a content type with empty bodies as well, and not always this one.
  server.removeContentTypeParser('application/json');
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, body === '' ? {} : JSON.parse(String(body)));
    } catch {
      done(badRequest('the body is not valid JSON'));
    }
  });
  server.addContentTypeParser('*', { parseAs: 'string' }, (_request, _body, done) => done(null, undefined));
  server.addHook('onRequest', async (request) => {
    await strike(request, faults);
    if (request.headers.authorization !== `Bearer ${apiKey}`) {
      throw new NeonError(401, 'This request does not contain valid authentication credentials');
    }
  });
  server.addHook('onSend', async (request) => {
    if (faults.take('lost-response', struckBy(request))) request.raw.socket.destroy();
  });
  server.setErrorHandler((error, _request, reply) => sendError(reply, error));
  server.setNotFoundHandler((request, reply) =>
    sendError(reply, notProvided(`${request.method} ${request.url.split('?')[0] ?? ''}`)),
  );
  return server;
}

function struckBy({ method, url }: FastifyRequest): Strikable {
  return { method, path: url.split('?')[0] ?? '' };
}

/** The faults that strike instead of the work. */
async function strike(request: FastifyRequest, faults: Faults): Promise<void> {
  const struck = struckBy(request);
  const hang = faults.take('hang', struck);
  if (hang) {
    await pause((hang.seconds ?? 60) * 1_000, undefined, { ref: false });
    request.raw.socket.destroy();
  }
  const limit = faults.take('rate-limit', struck);
  if (limit)
    throw new NeonError(
      429,
      'rate limit exceeded',
      '',
      limit.retry_after === undefined ? 1 : (limit.retry_after ?? undefined),
    );
  if (faults.take('unavailable', struck)) throw new NeonError(503, 'service unavailable');
  if (CHANGING.includes(request.method) && faults.take('locked', struck)) throw locked();
  if (faults.take('not-found', struck)) throw notFound('branch');
  if (faults.take('not-ready', struck)) throw unprocessable('branch not ready yet');
}

function sendError(reply: FastifyReply, error: unknown): FastifyReply {
  const known = error instanceof NeonError ? error : undefinedFault(error);
  if (known.retryAfter !== undefined) void reply.header('retry-after', String(known.retryAfter));
  return reply.code(known.status).send({ request_id: randomUUID(), code: known.code, message: known.message });
}

/** What is no refusal of ours is a fault of ours. */
function undefinedFault(error: unknown): NeonError {
  if (error instanceof z.ZodError) return badRequest(describeIssues(error));
  return new NeonError(500, error instanceof Error ? error.message : String(error), 'INTERNAL_ERROR');
}

/** One change at a time: each is checked against what the one before it has made. */
export class Turn {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T> | T): Promise<T> {
    const mine = this.#last.then(work, work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }
}
