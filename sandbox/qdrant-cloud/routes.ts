import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { describeIssues } from '../../domain/run-input.ts';
import { CloudError, messageOf } from './errors.ts';
import type { Ground } from './ground.ts';
import type { CloudSettings } from './options.ts';

interface Call {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
}

export interface Route {
  /** Method, path, and the permissions that it takes, all of them. */
  readonly is: readonly ['GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', string, ...string[]];
  readonly answer: (call: Call) => object | Promise<object>;
}

interface Api {
  readonly ground: Ground;
  readonly keys: CloudSettings['keys'];
  readonly routes: readonly Route[];
  /** Does what has become due, before each request. */
  readonly settle: () => void;
}

/** The API's port. What is no route of the stand-in is answered with 501. */
export function buildApi({ ground, keys, routes, settle }: Api): FastifyInstance {
  const app = fastify({ forceCloseConnections: true, exposeHeadRoutes: false });
  // Requests without a body may still say that they have a JSON one.
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, text, done) => parseBody(text, done));
  app.setErrorHandler((error, _request, reply) => {
    const known = asCloudError(error);
    return reply.code(known.status).send(known.body);
  });
  app.setNotFoundHandler((request) => {
    throw new CloudError('UNIMPLEMENTED', `${request.method} ${pathOf(request)}: the stand-in does not do this`);
  });
  addFaults(app, ground);
  for (const { is, answer } of routes) {
    const [method, url, ...permissions] = is;
    app.route({
      method,
      url,
      handler: (request) => {
        const { params, query, body } = request;
        checkAccess(request, keys, permissions, ground.accountId);
        settle();
        return answer({ params, query, body });
      },
    });
  }
  return app;
}

function parseBody(text: string | Buffer, done: (error: Error | null, body?: unknown) => void): void {
  try {
    done(null, text.length === 0 ? {} : JSON.parse(String(text)));
  } catch (error) {
    done(new CloudError('INVALID_ARGUMENT', `the body is no JSON: ${messageOf(error)}`));
  }
}

function asCloudError(error: unknown): CloudError {
  if (error instanceof CloudError) return error;
  if (error instanceof z.ZodError)
    return new CloudError('INVALID_ARGUMENT', `validation error: ${describeIssues(error)}`);
  return new CloudError('INTERNAL', messageOf(error));
}

function checkAccess(
  { headers, params }: FastifyRequest,
  keys: CloudSettings['keys'],
  permissions: readonly string[],
  account: string,
): void {
  const given = /^apikey (.+)$/i.exec(headers.authorization ?? '')?.[1];
  if (given === undefined) throw new CloudError('UNAUTHENTICATED', 'no management key was given');
  const found = keys.find(({ key }) => key.reveal() === given);
  if (!found) throw new CloudError('UNAUTHENTICATED', 'the management key is not known');
  const { accountId } = z.object({ accountId: z.uuid() }).parse(params);
  const lacking = permissions.find((permission) => found.permissions && !found.permissions.includes(permission));
  if (accountId !== account || lacking !== undefined)
    throw new CloudError('PERMISSION_DENIED', `the key may not ${lacking ?? 'see this account'}`);
}

function addFaults(app: FastifyInstance, { faults, jobs }: Ground): void {
  app.addHook('onRequest', async (request, reply) => {
    const about = { method: request.method, path: pathOf(request) };
    const hang = faults.take('hang', about);
    if (hang) {
      await sleep(hang.seconds * 1_000, undefined, { signal: jobs.signal }).catch(() => undefined);
      return drop(request, reply);
    }
    const limit = faults.take('rate-limit', about);
    if (limit) {
      if (limit.retry_after !== null) void reply.header('retry-after', String(limit.retry_after));
      throw new CloudError('RESOURCE_EXHAUSTED', 'too many requests');
    }
    if (faults.take('unavailable', about)) throw new CloudError('UNAVAILABLE', 'the service is unavailable');
  });
  app.addHook('onSend', async (request, _reply, payload) => {
    if (faults.take('lost-response', { method: request.method, path: pathOf(request) })) request.raw.socket.destroy();
    return payload;
  });
}

function drop(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.hijack();
  request.raw.socket.destroy();
  return reply;
}

function pathOf({ url }: FastifyRequest): string {
  return url.split('?')[0] ?? url;
}
