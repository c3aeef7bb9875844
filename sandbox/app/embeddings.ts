import { z } from 'zod';
import { postJson } from './http.ts';

const DIMENSIONS = 768;
/** Long enough for a batch that a model on the processor has never seen. */
const DEADLINE_MS = 60_000;

const responseSchema = z.object({
  data: z.array(z.object({ index: z.int(), embedding: z.array(z.number()).length(DIMENSIONS) })),
});

/** Vectors from an OpenAI-compatible endpoint. */
export class EmbeddingsClient {
  readonly #url: string;
  readonly #model: string;

  constructor({ url, model }: { url: string; model: string }) {
    this.#url = `${url}/embeddings`;
    this.#model = model;
  }

  /** One vector for each text, in their order. @throws Error when the endpoint refuses, is silent or counts wrongly */
  async embed(texts: readonly string[], deadlineMs = DEADLINE_MS): Promise<number[][]> {
    const body = { model: this.#model, input: texts };
    const { data } = await postJson({ url: this.#url, body, deadlineMs }, responseSchema);
    const vectors = data.toSorted((a, b) => a.index - b.index).map((item) => item.embedding);
    if (vectors.length !== texts.length) {
      throw new Error(`${this.#url}: ${vectors.length} vectors came back for ${texts.length} texts`);
    }
    return vectors;
  }

  async embedOne(text: string, deadlineMs?: number): Promise<number[]> {
    const [vector] = await this.embed([text], deadlineMs);
    return vector ?? [];
  }
}
