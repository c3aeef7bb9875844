import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from './errors.ts';

/** Work that goes on after its request was answered. */
export class Jobs {
  readonly #ending = new AbortController();
  readonly #running = new Set<Promise<void>>();
  readonly #tell: (message: string) => void;

  constructor(tell: (message: string) => void) {
    this.#tell = tell;
  }

  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  /** Starts work that handles its own failures. What the end of the stand-in interrupts is taken up at the next start. */
  run(work: () => Promise<void>): Promise<void> {
    const job = work().catch((error: unknown) => {
      if (!this.signal.aborted) this.#tell(messageOf(error));
    });
    this.#running.add(job);
    return job.finally(() => this.#running.delete(job));
  }

  pause(ms: number): Promise<void> {
    return sleep(ms, undefined, { signal: this.signal });
  }

  async close(): Promise<void> {
    this.#ending.abort();
    await Promise.allSettled(this.#running);
  }
}
