import { timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { z } from 'zod';
import { breakStack, endOutage, findFault } from '../faults/break.ts';
import { faults } from '../faults/index.ts';
import { writeCurrent } from './home.ts';
import { writeEnvironmentFile } from './settings.ts';
import { PART_NAMES, type Stack } from './types.ts';

const SIGNALS = ['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGSTOP', 'SIGCONT', 'SIGHUP'] as const;
const partSchema = z.object({ name: z.enum(PART_NAMES), action: z.enum(['kill', 'start', 'restart']) });
const killSchema = z.object({ signal: z.enum(SIGNALS).default('SIGKILL') });
const faultSchema = z.object({ system: z.string(), fault: z.string() });
const breakSchema = z.object({ seed: z.int().optional() });

export interface Control {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Opens a port on loopback by which people and programs look at the sandbox's parts, kill and start them, and break them
 * on purpose, with the bearer token of `secrets.control`. Tells the command line where it is.
 */
export async function openControl(stack: Stack): Promise<Control> {
  const server = buildControl(stack);
  const url = await server.listen({ host: '127.0.0.1', port: stack.ports.control });
  const token = stack.secrets.control;
  const variables = { ...stack.env, SANDBOX_CONTROL_URL: url, SANDBOX_CONTROL_TOKEN: token };
  const environmentFile = writeEnvironmentFile(stack.dir, variables);
  writeCurrent(join(stack.dir, '..', '..'), {
    name: stack.name,
    dir: stack.dir,
    environmentFile,
    control: { url, token },
  });
  return { url, close: () => server.close() };
}

function buildControl(stack: Stack): FastifyInstance {
  const server = fastify();
  const expected = Buffer.from(`Bearer ${stack.secrets.control}`);
  server.addHook('onRequest', async (request, reply) => {
    const given = Buffer.from(request.headers.authorization ?? '');
    const allowed = given.length === expected.length && timingSafeEqual(given, expected);
    if (!allowed) await reply.code(401).send({ error: 'the bearer token of .sandbox/current.json is needed' });
  });
  server.setErrorHandler((error, _request, reply) => refuse(reply, 400, error));
  server.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'there is no such route' }));
  addParts(server, stack);
  addFaults(server, stack);
  return server;
}

function addParts(server: FastifyInstance, stack: Stack): void {
  server.get('/', () => ({ name: stack.name, dir: stack.dir, urls: stack.urls, parts: stack.parts() }));
  server.post('/parts/:name/:action', async (request, reply) => {
    const { name, action } = partSchema.parse(request.params);
    const { signal } = killSchema.parse(request.body ?? {});
    try {
      await (action === 'kill' ? stack.kill(name, signal) : stack[action](name));
    } catch (error) {
      return refuse(reply, 409, error);
    }
    return { part: stack.parts().find((part) => part.name === name) };
  });
}

function addFaults(server: FastifyInstance, stack: Stack): void {
  server.get('/faults', () => ({
    faults: Object.entries(faults).flatMap(([system, all]) =>
      Object.entries(all).map(([fault, { about, end }]) => ({ system, fault, description: about, ends: !!end })),
    ),
  }));
  server.post('/break/:system/:fault', async (request, reply) => {
    const { system, fault } = faultSchema.parse(request.params);
    const { seed } = breakSchema.parse(request.body ?? {});
    return tried(reply, system, fault, async () => ({ broken: await breakStack(stack, system, fault, seed) }));
  });
  server.delete('/break/:system/:fault', async (request, reply) => {
    const { system, fault } = faultSchema.parse(request.params);
    return tried(reply, system, fault, async () => {
      await endOutage(stack, system, fault);
      return { ended: fault };
    });
  });
}

async function tried(reply: FastifyReply, system: string, fault: string, act: () => Promise<object>): Promise<object> {
  try {
    findFault(system, fault);
  } catch (error) {
    return refuse(reply, 404, error);
  }
  return act().catch((error: unknown) => refuse(reply, 409, error));
}

function refuse(reply: FastifyReply, status: number, error: unknown): FastifyReply {
  const text = error instanceof z.ZodError ? z.prettifyError(error) : undefined;
  return reply.code(status).send({ error: text ?? (error instanceof Error ? error.message : String(error)) });
}
