import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Embedding } from './model.ts';
import type { Outcome, Task } from './worker.ts';

/** Texts to a batch. Measured with paragraphs of 300 characters: 1 costs twice as much per text, 32 a little more. */
const BATCH = 8;
/** Each thread holds its own copy of the weights, about 150 MB, so there are never many. */
const MAX_THREADS = 2;

interface Pending {
  readonly task: Task;
  resolve(embeddings: Embedding[]): void;
  reject(error: Error): void;
}

/** Threads that embed, each one batch at a time; the engine is WASM and would hold up the server's own thread. */
export class EmbeddingPool {
  readonly #idle: Worker[] = [];
  readonly #workers: Worker[] = [];
  readonly #queue: Pending[] = [];
  readonly #running = new Map<Worker, Pending>();
  #nextId = 0;

  constructor(threads = Math.min(MAX_THREADS, availableParallelism())) {
    for (let i = 0; i < threads; i += 1) this.#workers.push(this.#spawn());
    this.#idle.push(...this.#workers);
  }

  /** Embeddings of `texts`, in their order. Texts of like length go together: a batch is padded to its longest. */
  async embed(texts: readonly string[]): Promise<Embedding[]> {
    const order = texts.map((_text, at) => at).sort((a, b) => (texts[a]?.length ?? 0) - (texts[b]?.length ?? 0));
    const results: Embedding[] = [];
    const batches = Array.from({ length: Math.ceil(order.length / BATCH) }, (_, i) =>
      order.slice(i * BATCH, (i + 1) * BATCH),
    );
    await Promise.all(
      batches.map(async (places) => {
        const embeddings = await this.#submit(places.map((at) => texts[at] ?? ''));
        embeddings.forEach((embedding, i) => (results[places[i] ?? 0] = embedding));
      }),
    );
    return results;
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #submit(texts: string[]): Promise<Embedding[]> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ task: { id: this.#nextId++, texts }, resolve, reject });
      this.#dispatch();
    });
  }

  #dispatch(): void {
    for (let worker = this.#idle.pop(); worker; worker = this.#idle.pop()) {
      const pending = this.#queue.shift();
      if (!pending) {
        this.#idle.push(worker);
        return;
      }
      this.#running.set(worker, pending);
      worker.postMessage(pending.task);
    }
  }

  #spawn(): Worker {
    const worker = new Worker(new URL('./worker.ts', import.meta.url));
    worker.on('message', (outcome: Outcome) => this.#settle(worker, outcome));
    // A thread that dies takes the whole server with it: whoever started it sees that, and starts it again.
    worker.on('error', (error) => {
      throw error;
    });
    return worker;
  }

  #settle(worker: Worker, outcome: Outcome): void {
    const pending = this.#running.get(worker);
    this.#running.delete(worker);
    this.#idle.push(worker);
    if ('error' in outcome) pending?.reject(new Error(outcome.error));
    else pending?.resolve(outcome.embeddings);
    this.#dispatch();
  }
}
