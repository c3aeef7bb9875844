import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Secret } from '../../config/secret.ts';
import { describeIssues } from '../../domain/run-input.ts';
import type { Chatbot } from './chatbot.ts';
import { createSession, readMessages, sessionExists } from './conversations.ts';
import { checkDeeply, messageOf } from './health.ts';
import { placeSchema } from './vector-place.ts';
import { isBearer, modeSchema, type ModeSwitch, ReadOnly } from './mode.ts';

const BODY_BYTES = 16 << 20;
/** Nobody knows how long it takes; this keeps clients from asking all the time. */
const RETRY_AFTER_SECONDS = 5;

const ingestSchema = z.strictObject({ file: z.string().regex(/^[^#\0]{1,200}$/), markdown: z.string().min(1) });
const askSchema = z.strictObject({
  question: z.string().trim().min(1).max(4_000),
  sessionId: z.uuid().optional(),
  topK: z.int().min(1).max(20).default(5),
});
const sessionSchema = z.object({ id: z.uuid() });

/** The chatbot's endpoints. Without a token nobody can turn the switch. */
export function buildApp(chatbot: Chatbot, modeSwitch: ModeSwitch, token: Secret | undefined): FastifyInstance {
  const app = fastify({ bodyLimit: BODY_BYTES, logger: { level: 'warn' } });
  app.setErrorHandler((error, request, reply) => {
    if (error instanceof ReadOnly) return refuse(reply.header('retry-after', RETRY_AFTER_SECONDS), 503, error.message);
    if (error instanceof z.ZodError) return refuse(reply, 400, describeIssues(error));
    const status = statusOf(error);
    if (status < 500) return refuse(reply, status, messageOf(error));
    // Whatever the app itself lacks is not the caller's doing, and may be there again in a moment.
    request.log.error({ problem: messageOf(error) }, 'request failed');
    return refuse(reply, 503, messageOf(error));
  });

  addReads(app, chatbot, modeSwitch);
  addWrites(app, chatbot, modeSwitch);
  if (token) addAdmin(app, chatbot, modeSwitch, token);
  return app;
}

function addReads(app: FastifyInstance, chatbot: Chatbot, modeSwitch: ModeSwitch): void {
  app.get('/health', () => ({ status: 'ok' }));
  app.get('/health/deep', async (_request, reply) => {
    const health = await checkDeeply(chatbot, modeSwitch.mode);
    return reply.code(health.status === 'ok' ? 200 : 503).send(health);
  });
  app.get('/sessions/:id/messages', async (request, reply) => {
    const { id } = sessionSchema.parse(request.params);
    if (!(await sessionExists(chatbot.pool, id))) return noSession(reply, id);
    return { sessionId: id, messages: await readMessages(chatbot.pool, id) };
  });
}

/** All of it through the switch, before anything else is looked at. */
function addWrites(app: FastifyInstance, chatbot: Chatbot, modeSwitch: ModeSwitch): void {
  app.post('/ingest', (request) =>
    modeSwitch.write(async () => {
      const { file, markdown } = ingestSchema.parse(request.body);
      chatbot.misbehaviour?.beforeWrite();
      return chatbot.ingest(file, markdown);
    }),
  );
  app.post('/sessions', (_request, reply) =>
    modeSwitch.write(async () => {
      chatbot.misbehaviour?.beforeWrite();
      return reply.code(201).send({ sessionId: await createSession(chatbot.pool) });
    }),
  );
  app.post('/ask', (request, reply) =>
    modeSwitch.write(async () => {
      const { question, sessionId, topK } = askSchema.parse(request.body);
      const known = sessionId === undefined || (await sessionExists(chatbot.pool, sessionId));
      return known ? chatbot.ask(question, topK, sessionId) : noSession(reply, sessionId);
    }),
  );
}

function addAdmin(app: FastifyInstance, chatbot: Chatbot, modeSwitch: ModeSwitch, token: Secret): void {
  const onRequest = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (!isBearer(request.headers.authorization, token))
      await refuse(reply.header('www-authenticate', 'Bearer'), 401, 'the token of the switch is needed');
  };
  app.put('/admin/mode', { onRequest }, async (request) => {
    const { mode } = modeSchema.parse(request.body);
    await modeSwitch.set(mode);
    return { mode };
  });
  app.get('/admin/qdrant', { onRequest }, () => chatbot.place.view);
  app.put('/admin/qdrant', { onRequest }, async (request) => {
    await chatbot.place.use(placeSchema.parse(request.body));
    return chatbot.place.view;
  });
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
