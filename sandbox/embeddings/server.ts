import fastify, { type FastifyInstance } from 'fastify';
import { z } from 'zod';
import { describeIssues } from '../../domain/run-input.ts';
import type { EmbeddingCache } from './cache.ts';
import { DIMENSIONS, type Embedding, MODEL, NATIVE_DIMENSIONS, pad } from './model.ts';
import type { EmbeddingPool } from './pool.ts';

/** Far more than a chunk, and little enough that one request cannot take all memory. */
const MAX_CHARACTERS = 20_000;
const BODY_BYTES = 64 << 20;

const text = z.string().min(1).max(MAX_CHARACTERS);

/** The part of OpenAI's request that makes sense here. Padding is exact; cutting this model's vectors would not be. */
const requestSchema = z.object({
  model: z.string(),
  input: z
    .union([text, z.array(text).min(1).max(2048)])
    .transform((input) => (typeof input === 'string' ? [input] : input)),
  dimensions: z.int().min(NATIVE_DIMENSIONS).max(DIMENSIONS).default(DIMENSIONS),
  encoding_format: z.enum(['float', 'base64']).default('float'),
});
type EmbeddingRequest = z.infer<typeof requestSchema>;

/** An OpenAI-compatible embedding endpoint over `pool`, which is asked only for what `cache` does not know. */
export function buildEmbeddingsServer(pool: EmbeddingPool, cache: EmbeddingCache): FastifyInstance {
  const server = fastify({ bodyLimit: BODY_BYTES });
  server.get('/health', () => ({ status: 'ok', model: MODEL, dimensions: DIMENSIONS }));
  server.post('/v1/embeddings', async (request, reply) => {
    const parsed = requestSchema.safeParse(request.body);
    if (!parsed.success) return reply.code(400).send(refusal(describeIssues(parsed.error), null));
    if (parsed.data.model !== MODEL) {
      const message = `The model \`${parsed.data.model}\` does not exist or you do not have access to it.`;
      return reply.code(404).send(refusal(message, 'model_not_found'));
    }
    return answer(parsed.data, await embedAll(parsed.data.input, pool, cache));
  });
  return server;
}

/** Errors have OpenAI's shape, so that its clients show the message. */
function refusal(message: string, code: string | null): object {
  return { error: { message, type: 'invalid_request_error', param: null, code } };
}

async function embedAll(texts: readonly string[], pool: EmbeddingPool, cache: EmbeddingCache): Promise<Embedding[]> {
  const unique = [...new Set(texts)];
  const known = new Map<string, Embedding>();
  await Promise.all(
    unique.map(async (one) => {
      const embedding = await cache.read(one);
      if (embedding) known.set(one, embedding);
    }),
  );
  const unknown = unique.filter((one) => !known.has(one));
  const fresh = await pool.embed(unknown);
  await Promise.all(
    fresh.map(async (embedding, at) => {
      const one = unknown[at] ?? '';
      known.set(one, embedding);
      await cache.write(one, embedding);
    }),
  );
  return texts.flatMap((one) => known.get(one) ?? []);
}

function answer({ dimensions, encoding_format }: EmbeddingRequest, embeddings: readonly Embedding[]): object {
  const data = embeddings.map(({ vector }, index) => {
    const padded = pad(vector, dimensions);
    const embedding = encoding_format === 'float' ? [...padded] : Buffer.from(padded.buffer).toString('base64');
    return { object: 'embedding', index, embedding };
  });
  const tokens = embeddings.reduce((sum, one) => sum + one.tokens, 0);
  return { object: 'list', data, model: MODEL, usage: { prompt_tokens: tokens, total_tokens: tokens } };
}
