import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { EmbeddingsConfig } from '../../config/schema.ts';
import type { Embedder } from '../../domain/embedder.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { type Answer, post } from './http.ts';

const answerSchema = z.object({
  data: z.array(z.object({ index: z.int().nonnegative(), embedding: z.array(z.number()) })),
});
/** What servers say of a model whose size cannot be chosen. */
const FIXED_SIZE = /dimension|matryoshka/i;

/**
 * Client of an OpenAI-compatible embedding endpoint. Vectors are given back as they came: Qdrant normalises them itself
 * where its distance asks for it. The API key never appears in a message.
 */
export function createEmbedder(config: EmbeddingsConfig): Embedder {
  const client = new EmbeddingClient(config);
  const prefixed = (prefix: string, texts: readonly string[]): string[] => texts.map((text) => prefix + text);
  return {
    batch: config.batch,
    embedDocuments: (texts, signal) => client.embed(prefixed(config.documentPrefix, texts), signal),
    async embedQuery(text, signal) {
      const [vector] = await client.embed(prefixed(config.queryPrefix, [text]), signal);
      return vector ?? [];
    },
  };
}

class EmbeddingClient {
  readonly #config: EmbeddingsConfig;
  /** Models of a fixed size refuse the parameter; others need it. Learnt from the first refusal. */
  #choosesSize = true;
  #nextRequestAt = 0;

  constructor(config: EmbeddingsConfig) {
    this.#config = config;
  }

  async embed(texts: readonly string[], signal?: AbortSignal): Promise<number[][]> {
    const vectors: number[][] = [];
    for (let at = 0; at < texts.length; at += this.#config.batch) {
      vectors.push(...(await this.#embedBatch(texts.slice(at, at + this.#config.batch), signal)));
    }
    return vectors;
  }

  async #embedBatch(input: readonly string[], signal?: AbortSignal): Promise<number[][]> {
    let answer = await this.#request(input, signal);
    if (!answer.ok && answer.status === 400 && this.#choosesSize && FIXED_SIZE.test(answer.said)) {
      this.#choosesSize = false;
      answer = await this.#request(input, signal);
    }
    if (!answer.ok) throw this.#refused(`${answer.status}: ${answer.said}`);
    return this.#read(answer.body, input.length);
  }

  async #request(input: readonly string[], signal?: AbortSignal): Promise<Answer> {
    const { url, apiKey, identity } = this.#config;
    await this.#waitForTurn(signal);
    return post({
      url: `${url.replace(/\/+$/, '')}/embeddings`,
      headers: apiKey ? { authorization: `Bearer ${apiKey.reveal()}` } : {},
      body: {
        model: identity.model,
        input,
        encoding_format: 'float',
        ...(this.#choosesSize ? { dimensions: identity.dimensions } : {}),
      },
      signal,
    });
  }

  /** Spaces requests evenly, as far apart as the provider's limit asks. */
  async #waitForTurn(signal?: AbortSignal): Promise<void> {
    const { requestsPerMinute } = this.#config;
    if (requestsPerMinute === undefined) return;
    const now = performance.now();
    const turn = Math.max(now, this.#nextRequestAt);
    this.#nextRequestAt = turn + 60_000 / requestsPerMinute;
    if (turn > now) await pause(turn - now, undefined, { signal });
  }

  /** Vectors in the order of their texts, each of the right size and finite, or a refusal that says which was not. */
  #read(body: unknown, count: number): number[][] {
    const parsed = answerSchema.safeParse(body);
    if (!parsed.success) throw this.#refused(`an answer of another form: ${z.prettifyError(parsed.error)}`);
    const byIndex = new Map(parsed.data.data.map(({ index, embedding }) => [index, embedding]));
    if (byIndex.size !== count || parsed.data.data.length !== count) {
      throw this.#refused(`${parsed.data.data.length} vectors for ${count} texts`);
    }
    return Array.from({ length: count }, (_, index) => this.#check(byIndex.get(index), index));
  }

  #check(vector: number[] | undefined, index: number): number[] {
    const { dimensions } = this.#config.identity;
    if (!vector) throw this.#refused(`no vector for text ${index}`);
    if (vector.length !== dimensions)
      throw this.#refused(`vectors of ${vector.length} dimensions; embeddings.identity.dimensions is ${dimensions}`);
    if (!vector.every((value) => Number.isFinite(Math.fround(value))))
      throw this.#refused(`a vector that is not finite for text ${index}`);
    if (vector.every((value) => value === 0)) throw this.#refused(`a zero vector for text ${index}`);
    return vector;
  }

  #refused(said: string): RecoveryError {
    const { url, apiKey, identity } = this.#config;
    const safe = apiKey ? said.replaceAll(apiKey.reveal(), '[redacted]') : said;
    return new RecoveryError(
      'EMBEDDINGS_REFUSED',
      `embeddings at ${new URL(url).host}, model ${identity.model}: ${safe}`,
    );
  }
}
