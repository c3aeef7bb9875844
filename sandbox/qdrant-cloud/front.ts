import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CloudSettings } from './options.ts';

const START_MS = 60_000;
const LOOK_EVERY_MS = 50;

/** A Qdrant front that the stand-in starts for a cluster. Its input is a pipe, so that it ends with the stand-in. */
export class Front {
  readonly #child: ChildProcess;
  #said = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (text: Buffer) => (this.#said = (this.#said + text.toString()).slice(-4_000)));
  }

  /** @throws Error with what the server said when it does not come up */
  static async start(how: NonNullable<CloudSettings['fronts']>, folder: string, port: number): Promise<Front> {
    mkdirSync(folder, { recursive: true });
    const folders = ['--storage', join(folder, 'storage'), '--snapshots', join(folder, 'snapshots')];
    const child = spawn(how.python, ['-u', how.script, '--port', String(port), ...folders, '--die-with-parent'], {
      cwd: folder,
      env: {
        ...how.env,
        ...(how.apiKey ? { QDRANT__SERVICE__API_KEY: how.apiKey.reveal() } : {}),
        ...(how.readOnlyApiKey ? { QDRANT__SERVICE__READ_ONLY_API_KEY: how.readOnlyApiKey.reveal() } : {}),
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const front = new Front(child);
    await front.#untilReady(port);
    return front;
  }

  async stop(): Promise<void> {
    if (this.#ended()) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await gone;
  }

  #ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async #untilReady(port: number): Promise<void> {
    let problem: Error | undefined;
    this.#child.once('error', (error) => (problem = error));
    for (const deadline = Date.now() + START_MS; Date.now() < deadline; await sleep(LOOK_EVERY_MS)) {
      if (problem ?? this.#ended()) break;
      const ready = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
      await ready?.text();
      if (ready?.ok) return;
    }
    this.#child.kill('SIGKILL');
    throw new Error(`the cluster's server did not start: ${problem?.message ?? this.#said}`, { cause: problem });
  }
}
