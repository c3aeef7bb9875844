import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { z } from 'zod';
import { describeIssues } from '../../domain/run-input.ts';
import type { Chatbot } from './chatbot.ts';
import { createSession, readMessages, sessionExists } from './conversations.ts';
import { checkDeeply, messageOf } from './health.ts';

const BODY_BYTES = 16 << 20;

const ingestSchema = z.strictObject({ file: z.string().regex(/^[^#\0]{1,200}$/), markdown: z.string().min(1) });
const askSchema = z.strictObject({
  question: z.string().trim().min(1).max(4_000),
  sessionId: z.uuid().optional(),
  topK: z.int().min(1).max(20).default(5),
});
const sessionSchema = z.object({ id: z.uuid() });

/** The chatbot's endpoints. */
export function buildApp(chatbot: Chatbot): FastifyInstance {
  const app = fastify({ bodyLimit: BODY_BYTES, logger: { level: 'warn' } });
  app.setErrorHandler((error, request, reply) => {
    if (error instanceof z.ZodError) return refuse(reply, 400, describeIssues(error));
    const status = statusOf(error);
    if (status < 500) return refuse(reply, status, messageOf(error));
    // Whatever the app itself lacks is not the caller's doing, and may be there again in a moment.
    request.log.error({ problem: messageOf(error) }, 'request failed');
    return refuse(reply, 503, messageOf(error));
  });

  app.get('/health', () => ({ status: 'ok' }));
  app.get('/health/deep', async (_request, reply) => {
    const health = await checkDeeply(chatbot);
    return reply.code(health.status === 'ok' ? 200 : 503).send(health);
  });
  app.post('/ingest', (request) => {
    const { file, markdown } = ingestSchema.parse(request.body);
    return chatbot.ingest(file, markdown);
  });
  app.post('/sessions', async (_request, reply) => {
    return reply.code(201).send({ sessionId: await createSession(chatbot.pool) });
  });
  app.post('/ask', async (request, reply) => {
    const { question, sessionId, topK } = askSchema.parse(request.body);
    if (sessionId !== undefined && !(await sessionExists(chatbot.pool, sessionId))) return noSession(reply, sessionId);
    return chatbot.ask(question, topK, sessionId);
  });
  app.get('/sessions/:id/messages', async (request, reply) => {
    const { id } = sessionSchema.parse(request.params);
    if (!(await sessionExists(chatbot.pool, id))) return noSession(reply, id);
    return { sessionId: id, messages: await readMessages(chatbot.pool, id) };
  });
  return app;
}

function statusOf(error: unknown): number {
  const status = typeof error === 'object' && error !== null && 'statusCode' in error ? error.statusCode : undefined;
  return typeof status === 'number' ? status : 500;
}

function noSession(reply: FastifyReply, id: string): FastifyReply {
  return refuse(reply, 404, `there is no session ${id}`);
}

function refuse(reply: FastifyReply, status: number, message: string): FastifyReply {
  return reply.code(status).send({ error: { message } });
}
