import { parseArgs } from 'node:util';
import { z } from 'zod';
import { EmbeddingCache } from './cache.ts';
import { DIMENSIONS, MODEL } from './model.ts';
import { EmbeddingPool } from './pool.ts';
import { buildEmbeddingsServer } from './server.ts';

/** `node sandbox/embeddings/main.ts --port N --cache DIR [--host H]`: embeddings without the internet. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { port: { type: 'string' }, cache: { type: 'string' }, host: { type: 'string' } },
  });
  const { port, cache, host } = z
    .object({
      port: z.coerce.number().int().min(0).max(65_535),
      cache: z.string().min(1),
      host: z.string().default('127.0.0.1'),
    })
    .parse(values);
  const pool = new EmbeddingPool();
  const server = buildEmbeddingsServer(pool, new EmbeddingCache(cache));
  const address = await server.listen({ port, host });
  console.log(`embeddings on ${address}: ${MODEL}, ${DIMENSIONS} dimensions`);
  const stop = async (): Promise<void> => {
    await server.close();
    await pool.close();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop());
}

await main();
