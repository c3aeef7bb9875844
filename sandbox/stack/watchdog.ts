import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Ends the parts when this process dies without having done so itself. See watchdog.mjs. */
export class Watchdog {
  readonly #process: ChildProcess;

  constructor() {
    const script = fileURLToPath(new URL('./watchdog.mjs', import.meta.url));
    this.#process = spawn(process.execPath, [script], { stdio: ['pipe', 'ignore', 'ignore'], detached: true, env: {} });
    this.#process.unref();
    // A watchdog that somebody killed leaves a broken pipe, which is no reason to end the sandbox.
    this.#process.stdin?.on('error', () => undefined);
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  watch(group: number, signal: NodeJS.Signals): void {
    this.#process.stdin?.write(`+${group} ${signal}\n`);
  }

  forget(group: number): void {
    this.#process.stdin?.write(`-${group}\n`);
  }

  /** Lets the watchdog go once nothing is left to watch; resolves when it is gone. */
  async close(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => this.#process.once('exit', () => resolve()));
    this.#process.ref();
    this.#process.stdin?.end();
    await gone;
  }
}
